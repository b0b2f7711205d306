"""The embedded default: textbook crystals as sample values, and the small internet that serves them on loopback."""
