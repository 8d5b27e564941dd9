"""The command line: every way in, for people and for scripts. stdout is data, stderr is for the rest."""
