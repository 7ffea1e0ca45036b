"""Acting on the house, and saying what became of it."""
