"""How fast crystal graphs are built and loaded, against those who do it too."""
