"""Materials Project: its REST routes through mp-api, and its public Delta tables."""
