"""Furniture that two screens share. No network, no contract calls."""
