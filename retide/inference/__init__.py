"""Draft a model's contract from a file of its data, with the evidence for each line of it."""
