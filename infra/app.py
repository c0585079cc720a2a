"""Synthesise the stacks of one stage, or those that deliver to them: `cdk synth -c stage=dev`, `-c stage=delivery`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from aws_cdk import App, DefaultStackSynthesizer, Tags

from infra.bundles import BundleMissing, lay
from infra.names import Names
from infra.parts.images import Image, UnknownRegion
from infra.settings import LEVEL, Choices, Level, Road, Settings, SettingsError, choices, deliverable, settings
from infra.stacks.data import DataStack
from infra.stacks.delivery import DeliveryStack
from infra.stacks.github import GitHubStack
from infra.stacks.retraining import RetrainingStack
from infra.stacks.serving import ServingStack
from retide.contracts import catalogue
from retide.domain.reader import ContractError

ROOT = Path(__file__).resolve().parent.parent


def add_stacks(app: App, root: Path, stage: Settings, *, commit: str, level: Level = LEVEL) -> None:
    """The three stacks for the models of the checkout at `root`; nothing but files is read."""
    bundles, models, names = lay(root, level), catalogue(root), Names(stage.stage)
    data = DataStack(app, names.stack("data"), settings=stage, bundles=bundles, synthesizer=_synthesizer(names))
    retraining = RetrainingStack(
        app,
        names.stack("retraining"),
        settings=stage,
        bundles=bundles,
        data=data,
        models=models,
        commit=commit,
        level=level,
        synthesizer=_synthesizer(names),
    )
    ServingStack(
        app,
        names.stack("serving"),
        settings=stage,
        bundles=bundles,
        data=data,
        retraining=retraining,
        models=models,
        synthesizer=_synthesizer(names),
    )
    Tags.of(app).add("retide:stage", stage.stage)


def _synthesizer(names: Names) -> DefaultStackSynthesizer:
    return DefaultStackSynthesizer(bucket_prefix=names.assets)


def add_delivery(app: App, root: Path, chosen: Choices) -> None:
    """The pipeline that brings pushes of the chosen repository to staging and prod; raises SettingsError."""
    delivery = deliverable(chosen)
    if delivery.road is Road.GITHUB_ACTIONS:
        raise SettingsError(
            f"the road is {delivery.road}, which has no pipeline: run `make deploy-github`, "
            f"or choose the pipeline with `-c road={Road.CODEPIPELINE}`"
        )
    synthesizer = DefaultStackSynthesizer(bucket_prefix="retide-delivery/")
    DeliveryStack(
        app,
        "retide-delivery",
        delivery=delivery,
        handed_on=chosen.context,
        models=catalogue(root),
        synthesizer=synthesizer,
    )


def add_github(app: App, _root: Path, chosen: Choices) -> None:
    """The roles that GitHub Actions deploys the chosen repository with; raises SettingsError."""
    delivery = deliverable(replace(chosen, delivery=replace(chosen.delivery, road=Road.GITHUB_ACTIONS)))
    if delivery.repository.count("/") != 1:
        raise SettingsError(f"repository {delivery.repository!r} is none of GitHub: write it as owner/name")
    GitHubStack(
        app, "retide-github", delivery=delivery, synthesizer=DefaultStackSynthesizer(bucket_prefix="retide-github/")
    )


ROADS: Final[Mapping[str, Callable[[App, Path, Choices], None]]] = {"delivery": add_delivery, "github": add_github}
"""What is deployed beside the stages, by the word that `-c stage=` takes for it."""


def add(app: App, root: Path, context: Mapping[str, Any]) -> None:
    """What the context asks for: the stacks of a stage (dev without a word), or those of a road."""
    chosen, name = choices(context), str(context.get("stage") or "dev")
    if name in ROADS:
        ROADS[name](app, root, chosen)
        return
    stage = chosen.of(settings(name))
    add_stacks(app, root, stage, commit=str(context.get("commit") or "unknown"), level=chosen.level)


def main() -> None:
    app = App()
    region = os.environ.get("CDK_DEFAULT_REGION")
    try:
        if region:
            Image.load().check(region)
        add(app, ROOT, app.node.get_all_context())
    except FORESEEN as error:
        sys.exit(refusal(error))
    app.synth()


FORESEEN: Final = (BundleMissing, ContractError, SettingsError, SyntaxError, UnknownRegion)


def refusal(error: BaseException) -> str:
    """The line for something that a person can mend."""
    if isinstance(error, SyntaxError):
        return f"error: {error.filename}, line {error.lineno}: {error.msg}"
    return f"error: {error}"


if __name__ == "__main__":
    main()
