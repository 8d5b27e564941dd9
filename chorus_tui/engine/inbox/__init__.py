"""Whatever waits for a person, gathered from the features that know it."""
