"""The household as the brain sees it: what there is, how it is, and what can be done with it."""
