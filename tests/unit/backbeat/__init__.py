"""BACKBEAT: beats, claims, bars, without any I/O."""
