"""The function `remove_model`."""
