"""Calling back: whoever announced a task over the API is told by HTTP when it has ended. Signed, tried again, to listed hosts only."""
