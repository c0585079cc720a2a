"""Who takes part: one module each, run in a process and an environment of its own."""
