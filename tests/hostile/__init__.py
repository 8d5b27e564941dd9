"""Peers, strangers and bytes that mean harm."""
