"""Peers: what they say of themselves, what they ask for, and who is kept out."""
