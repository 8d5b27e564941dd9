"""Serving the portal to others at the word of a person: processes beside the engine, which end with it."""
