"""Patches: what counts, who may, how they stand; where secrets are found."""
