"""Why no contract can be drafted from a file: what was seen, and what to do next."""


class CannotInfer(Exception):
    """The message is one line for the person who asked."""
