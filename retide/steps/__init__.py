"""The use cases of Retide, one in each file: they take ports and return a named outcome."""
