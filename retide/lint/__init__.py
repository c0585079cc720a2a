"""The linter of models: named rules over contracts, model code and samples; what it reads it never runs."""
