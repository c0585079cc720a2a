"""The page behind a link that decides about a version: no scripts, and nothing of the request comes back in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Final

from retide.domain.ledger import Standing
from retide.steps.answer_link import LinkAnswer, Outcome

HEADERS: Final[Mapping[str, str]] = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
STATUSES: Final[Mapping[Outcome, int]] = {
    Outcome.ASKED: 200,
    Outcome.DECIDED: 200,
    Outcome.KNOWN: 200,
    Outcome.OVERTAKEN: 409,
    Outcome.SUPERSEDED: 409,
    Outcome.EXPIRED: 410,
    Outcome.GONE: 410,
    Outcome.INVALID: 403,
}
VERBS: Final = {Standing.APPROVED: "Approve", Standing.REJECTED: "Reject"}


def page(answer: LinkAnswer) -> str:
    """HTML; every text in it is escaped here."""
    title, *lines = _TEXTS[answer.outcome](answer)
    told = "".join(f"<p>{escape(line)}</p>" for line in (*lines, *_facts(answer)) if line)
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width'><title>{escape(title)}</title>"
    body = f"<h1>{escape(title)}</h1>{told}{_form(answer)}"
    return f"<!doctype html><html lang=en><head>{head}</head><body>{body}</body></html>"


def _form(answer: LinkAnswer) -> str:
    """It goes to the page's own address, so that nothing needs to be written into it."""
    if answer.outcome is not Outcome.ASKED or answer.ticket is None:
        return ""
    return f"<form method=post><button>{VERBS[answer.ticket.decision]}</button></form>"


def _facts(answer: LinkAnswer) -> tuple[str, ...]:
    """What the registry says of the version."""
    if answer.ticket is None or answer.package is None:
        return ()
    facts = answer.package.facts
    measured = f"{facts['metric']} {facts['score']} on the holdout" if {"metric", "score"} <= facts.keys() else ""
    run = f"`retide explain {facts['run']}` tells the whole story." if "run" in facts else ""
    return (f"Stage {answer.ticket.stage}. {answer.package.description}", measured, run)


def _version(answer: LinkAnswer) -> str:
    return f"version {answer.ticket.version} of {answer.ticket.model}" if answer.ticket else "a version"


def _stands(answer: LinkAnswer) -> str:
    found = answer.stands
    return f"It was {found} at {found.decided_at[:16]} UTC." if found and found.decided_at else f"It is {found}."


def _asked(answer: LinkAnswer) -> tuple[str, ...]:
    if answer.ticket is None:
        return ("Nothing to decide",)
    until = datetime.fromtimestamp(answer.ticket.expires, UTC).isoformat(sep=" ", timespec="minutes")
    effect = (
        "It is then rolled out at once." if answer.ticket.decision is Standing.APPROVED else "It is then not served."
    )
    return (f"{VERBS[answer.ticket.decision]} {_version(answer)}?", effect, f"This link is good until {until}.")


def _decided(answer: LinkAnswer) -> tuple[str, ...]:
    done = answer.ticket.decision.value.capitalize() if answer.ticket else "Decided"
    return (f"{done}: {_version(answer)}", _stands(answer))


def _known(answer: LinkAnswer) -> tuple[str, ...]:
    return ("Decided so already", f"Nothing was changed about {_version(answer)}.", _stands(answer))


def _overtaken(answer: LinkAnswer) -> tuple[str, ...]:
    return ("Decided otherwise already", f"Nothing was changed about {_version(answer)}.", _stands(answer))


def _superseded(answer: LinkAnswer) -> tuple[str, ...]:
    return ("A newer version serves", f"Version {answer.newest} was deployed since: {_version(answer)} is not served.")


def _expired(answer: LinkAnswer) -> tuple[str, ...]:
    known = f"{answer.ticket.model}@{answer.ticket.version}" if answer.ticket else "MODEL@VERSION"
    return ("This link has expired", f"Nothing was changed. `retide approve {known}` decides without it.")


def _invalid(_answer: LinkAnswer) -> tuple[str, ...]:
    return ("This link is not valid", "It is not one of this stage's, or not whole: take it from the notice again.")


def _gone(answer: LinkAnswer) -> tuple[str, ...]:
    return ("This version is gone", f"The registry does not know {_version(answer)} any more.")


_TEXTS: Final[Mapping[Outcome, Callable[[LinkAnswer], tuple[str, ...]]]] = {
    Outcome.ASKED: _asked,
    Outcome.DECIDED: _decided,
    Outcome.KNOWN: _known,
    Outcome.OVERTAKEN: _overtaken,
    Outcome.SUPERSEDED: _superseded,
    Outcome.EXPIRED: _expired,
    Outcome.INVALID: _invalid,
    Outcome.GONE: _gone,
}
