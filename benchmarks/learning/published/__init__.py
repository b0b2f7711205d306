"""Published: what studies of published sets have in common: choices before looks, looks that are logged, options."""
