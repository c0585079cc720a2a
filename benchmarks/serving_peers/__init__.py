"""One module for each server of the race: `prepare` makes its model, the rest is what its own documents show first."""
