"""Synthesise everything that a pipeline deploys into build/assembly/<stage>/, in one process: `make assemble`."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from aws_cdk import App

from infra.app import FORESEEN, ROADS, ROOT, add, refusal
from infra.settings import Level, Road, choices

DEPLOYED: Final = ("staging", "prod")
# What the CDK's command line would tell the app besides what cdk.json says.
COMMAND_LINE: Final[Mapping[str, Any]] = {"aws:cdk:enable-path-metadata": True}


def assemble(root: Path, target: Path, context: Mapping[str, str]) -> list[str]:
    """Write one assembly for each stage and road, replacing `target`; gives their names.

    Raises whatever a person can mend (see `infra.app.FORESEEN`); then nothing stands at `target`.
    """
    shutil.rmtree(target, ignore_errors=True)
    names = [*DEPLOYED, *_roads(context)]
    try:
        for name in names:
            app = App(
                outdir=str(target / name), context={**flags(root), **context, "stage": name}, analytics_reporting=False
            )
            add(app, root, app.node.get_all_context())
            app.synth()
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return names


def flags(root: Path) -> dict[str, Any]:
    read: Mapping[str, Any] = json.loads((root / "cdk.json").read_text(encoding="utf-8"))
    return {**read["context"], **COMMAND_LINE}


def _roads(context: Mapping[str, str]) -> list[str]:
    """The pipeline, where one is chosen: without a repository there is none that could deploy itself."""
    chosen = choices(context)
    wanted = chosen.level >= Level.CI_CD and chosen.delivery.road is Road.CODEPIPELINE and chosen.delivery.repository
    return [name for name in ROADS if name == "delivery" and wanted]


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} must look like NAME=VALUE")
    return name, value


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.assemble", description=__doc__)
    parser.add_argument("--context", "-c", action="append", default=[], type=_pair, help="NAME=VALUE, repeatable")
    context = dict(parser.parse_args(arguments).context)
    try:
        names = assemble(ROOT, ROOT / "build/assembly", context)
    except FORESEEN as error:
        print(refusal(error), file=sys.stderr)
        return 1
    print(*(f"assembled build/assembly/{name}" for name in names), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
