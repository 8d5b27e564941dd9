"""Coordination: tasks that touch the same thing, the sessions about them, where projects stand, who reports to whom."""
