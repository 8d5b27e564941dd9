"""Language models: the providers behind one interface, and the prompts they are given."""
