"""How an operation of one of our services refuses: AWS's error code, its message and the HTTP status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

NOT_SUPPORTED: Final = "NotSupportedByLocalCloud"


class ApiError(Exception):
    """An error answer of the API, in AWS's own codes."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message)


def not_supported(what: str, folder: str) -> ApiError:
    """AWS may know it, the local cloud does not: say its name, and where it would be added, instead of guessing."""
    return ApiError(NOT_SUPPORTED, f"{what} is not supported by the local cloud: add it to {folder}", 501)


def refuse_repeated(what: str, names: Sequence[str | None]) -> None:
    """Raises ValidationException when a name is given twice."""
    if len(names) != len(set(names)):
        raise invalid(f"{what} must be unique: {', '.join(map(str, names))}")
