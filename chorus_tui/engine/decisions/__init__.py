"""Decisions: proposals and votes in the feeds, their closing in the control log, the record of what came of them."""
