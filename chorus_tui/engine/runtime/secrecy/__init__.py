"""SHHH in a running engine: what every operation passes, what is kept of findings, what people ask of it."""
