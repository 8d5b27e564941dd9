"""Real nodes on loopback."""
