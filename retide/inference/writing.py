"""Write a drafted contract as YAML that a person likes to read: aligned, and each line with its evidence beside it."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Final

from retide.domain.contract import Column, ColumnType, Contract
from retide.domain.contract_parts import MISSING
from retide.domain.formats import Format, Header
from retide.inference.draft import Draft
from retide.inference.guess import Guess
from retide.inference.wording import number

SCHEMA: Final = "# yaml-language-server: $schema=../../../retide/contract.schema.json"
_PLAIN: Final = re.compile(r"[^\W\d][\w.+/-]*( [\w.+/-]+)*")
_WORDS: Final = frozenset({"null", "true", "false", "~", "yes", "no", "on", "off"})  # to any reader of YAML
_WIDE: Final = 120
_COMMENTS_AT: Final = 64


def contract_text(found: Draft, source: str) -> str:
    """The contract.yaml; `source` is the name of the file that it was drafted from."""
    contract = found.contract
    parts = [
        [SCHEMA, *_top(found, source)],
        _aligned(_heads(contract, found.why)),
        ["metric:", *_indented(_aligned(_metric(contract, found.why)))],
        ["policy:", *_indented(_aligned(_policy(contract, found.why)))],
        ["columns:", *_columns(found)],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _top(found: Draft, source: str) -> Iterator[str]:
    columns = len(found.guesses)
    yield f"# Drafted by `retide init` from {_one_line(source)}: {found.rows:,} rows, {columns:,} columns."
    yield "# It is yours now: the file showed what was, not what may be. Ranges have half as much again on either side."
    asks = [*found.asks, *(f"left out: {one}" for one in found.left_out)]
    yield "#"
    yield "# What the file could not tell; please look:"
    always = "whether every column is known before the target is: one that is not makes a model that only seems good"
    for ask in (*asks, always):
        yield from textwrap.wrap(_one_line(ask), _WIDE, initial_indent="#  * ", subsequent_indent="#    ")


def _heads(contract: Contract, why: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield f"task: {contract.task.value}", why["task"]
    yield f"target: {scalar(contract.target)}", ""
    yield _optional("id", _listed(contract.id) if contract.id else "", why)
    yield _optional("event_time", scalar(contract.event_time) if contract.event_time else "", why)
    if contract.holdout_days is not None:
        yield f"holdout_days: {contract.holdout_days}", why["holdout_days"]
    yield _optional("segments", _listed(contract.segments) if contract.segments else "", why)
    if contract.missing != MISSING:
        yield f"missing: {_listed(contract.missing)}", "texts that mean: no value"
    if said := _format(contract.format):
        yield f"format: {said}", "how CSV files are written"


def _optional(name: str, value: str, why: Mapping[str, str]) -> tuple[str, str]:
    return (f"{name}: {value}", why[name]) if value else (f"# {name}: none", why[name])


def _format(dress: Format) -> str:
    said = {
        "header": "no" if dress.header is Header.NO else "",
        "delimiter": dress.delimiter or "",
        "encoding": dress.encoding.value if dress.encoding else "",
        "decimal": dress.decimal.value if dress.decimal != "." else "",
    }
    given = ", ".join(
        f"{name}: {value if name == 'header' else scalar(value)}" for name, value in said.items() if value
    )
    return f"{{{given}}}" if given else ""


def _metric(contract: Contract, why: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    metric = contract.metric
    yield f"name: {metric.name}", why["metric"]
    if metric.floor is not None:
        yield f"floor: {number(metric.floor)}", why["floor"]
    lead = "the loss that does not count; without one, a tenth of the champion's lead over a constant answer"
    yield "# margin: none", lead
    if contract.segments and metric.segment_loss is not None:
        yield f"segment_loss: {number(metric.segment_loss)}", "nor lose more than this on any segment"


def _policy(contract: Contract, why: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    policy = contract.policy
    yield f"min_rows: {policy.min_rows}", "fewer are not worth a training"
    if policy.reject_rows:
        yield f"reject_rows: {number(policy.reject_rows)}", why["reject_rows"]
    yield f"approval: {policy.approval.value}", "or manual: `retide approve` before a model serves"


def _columns(found: Draft) -> list[str]:
    """Each on one line where it has room; a long set of values gets lines of its own."""
    lines = []
    for one in found.guesses:
        line = f"{scalar(one.name)}: {{{', '.join(_settings(one.column))}}}"
        long = len(line) > _WIDE and one.column.values
        lines += [(line, _note(one, found))] if not long else list(_spread(one, found))
    return _indented(_aligned(lines))


def _note(one: Guess, found: Draft) -> str:
    return f"the target: {one.why}" if one.name == found.contract.target else one.why


def _settings(column: Column) -> Iterator[str]:
    yield f"type: {column.type.value}"
    if column.max_missing is not None:
        yield f"max_missing: {number(column.max_missing)}"
    elif column.nullable:
        yield "nullable: true"
    yield from (f"{name}: {number(bound)}" for name, bound in _bounds(column) if bound is not None)
    if column.values:
        yield f"values: {_listed(column.values)}"
    if column.open:
        yield "grows: true"
    if column.pii:
        yield "pii: true"
    if not column.feature and column.type is not ColumnType.STRING:
        yield "feature: false"


def _bounds(column: Column) -> tuple[tuple[str, float | None], ...]:
    return ("min", column.minimum), ("max", column.maximum)


def _spread(one: Guess, found: Draft) -> Iterator[tuple[str, str]]:
    yield f"{scalar(one.name)}:", _note(one, found)
    for setting in _settings(one.column):
        if not setting.startswith("values: "):
            yield f"  {setting}", ""
    for place, line in enumerate(_packed([scalar(value) for value in one.column.values])):
        yield f"  {'          ' if place else 'values: ['}{line}", ""


def _packed(values: list[str]) -> Iterator[str]:
    """The items of a list in lines, the last of which closes it."""
    line = ""
    for value, sign in zip(values, [*"," * (len(values) - 1), "]"], strict=True):
        if line and len(line) + len(value) > _WIDE - 20:
            yield line
            line = ""
        line += f"{' ' if line else ''}{value}{sign}"
    yield line


def _listed(values: tuple[str, ...]) -> str:
    return f"[{', '.join(map(scalar, values))}]"


def scalar(text: str) -> str:
    """A text as YAML reads it back, quoted only where it must be."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    if text.isprintable() and "'" not in text:
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _aligned(lines: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> list[str]:
    """Comments begin in one column, as far as the settings before them leave it free."""
    given = list(lines)
    at = max((len(line) for line, note in given if note and len(line) <= _COMMENTS_AT), default=0)
    return [f"{line:{at}}   # {_one_line(note)}" if note else line for line, note in given]
