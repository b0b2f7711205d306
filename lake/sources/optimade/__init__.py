"""OPTIMADE: what holds for every provider, and a page of structures straight to arrays."""
