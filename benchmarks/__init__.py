"""Measurements of whole paths through the system, each a command of its own; results stand in docs/benchmarks.md."""
