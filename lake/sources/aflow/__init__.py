"""AFLOW: its search interface AFLUX, by catalog and first species."""
