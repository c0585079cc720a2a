"""Curves of benchmarks, drawn in an environment of their own."""
