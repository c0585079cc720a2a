"""Greets a parcel, with a word from the layer."""

from words import GREETING  # type: ignore[import-not-found]  # the layer brings it

TAIL = ""


def handler(event: dict[str, str], _context: object) -> dict[str, str]:
    return {"text": f"{GREETING} {event['key']}{TAIL}"}
