"""Which crystals are the same: canonical form, fingerprint, comparison, materials, splits."""
