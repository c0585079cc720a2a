"""Greets a parcel, with a word from the layer."""

from words import GREETING


def handler(event: dict, _context: object) -> dict:
    return {"text": f"{GREETING} {event['key']}"}
