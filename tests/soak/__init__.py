"""The big counts, by ``make soak``: resumable, results in a file a row beside this one."""
