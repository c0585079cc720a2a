"""The commands, one module for each group of them: options in, one use of the system, words out."""
