"""Commands of who tries something: `train` a model apart from production, and list the `experiments`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from retide.cli.commands.decisions import who
from retide.cli.experiments import COMPLETED, Rows, begin, carry_out, known
from retide.cli.failures import FAILED, CliError, UsageProblem
from retide.cli.options import DEV, AnyModel, AsJson, ModelName, StageName, TargetName, open_stage
from retide.cli.output import listed, out, plain, shorten, show_json, table, tell
from retide.cli.tracking import tracker
from retide.domain.codec import serialise
from retide.domain.experiment import Experiment

Params = Annotated[
    list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="Instead of the contract's; repeatable.")
]
Dataset = Annotated[str | None, typer.Option("--dataset", help="Its id; without it, the newest of the model's runs.")]
Data = Annotated[
    list[Path] | None,
    typer.Option("--data", metavar="FILE", help="A file of yours instead, judged by the contract first; repeatable."),
]
On = Annotated[
    str | None, typer.Option("--on", "--target", envvar="RETIDE_TARGET", help="local or aws, as --target elsewhere.")
]


def train(
    model: ModelName,
    param: Params = None,
    dataset: Dataset = None,
    data: Data = None,
    on: On = None,
    stage: StageName = DEV,
    as_json: AsJson = False,
) -> None:
    """Try a model with other parameters or data: deployed code, never registered; shown beside the champion."""
    if dataset and data:
        raise UsageProblem("--data takes files of yours, --dataset names one of the stage's: choose one")
    params = dict(read_param(text) for text in param or ())
    tracked = tracker()
    opened = open_stage(stage, on)
    if tracked:
        tracked.open(model)
    trial, contract = begin(opened, opened.model(model), Rows(tuple(data or ()), dataset or ""), params, who())
    ended = carry_out(opened, trial, contract, tell)
    if as_json:
        show_json(serialise(ended))
    else:
        _show(ended)
    if ended.state != COMPLETED:
        raise typer.Exit(FAILED)
    if tracked:
        tracked.tell(ended)


def experiments(
    model: AnyModel = None, stage: StageName = DEV, target: TargetName = None, as_json: AsJson = False
) -> None:
    """List the trial runs, newest first: parameters, and the deciding metric beside the champion's."""
    opened = open_stage(stage, target)
    found = [trial for name in opened.chosen(model) for trial in known(opened, name)]
    if as_json:
        show_json([serialise(trial) for trial in found])
    elif not found:
        out().print("no trial run yet: `retide train --model MODEL --param NAME=VALUE`", markup=False)
    else:
        _list(found)


def read_param(text: str) -> tuple[str, Any]:
    """A name and a value as YAML has it: a number, a truth, a list, or else a text."""
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise UsageProblem(f"{text!r} is no parameter: write --param depth=3")
    try:
        return name.strip(), yaml.safe_load(value)
    except yaml.YAMLError:
        raise UsageProblem(f"the value of {name.strip()!r} cannot be read: {value!r}") from None


def _show(trial: Experiment) -> None:
    if trial.state != COMPLETED:
        raise CliError(f"trial {trial.name} of {trial.model}: {trial.reason}")
    rows = table("metric", ">trial", ">champion", ">difference")
    for name, value in trial.metrics.items():
        other = trial.champion.get(name)
        beside = ("-", "-") if other is None else (f"{other:.4f}", f"{value - other:+.4f}")
        rows.add_row(name, f"{value:.4f}", *beside, style="bold" if name == trial.metric else "")
    out().print(f"trial {trial.name} of {trial.model}, on {trial.holdout_rows} rows of the holdout", markup=False)
    out().print(rows)
    if trial.reason:
        out().print(f"the champion was not scored: {plain(trial.reason)}", markup=False)


def _list(found: list[Experiment]) -> None:
    rows = table("trial", "model", "state", "metric", ">trial", ">champion", "dataset", "by", "params")
    for trial in found:
        score, other = trial.metrics.get(trial.metric), trial.champion.get(trial.metric)
        figures = ("-" if figure is None else f"{figure:.4f}" for figure in (score, other))
        said = ", ".join(f"{name}={value}" for name, value in trial.params.items())
        cells = (trial.name, trial.model, trial.state, trial.metric, *figures)
        learned = listed(trial.files) if trial.files else shorten(trial.dataset, 8)
        rows.add_row(*map(plain, (*cells, learned, trial.by, said)))
    out().print(rows)
