"""Assistance: help, expertise, mentorship, answered by those who can."""
