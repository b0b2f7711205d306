"""Open Catalyst: archives of relaxations, downloaded one at a time and read without being extracted."""
