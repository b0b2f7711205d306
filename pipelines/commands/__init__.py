"""The commands of `crystal-lake`, a file per family. Importing a file adds its commands to the app."""
