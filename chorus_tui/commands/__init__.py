"""What can be done from anywhere: one table feeds the palette and the ``:`` prompt."""
