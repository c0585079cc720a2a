"""Make a model of a file of one's own: draft its contract, take a sample, and say what to run next."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from retide.cli.commands.validate import Judged, told
from retide.cli.failures import CliError, UsageProblem
from retide.cli.output import out
from retide.cli.places import Places
from retide.domain.contract import MODEL_NAME, Task

if TYPE_CHECKING:
    from retide.inference.scaffold import Proposal


def init(  # noqa: PLR0913, PLR0917 - an option each
    data: Annotated[Path, typer.Argument(help="Rows with the target known: CSV, JSON Lines (.gz, .zst) or Parquet.")],
    target: Annotated[str, typer.Option("--target", "-t", help="The column to foretell.")],
    name: Annotated[str | None, typer.Option("--name", help="The model's name; else made of the file's.")] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", help="The columns' names, for a CSV without a header: a,b,c.")
    ] = None,
    task: Annotated[Task | None, typer.Option("--task", help="What is foretold; else told by the target.")] = None,
    ids: Annotated[
        str | None, typer.Option("--id", help="The columns that tell rows apart, such as id or a,b.")
    ] = None,
    with_model: Annotated[bool, typer.Option("--with-model", help="Write a model.py to start from as well.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a model's files.")] = False,
    folder: Annotated[Path | None, typer.Option("--models", help="The folder of models; else training/models.")] = None,
) -> None:
    """Draft a model of your own data: a contract with the evidence for each line, and a sample of rows."""
    from retide.inference.draft import Wishes  # only where rows are really read
    from retide.inference.errors import CannotInfer
    from retide.inference.scaffold import propose

    _check(data)
    model = _model(name, data)
    place = (folder or Places.here().models) / model
    wishes = Wishes(target, model, task, _split(ids, "--id"), _split(columns, "--columns"))
    _check_place(place, force=force, with_model=with_model)
    try:
        proposal = propose(data, wishes, with_model=with_model)
    except CannotInfer as error:
        raise CliError(f"{data}: {error}") from None
    _write(place, proposal.files)
    _tell(place, data, proposal)


def _check(data: Path) -> None:
    if not data.exists():
        raise CliError(f"there is no file {data}")
    if not data.is_file():
        raise CliError(f"{data} is a {'folder: give one file of it' if data.is_dir() else 'special file'}")


def _model(name: str | None, data: Path) -> str:
    """As it is said, or made of the file's name; raises UsageProblem for one that no model can have."""
    if name is not None and not MODEL_NAME.fullmatch(name):
        rule = "1 to 31 lower-case letters, digits and dashes, a letter first and no dash last"
        raise UsageProblem(f"--name {name!r} must be {rule}")
    made = re.sub(r"[^a-z0-9]+", "-", data.name.partition(".")[0].lower()).strip("-")
    made = made if made[:1].isalpha() else f"model-{made}"
    return name or made[:31].rstrip("-")


def _split(names: str | None, option: str) -> tuple[str, ...]:
    if names is None:
        return ()
    found = tuple(name.strip() for name in names.split(","))
    if "" in found or len(set(found)) < len(found):
        raise UsageProblem(f"{option} must be names with commas between, each once, not {names!r}")
    return found


def _check_place(place: Path, *, force: bool, with_model: bool) -> None:
    """Raises CliError before anything is read."""
    files = ("contract.yaml", "sample.csv", *(("model.py",) if with_model else ()))
    there = [file for file in files if (place / file).exists()]
    if there and not force:
        said = f"{place} has a {' and a '.join(there)} already"
        raise CliError(f"{said}: choose another --name, or --force to write over {'it' if len(there) == 1 else 'them'}")


def _write(place: Path, files: Mapping[str, str]) -> None:
    """Each file is there whole or as it was."""
    place.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        new = place / f".{name}.new"
        new.write_text(text, encoding="utf-8", newline="\n")
        new.replace(place / name)


def _tell(place: Path, data: Path, proposal: Proposal) -> None:
    draft, contract = proposal.draft, proposal.draft.contract
    out().print(
        Text.assemble(("✓", "green"), f" {contract.model}: ", (f"{contract.task} of {contract.target}", "bold"))
    )
    out().print(Text(f"  {len(draft.guesses)} columns, {len(contract.features)} to learn from; {draft.why['task']}"))
    out().print(Text(f"  judged by {contract.metric.name}: {draft.why['metric']}"))
    if draft.asks or draft.left_out:
        out().print(Text("  what the file could not tell:", style="yellow"))
    for ask in (*draft.asks, *(f"left out: {one}" for one in draft.left_out)):
        out().print(Text(f"  ? {ask}"))
    out().print(Text("the contract's verdict on this file", style="bold"))
    out().print(*told(Judged(data, proposal.verdict), contract), sep="\n")
    out().print(Text("written", style="bold"))
    for file in proposal.files:
        out().print(Text(f"  {_shown(place / file)}"), soft_wrap=True)
    out().print(Text("next", style="bold"))
    for command, why in _next(contract.model, data):
        out().print(Text.assemble((f"  {command:<{44}}", "cyan"), (f" {why}", "dim")), soft_wrap=True)


def _shown(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _next(model: str, data: Path) -> tuple[tuple[str, str], ...]:
    return (
        (f"retide lint {model}", "what the linter thinks of it"),
        ("retide up", "the local cloud, with this model in it (`retide deploy` where it runs)"),
        (f"retide push {data} --model {model} --watch", "train, judge and serve it"),
        (f"retide predict --model {model} --file ROWS.csv", "ask it"),
    )
