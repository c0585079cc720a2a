"""Content negotiation (RFC 9110, section 12): which form a body has, and which form its answer shall have."""

# Beside a model this package is called `server`, here `training.server`.
# ruff: noqa: TID252

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from .errors import RequestError

JSON: Final = "application/json"
JSON_LINES: Final = "application/jsonlines"
CSV: Final = "text/csv"
FORMS: Final = (JSON, JSON_LINES, CSV)  # the first is what a client gets that has no wish
ALSO_CALLED: Final = {
    "application/x-jsonlines": JSON_LINES,
    "application/jsonl": JSON_LINES,
    "application/x-ndjson": JSON_LINES,
}
UTF8: Final = frozenset({"", "utf-8", "utf8", "us-ascii"})
REMEMBERED: Final = 256  # clients send few different headers; a hostile one shall not fill the memory


@dataclass(frozen=True, slots=True)
class Form:
    """A media type that is spoken here; `header` is RFC 4180's parameter: whether a CSV names its columns."""

    type: str
    header: bool = True


@lru_cache(maxsize=REMEMBERED)
def of_body(content_type: str) -> Form:
    """Raises RequestError with 415."""
    kind, parameters = _parsed(content_type)
    form = ALSO_CALLED.get(kind, kind)
    if form not in FORMS:
        raise RequestError(f"send Content-Type {_listed()}", "Content-Type", content_type, status=415)
    if parameters.get("charset", "").lower() not in UTF8:
        raise RequestError("send text as UTF-8", "Content-Type", content_type, status=415)
    return Form(form, parameters.get("header", "present").lower() != "absent")


@lru_cache(maxsize=REMEMBERED)
def of_answer(accept: str) -> Form:
    """The form that the client likes best, of equals the first of ours; raises RequestError with 406."""
    if not accept.strip():
        return Form(JSON)
    wishes = [wish for part in accept.split(",") if (wish := _wish(part))]
    best = max(FORMS, key=lambda form: _quality(form, wishes)[0])
    quality, header = _quality(best, wishes)
    if quality <= 0:
        raise RequestError(f"this endpoint answers with {_listed()}", "Accept", accept, status=406)
    return Form(best, header)


@dataclass(frozen=True, slots=True)
class _Wish:
    range: str
    quality: float
    header: bool

    def specificity(self, form: str) -> int:
        """0 where it does not speak of this form; the more exactly it names it, the more it counts."""
        major = form.partition("/")[0]
        return {"*/*": 1, f"{major}/*": 2, form: 3}.get(self.range, 0)


def _wish(part: str) -> _Wish | None:
    kind, parameters = _parsed(part)
    try:
        quality = float(parameters.get("q", "1"))
    except ValueError:
        return None
    if not 0 <= quality <= 1 or "/" not in kind:
        return None
    return _Wish(ALSO_CALLED.get(kind, kind), quality, parameters.get("header", "present").lower() != "absent")


def _quality(form: str, wishes: list[_Wish]) -> tuple[float, bool]:
    """What the most specific wish says of a form."""
    found = max(wishes, key=lambda wish: wish.specificity(form), default=None)
    if found is None or not found.specificity(form):
        return 0.0, True
    return found.quality, found.header


def _parsed(text: str) -> tuple[str, dict[str, str]]:
    kind, *rest = (part.strip() for part in text.split(";"))
    pairs = (part.partition("=") for part in rest)
    return kind.lower(), {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _listed() -> str:
    return f"{', '.join(FORMS[:-1])} or {FORMS[-1]}"
