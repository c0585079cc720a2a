"""Tell what became of a file: every finding about it, its first offending rows, and where lies what was taken out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from retide.cli.output import counted, listed, plain
from retide.cli.story import File
from retide.cli.times import clock
from retide.domain import layout
from retide.domain.ledger import ObjectRecord, ObjectState
from retide.domain.verdict import Finding, Severity

STATES: Final = {
    ObjectState.PENDING: "waits",
    ObjectState.CLAIMED: "is being judged",
    ObjectState.ACCEPTED: "accepted",
    ObjectState.QUARANTINED: "quarantined",
    ObjectState.DUPLICATE: "duplicate: the same rows were accepted before",
    ObjectState.WITHDRAWN: "withdrawn: deleted before it was judged",
    ObjectState.REFUSED: "refused: not the file that its batch's manifest lists",
}
MARKS: Final = {Severity.REFUSE: ("✗", "red"), Severity.QUARANTINE: ("~", "yellow"), Severity.WARN: ("!", "yellow")}
BRIEF: Final = 3  # findings of a file that is one of many


def told(file: File) -> Iterator[RenderableType]:
    """All that is known: what refuses it comes first, then what was taken out of it, then warnings."""
    yield from _beginning(file)
    yield from (_indented(line) for line in faults(file.findings))
    yield from (_indented(Text(line, style="dim")) for line in _places(file.record))


def brief(file: File) -> Iterator[RenderableType]:
    """The gist of one file of many."""
    yield from _beginning(file)
    for finding in file.findings[:BRIEF]:
        yield _indented(_headline(finding))
    if file.findings:
        more = len(file.findings) - BRIEF
        counting = f"{counted(more, 'more finding')}, with " if more > 0 else ""
        yield _indented(Text(f"{counting}rows and advice: `retide explain {plain(file.record.key)}`", style="dim"))


def faults(found: Sequence[Finding]) -> Iterator[Text]:
    """All findings of a file, the gravest first; advice that follows on itself is given once."""
    order = list(MARKS)
    findings = sorted(found, key=lambda one: order.index(one.severity))
    following = [*(finding.advice for finding in findings[1:]), ""]
    for finding, advice in zip(findings, following, strict=False):
        yield from fault(finding, advise=finding.advice != advice)


def fault(found: Finding, *, advise: bool = True) -> Iterator[Text]:
    """One finding: what was expected, what was seen in which rows, and what to do."""
    yield _headline(found)
    if found.examples:
        shown = listed([f"row {one.row}: {one.value!r}" if one.row else repr(one.value) for one in found.examples])
        more = found.rows - len(found.examples)
        yield Text(f"  {shown}{f', and {counted(more, "more row")}' if more > 0 else ''}", style="dim")
    if advise:
        yield Text(f"  → {found.advice}", style="dim")


def _headline(found: Finding) -> Text:
    mark, style = MARKS[found.severity]
    return Text.assemble((mark, style), f" {found.about or 'the file'}: expected {found.expected}, seen {found.seen}")


def _beginning(file: File) -> Iterator[RenderableType]:
    record = file.record
    yield Text(f"{plain(record.key)} ({_size(record.size)}{_rows(record)}): {_state(record)}")
    if record.reason:
        yield _indented(Text(f"✗ {plain(record.reason)}"))
    if record.deleted_at:
        yield _indented(Text(f"! deleted {clock(record.deleted_at)}: it is part of no new dataset"))


def _state(record: ObjectRecord) -> str:
    if record.state is not ObjectState.ACCEPTED or not record.rejected:
        return STATES[record.state]
    total = (record.rows or 0) + record.rejected
    return f"accepted in part: {record.rejected:,} of {total:,} rows quarantined"


def _rows(record: ObjectRecord) -> str:
    return f", {record.rows} rows" if record.rows is not None else ""


def _places(record: ObjectRecord) -> Iterator[str]:
    """Where what was not taken lies in the data bucket."""
    model = layout.incoming_model(record.key) or ""
    if record.state is ObjectState.QUARANTINED:
        yield f"The file: {layout.quarantined(model, record.id)} in the data bucket, its report.json beside it"
    if record.rejected:
        yield f"The rows, with their numbers: {layout.quarantined_rows(model, record.id)} in the data bucket"
        yield "  → Send them again once they are corrected, as a file of their own."


def _indented(part: RenderableType) -> RenderableType:
    return Padding(part, (0, 0, 0, 2))


def _size(size: int) -> str:
    return (
        f"{size} bytes" if size < 1024 else f"{size / 1024:.0f} KiB" if size < 1024**2 else f"{size / 1024**2:.1f} MiB"
    )
