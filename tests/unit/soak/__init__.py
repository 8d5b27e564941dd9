"""The bookkeeping of the big counts."""
