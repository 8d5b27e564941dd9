"""The big counts, by ``make soak``: resumable, results in ``results.json`` beside this file."""
