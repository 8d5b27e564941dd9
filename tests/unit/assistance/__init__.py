"""Assistance: who answers, when it is whose turn, what counts as an answer."""
