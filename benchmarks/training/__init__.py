"""How fast networks learn, against those who do it too."""
