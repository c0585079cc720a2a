"""Conclude from the evidence what a contract says of a column, and from what: type, range, set, gaps, secrets."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

from retide.domain.contract import NUMERIC, Column, ColumnType
from retide.inference.evidence import Evidence, date_order
from retide.inference.wording import counted, percent, rounded_up, short, widened

IDENTIFIER: Final = re.compile(r"(^|[_\W])(id|ids|uuid|guid|key|number|no|nr)$|[a-z]I[dD]$", re.IGNORECASE)
SET: Final = 50  # values that a set may have in any case,
LARGE_SET: Final = 200  # and where each comes often
CODES: Final = 1_000  # more values than this are nothing to learn from one by one
WORDY: Final = 40  # characters on average
RARE: Final = 5  # rows
LONG: Final = 100_000  # smaller numbers name nobody
_STAND_INS: Final = frozenset({-1, -9, -99, -999, -9999, 999, 9999, 99999, 999999})
_PAIRS: Final = ({"yes", "no"}, {"y", "n"}, {"true", "false"}, {"t", "f"})
_PII: Final = {
    "e-mail addresses": r"e?_?mail",
    "telephone numbers": r"phone|telefon|tel|mobile|handy|fax",
    "IBANs": r"iban|bank_?account|kontonummer",
    "names of people": r"(first|last|full|sur|family|given|middle|customer|patient|vor|nach)_?name|surname",
    "addresses": r"address|street|strasse|straße",
    "dates of birth": r"dob|birth_?(date|day)|date_of_birth|geburtsdatum",
    "identity numbers": r"ssn|social_security(_number)?|passport(_?(no|number))?|tax_?id|steuernummer",
}
_SECRET_SHAPES: Final = ("e-mail addresses", "telephone numbers", "IBANs")
_FREE_SHAPES: Final = ("grouped thousands", "amounts with a sign")


@dataclass(frozen=True, slots=True)
class Guess:
    """A column of the contract, why it is as it is, and what only a person can say of it (`asks`)."""

    column: Column
    why: str
    evidence: Evidence
    asks: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        return self.column.name

    def changed(self, why: str, **settings: object) -> Guess:
        """With other settings, and one more reason."""
        return replace(self, column=replace(self.column, **settings), why=f"{self.why}; {why}" if self.why else why)  # type: ignore[arg-type]


def is_boolean(evidence: Evidence) -> bool:
    """Whether a column of text has both words of one pair, in whatever case."""
    return {value.lower() for value, _ in evidence.values} in _PAIRS


def secret(evidence: Evidence) -> str:
    """What sensitive thing the column seems to hold, by its values or its name; empty for none."""
    for shape in _SECRET_SHAPES:
        if evidence.shapes.get(shape, 0) >= 0.8:
            return shape
    if evidence.kind in NUMERIC and evidence.maximum < LONG:
        return ""  # a count of calls is no telephone number
    name = re.sub(r"(?<=[a-z])(?=[A-Z])|[\W_]+", "_", evidence.name).lower().strip("_")
    for kind, words in _PII.items():
        if re.fullmatch(rf"(.*_)?({words})(_.*)?", name) and evidence.distinct > 2:
            return kind
    return ""


def guess(evidence: Evidence) -> Guess:
    if not evidence.present:
        column = Column(evidence.name, ColumnType.STRING, nullable=True, max_missing=1.0)
        return Guess(column, "empty in every row: nothing could be told", evidence)
    made = _gaps(_of_kind(evidence), evidence)
    kind = secret(evidence)
    if kind:
        made = _hidden(made, kind)
    elif evidence.distinct == 1 and made.column.feature and made.column.type is not ColumnType.STRING:
        made = made.changed("the same in every row: nothing to learn", feature=False)
    return made


def _of_kind(evidence: Evidence) -> Guess:
    match evidence.kind:
        case ColumnType.INTEGER | ColumnType.FLOAT:
            return _number(evidence)
        case ColumnType.TIMESTAMP:
            why = f"{evidence.minimum:%Y-%m-%d} to {evidence.maximum:%Y-%m-%d}"
            return Guess(Column(evidence.name, ColumnType.TIMESTAMP), why, evidence)
        case ColumnType.BOOLEAN:
            why = ", ".join(f"{value} {percent(count / evidence.present)}" for value, count in evidence.values)
            return Guess(Column(evidence.name, ColumnType.BOOLEAN), why, evidence)
        case _:
            return _text(evidence)


def _gaps(made: Guess, evidence: Evidence) -> Guess:
    """A column that is whole must stay whole; one with gaps may have a few more."""
    if not evidence.missing:
        return made
    share = evidence.missing / evidence.rows
    return made.changed(f"{percent(share)} missing", nullable=True, max_missing=rounded_up(share))


def _hidden(made: Guess, kind: str) -> Guess:
    """Whatever it is, it is kept as text (times stay times), shown nowhere, and never learned from."""
    if made.column.type is ColumnType.TIMESTAMP:
        return made.changed(f"looks like {kind}", pii=True)
    settings = {"minimum": None, "maximum": None, "values": (), "open": False, "feature": True}
    hidden = made.changed("", type=ColumnType.STRING, pii=True, **settings)
    gaps = f"; {percent(made.evidence.missing / made.evidence.rows)} missing" if made.evidence.missing else ""
    return replace(hidden, why=f"looks like {kind}: never shown, never learned from{gaps}", asks=())


def _number(evidence: Evidence) -> Guess:
    low, high = evidence.minimum, evidence.maximum
    column = Column(evidence.name, evidence.kind)
    seen = f"{short(low)} to {short(high)}" if evidence.distinct > 1 else f"always {short(low)}"
    running = _running(evidence)
    if running:
        return Guess(replace(column, feature=False), f"{seen}; {running}", evidence)
    least, most = _range(evidence)
    column = replace(column, minimum=least, maximum=most)
    return Guess(column, seen, evidence, _stand_in(evidence))


def _running(evidence: Evidence) -> str:
    """Why a whole number only counts: then it has no range, and nothing is learned from it."""
    if evidence.kind is not ColumnType.INTEGER or evidence.missing or evidence.rows < 3:
        return ""
    if evidence.grows and evidence.maximum - evidence.minimum + 1 == evidence.rows:
        return "counts the rows, so nothing is learned from it"
    if evidence.grows and evidence.rows >= 50:
        return "rises with every row like a running number, so nothing is learned from it"
    if IDENTIFIER.search(evidence.name) and evidence.distinct >= 0.9 * evidence.rows:
        return "named like an identifier, so nothing is learned from it"
    return ""


def _range(evidence: Evidence) -> tuple[float, float]:
    low, high = evidence.minimum, evidence.maximum
    if evidence.kind is ColumnType.FLOAT and low >= 0 and 0.9 < high <= 1:
        return 0, 1
    if evidence.kind is ColumnType.INTEGER and evidence.distinct == 2 and (low, high) == (0, 1):
        return 0, 1
    return widened(low, high)


def _stand_in(evidence: Evidence) -> tuple[str, ...]:
    """Numbers that often mean: not known."""
    for value, count in evidence.values:
        at = float(value)
        if at not in _STAND_INS or count < 2 or evidence.distinct < 3:
            continue
        others = [float(other) for other, _ in evidence.values if other != value]
        if at in {evidence.minimum, evidence.maximum} and _lies_apart(at, others):
            said = f"{evidence.name}: {short(at)} stands there {count:,} times, apart from all else"
            return (f"{said}; if it means “not known”, add it to `missing`",)
    return ()


def _lies_apart(at: float, others: list[float]) -> bool:
    if at < 0:
        return min(others) >= 0
    return at > 2 * max(others)


def _text(evidence: Evidence) -> Guess:
    string, category = Column(evidence.name, ColumnType.STRING), Column(evidence.name, ColumnType.CATEGORY)
    distinct, present = evidence.distinct, evidence.present
    different = f"{counted(distinct, 'different text')} in {counted(present, 'row')}"
    asks = _asks(evidence)
    if date_order(evidence):
        why = f"dates as {date_order(evidence)}: kept as text, never learned from"
        return Guess(string, why, evidence, asks)
    if distinct <= SET or (distinct <= LARGE_SET and present >= 20 * distinct):
        return _set(category, evidence)
    if distinct > present / 2 or evidence.length > WORDY or evidence.shapes.get("several words", 0) > 0.5:
        return Guess(string, f"{different}: free text or names, never learned from", evidence, asks)
    if distinct > CODES:
        why = f"{different}: codes, too many to learn from one by one"
        return Guess(replace(category, feature=False), why, evidence, asks)
    asks = (*asks, f"{evidence.name}: {distinct:,} different codes; the model may learn them by heart")
    return Guess(category, f"{different}: codes, any is allowed", evidence, asks)


def _asks(evidence: Evidence) -> tuple[str, ...]:
    if date_order(evidence):
        return (f"{evidence.name}: written as 2026-01-31, its dates could be an event time",)
    numbers = [shape for shape in _FREE_SHAPES if evidence.shapes.get(shape, 0) >= 0.9]
    if numbers:
        return (f"{evidence.name}: {numbers[0]} are no numbers; written as 1234.5 they would be learned from",)
    return ()


def _set(category: Column, evidence: Evidence) -> Guess:
    """The rarer the rarest values are, the likelier is one that this file does not have."""
    values = tuple(value for value, _ in evidence.values)
    rarest = evidence.values[-1][1]
    grows = rarest < RARE and len(values) > 2
    why = f"{counted(len(values), 'value')}" if len(values) > 1 else "one value"
    if grows:
        why += f", the rarest in {counted(rarest, 'row')}: others may come"
    return Guess(replace(category, values=values, open=grows), why, evidence)
