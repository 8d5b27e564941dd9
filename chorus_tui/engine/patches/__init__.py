"""Patches: changes that members propose, review, vote on and apply."""
