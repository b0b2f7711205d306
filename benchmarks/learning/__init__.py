"""Learning measured on real crystals: what models know, and whether what they say of themselves holds."""
