"""Judge files on this machine as the gate would judge them on arrival: the same judge, the same verdict, no cloud."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from retide.cli.failures import FAILED, CliError, UsageProblem
from retide.cli.options import AsJson
from retide.cli.output import counted, err, listed, out, plain, show_json
from retide.cli.places import Places
from retide.cli.profiles import numbers
from retide.cli.verdicts import MARKS, faults
from retide.contracts import load
from retide.domain.context import Context
from retide.domain.contract import Contract, Scope
from retide.domain.verdict import Finding, Severity, Verdict

if TYPE_CHECKING:
    from retide.domain.verdict import Judge


@dataclass(frozen=True, slots=True)
class Judged:
    file: Path
    verdict: Verdict


def validate(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE…", help="CSV, JSON Lines (also .gz, .zst) or Parquet.")],
    model: Annotated[str | None, typer.Option("--model", "-m", help="The model; needless where there is one.")] = None,
    as_json: AsJson = False,
    rejected: Annotated[
        Path | None, typer.Option("--rejected", help="Write the rows that are taken out here, as CSV; for one file.")
    ] = None,
    profile: Annotated[bool, typer.Option("--profile", help="Show how the numbers of an accepted file lie.")] = False,
    folder: Annotated[Path | None, typer.Option("--models", help="The folder of models; else training/models.")] = None,
) -> None:
    """Judge files against a model's contract, as they would be judged on arrival. Needs no cloud, sends nothing."""
    from retide.data.judge import judge  # only where rows are really read

    if rejected and len(paths) > 1:
        raise UsageProblem("--rejected takes the rows of one file: validate one at a time")
    contract = load(chosen(folder or Places.here().models, model))
    for path in paths:
        _check(path)
    judged = []
    for path in paths:
        one = Judged(path, _judge(path, contract, judge, rejected, whole=as_json))
        judged.append(one)
        if not as_json:
            out().print(*told(one, contract), sep="\n")
        if profile and not as_json and one.verdict.profile:
            out().print(numbers(one.verdict.profile))
    if as_json:
        show_json(_report(judged))
    else:
        _tell_limits(contract, rejected, judged)
    if not all(one.verdict.accepted for one in judged):
        raise typer.Exit(FAILED)


def chosen(models: Path, model: str | None) -> Path:
    """The folder of the model; raises UsageProblem where it is not there, or not said and not plain."""
    known = sorted(f.parent.name for f in models.glob("*/contract.yaml")) if models.is_dir() else []
    if not known:
        raise CliError(f"there is no model in {models}: `retide init FILE --target COLUMN` makes one of a file")
    if model is None and len(known) > 1:
        raise UsageProblem(f"say which model with --model: {listed(known)}")
    if model is not None and model not in known:
        raise UsageProblem(f"there is no model {model!r}, only {listed(known)}")
    return models / (model or known[0])


def _check(path: Path) -> None:
    """Raises CliError for what is no file to read; what is in it is the judge's."""
    if not path.exists():
        raise CliError(f"there is no file {path}")
    if not path.is_file():
        raise CliError(f"{path} is a {'folder: name the files in it' if path.is_dir() else 'special file'}")


def _judge(path: Path, contract: Contract, judge: Judge, rejected: Path | None, *, whole: bool) -> Verdict:
    """`whole` asks for the digest of the typed rows too, which the report of an accepted object names."""
    context = Context(arrived=datetime.now(UTC))
    with tempfile.TemporaryDirectory(prefix="retide-") as scratch:
        keep = Path(scratch) / "rows.parquet" if whole else None
        return judge(path, contract, keep=keep, rejected=rejected, context=context, name=str(path))


def _report(judged: list[Judged]) -> Any:
    """Of one file the report itself, of several theirs by name."""
    if len(judged) == 1:
        return judged[0].verdict.to_dict()
    return {str(one.file): one.verdict.to_dict() for one in judged}


def told(one: Judged, contract: Contract) -> Iterator[RenderableType]:
    """The verdict in one line, then each finding: what refuses comes first, warnings last."""
    mark, style = _mark(one.verdict)
    yield Text.assemble((mark, style), f" {plain(str(one.file))}: ", (_outcome(one.verdict), "bold"))
    for line in faults(one.verdict.findings):
        yield Padding(line, (0, 0, 0, 2))
    yield Text(f"  {_summary(one.verdict, contract)}", style="dim")


def _mark(verdict: Verdict) -> tuple[str, str]:
    if not verdict.accepted:
        return MARKS[Severity.REFUSE]
    return MARKS[Severity.QUARANTINE] if verdict.rejected else ("✓", "green")


def _outcome(verdict: Verdict) -> str:
    if not verdict.accepted:
        return "refused"
    if verdict.rejected:
        return f"accepted in part: {verdict.rejected:,} of {verdict.rows + verdict.rejected:,} rows are taken out"
    return f"accepted, {verdict.rows:,} rows"


def _summary(verdict: Verdict, contract: Contract) -> str:
    held = f"judged by the {len(contract.columns):,} columns of {contract.model}'s contract"
    counts = {severity: [f for f in verdict.findings if f.severity is severity] for severity in Severity}
    words = ("refuses", "takes out rows", "warns")
    said = [_counted(word, found) for word, found in zip(words, counts.values(), strict=True)]
    return "; ".join([held, *filter(None, said)])


def _counted(word: str, found: list[Finding]) -> str:
    return f"{word} for {counted(len(found), 'reason')}" if found else ""


def _tell_limits(contract: Contract, rejected: Path | None, judged: list[Judged]) -> None:
    """What only the system itself can know, on stderr: it is no result."""
    for one in judged:
        if rejected and one.verdict.accepted and one.verdict.rejected:
            err().print(f"the rows taken out are in {rejected}", style="dim", markup=False)
    unknown = ["drift"]
    if any(unique.scope is Scope.EVERYWHERE for unique in contract.uniques):
        unknown.append("uniqueness across files")
    if contract.rows.fall is not None or contract.rows.rise is not None:
        unknown.append("the usual number of rows")
    said = f"not judged here, because it takes what was accepted before: {', '.join(unknown)}"
    err().print(said, style="dim", markup=False)
