"""Synthesise the stacks of one stage: `cdk synth -c stage=dev`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from aws_cdk import App, DefaultStackSynthesizer, Tags

from infra.bundles import BundleMissing, lay
from infra.names import Names
from infra.parts.images import Image, UnknownRegion
from infra.settings import Settings, UnknownStage, settings
from infra.stacks.data import DataStack
from infra.stacks.retraining import RetrainingStack
from infra.stacks.serving import ServingStack
from retide.contracts import catalogue
from retide.domain.reader import ContractError

ROOT = Path(__file__).resolve().parent.parent


def add_stacks(app: App, root: Path, stage: Settings, *, commit: str) -> None:
    """The three stacks for the models of the checkout at `root`; nothing but files is read."""
    bundles, models, names = lay(root), catalogue(root), Names(stage.stage)
    data = DataStack(app, names.stack("data"), settings=stage, bundles=bundles, synthesizer=_synthesizer(names))
    retraining = RetrainingStack(
        app,
        names.stack("retraining"),
        settings=stage,
        bundles=bundles,
        data=data,
        models=models,
        commit=commit,
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


def main() -> None:
    app = App()
    region = os.environ.get("CDK_DEFAULT_REGION")
    try:
        if region:
            Image.load().check(region)
        stage = settings(str(app.node.try_get_context("stage") or "dev"))
        add_stacks(app, ROOT, stage, commit=str(app.node.try_get_context("commit") or "unknown"))
    except (BundleMissing, ContractError, UnknownRegion, UnknownStage) as error:
        sys.exit(f"error: {error}")
    except SyntaxError as error:
        sys.exit(f"error: {error.filename}, line {error.lineno}: {error.msg}")
    app.synth()


if __name__ == "__main__":
    main()
