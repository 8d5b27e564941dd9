"""Everything two peers must agree on, as pure code: canonical JSON, identities, envelopes, message types, topics."""
