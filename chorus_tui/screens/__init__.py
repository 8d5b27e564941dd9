"""One module a command; imported when first shown. Screens know neither each other nor the engine."""
