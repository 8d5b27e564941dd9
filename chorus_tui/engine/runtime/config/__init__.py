"""``chorus-tui config check``: the settings as an engine would take them, and whether two deployments go together."""
