"""OQMD: by OPTIMADE, by its own REST interface, or from its SQL dump."""
