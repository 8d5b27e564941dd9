"""Timings beside a peer in the same run. A benchmark asserts that the work was right, never how long it took."""
