"""The judge of the chaos runs, on histories made by hand."""
