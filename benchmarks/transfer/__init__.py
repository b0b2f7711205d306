"""Transfer: what the map of transfer finds where the truth was planted, and what it costs."""
