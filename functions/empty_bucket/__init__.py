"""The function `empty_bucket`."""
