"""SLURP alone."""
