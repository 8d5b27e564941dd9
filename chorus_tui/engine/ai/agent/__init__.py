"""An agent at work on a goal: asks a model for one action at a time, carries it out, shows it what came of it."""
