"""The checks of model code, each a function from one file to its findings."""
