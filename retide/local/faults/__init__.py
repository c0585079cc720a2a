"""Faults on request: what AWS does on its bad days, asked for by a test, counted, and the same each time."""
