"""Batch transform: every line of many files goes through a model's container, and comes back beside its source."""
