"""Tasks: announced in feeds, decided in the control log, run by workers. Rules are pure; services do the I/O."""
