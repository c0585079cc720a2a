"""The race of validators: the data, the rules that all are given, who takes part, and how they are timed."""
