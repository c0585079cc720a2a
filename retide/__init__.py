"""Retide: event-driven MLOps on AWS, exactly once per change, and the same system on a laptop."""

from typing import Final

__version__: Final = "0.1.0"
