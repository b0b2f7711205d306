"""Transfer map: which properties help which, and how we know."""
