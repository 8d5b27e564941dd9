"""Licences: their rules, and the gate in simulated time."""
