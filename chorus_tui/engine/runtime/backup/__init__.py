"""A data folder into one sealed file, while its engine runs, and back into an empty folder."""
