"""The demo."""


def demo() -> None:
    """x"""


def smoke() -> None:
    """y"""
