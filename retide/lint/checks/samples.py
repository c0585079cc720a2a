"""What a sample gives away: that the contract refuses it, or that one feature knows the target."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from retide.domain.contract import NUMERIC, Column, Task
from retide.domain.verdict import Severity, Verdict
from retide.lint import measures
from retide.lint.checks.contracts import Terms
from retide.lint.findings import Finding

ROWS_ENOUGH: Final = 30
SMALLEST: Final = 50
LARGEST_BYTES: Final = 256 * 1024
ALL_BUT: Final = 0.98
SEPARATES: Final = 0.995


def refusals(file: Path, verdict: Verdict) -> Iterator[Finding]:
    """What the judge of arriving files says of the sample, at the first row that is wrong."""
    for finding in verdict.findings:
        row = next((example.row for example in finding.examples if example.row), 0)
        value = f", for instance {finding.examples[0].value!r}" if finding.examples else ""
        subject = f"column {finding.column!r}: " if finding.column else ""
        if finding.severity is Severity.REFUSE:
            said = f"{subject}expected {finding.expected}, seen {finding.seen}{value}"
            yield Finding(file, row + 1, 1, "RT701", said)


def size(file: Path, verdict: Verdict) -> Iterator[Finding]:
    """Too small or too large; a sample that is refused has no rows that could be counted."""
    length = file.stat().st_size
    if verdict.accepted and verdict.rows < SMALLEST:
        yield Finding(file, 1, 1, "RT702", f"{verdict.rows} rows")
    elif length > LARGEST_BYTES:
        yield Finding(file, 1, 1, "RT702", f"{length / 1024:.0f} KiB")


def giveaways(terms: Terms) -> Iterator[Finding]:
    """Features that are the target, or nearly so; nothing is concluded from fewer than 30 rows."""
    for column in terms.contract.features:
        pairs = terms.sample.pairs(column.name, terms.contract.target) if terms.sample else []
        if len(pairs) < ROWS_ENOUGH or len({label for _, label in pairs}) < 2:
            continue
        if terms.contract.task is Task.REGRESSION:
            found = _of_numbers([(x, y) for x, y in pairs if isinstance(x, float) and isinstance(y, float)])
        else:
            found = _of_labels(pairs, column)
        if found:
            code, words = found
            yield terms.feature(code, column.name, f"{column.name!r} {words} in the sample of {len(pairs)} rows")


def _of_numbers(pairs: list[tuple[float, float]]) -> tuple[str, str] | None:
    if len(pairs) < ROWS_ENOUGH:
        return None
    if abs(measures.correlation(pairs)) > 1 - 1e-9:
        return "RT105", "is the target, or a straight line of it,"
    ordered = measures.rank_correlation(pairs)
    return (
        ("RT106", f"orders the rows as the target does (rank correlation {ordered:.4f})")
        if ordered >= SEPARATES
        else None
    )


def _of_labels(pairs: measures.Pairs, column: Column) -> tuple[str, str] | None:
    if measures.is_renaming(pairs):
        return "RT105", "is the target, value for value,"
    values, labels = {value for value, _ in pairs}, {label for _, label in pairs}
    if len(values) <= len(pairs) / 5:
        known = measures.skill(pairs)
        return ("RT106", f"foretells {known:.0%} of what there is to know of the target") if known >= ALL_BUT else None
    numbers = [(value, label) for value, label in pairs if isinstance(value, float)]
    if column.type in NUMERIC and len(labels) == 2 and len(numbers) >= ROWS_ENOUGH:
        area = measures.separation(numbers, next(iter(labels)))
        return ("RT106", f"separates the labels (area under the curve {area:.4f})") if area >= SEPARATES else None
    return None
