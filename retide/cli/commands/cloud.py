"""Commands about the cloud itself: `up`, `down`, `deploy`, `status` and `env`."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from retide.cli import deploying
from retide.cli.failures import CliError
from retide.cli.lifetime import started
from retide.cli.options import DEV, AsJson, StageName, TargetName, choose, open_stage
from retide.cli.output import Progress, counted, listed, out, show_json, table
from retide.cli.places import Places
from retide.cli.stage import MANUAL, Stage
from retide.cli.target import Target, known, running_cloud
from retide.domain.environment import package_group_name
from retide.domain.rollout import Verdict
from retide.local.cloud import LocalCloud, Running
from retide.ports import Status

SHOWN = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")


def up(
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="A free one without this option.")
    ] = None,
    stage: StageName = DEV,
) -> None:
    """Start the local cloud on this machine and deploy the stacks to it with the real CDK."""
    places, stage = Places.here(), known(stage)
    with Progress(out()).running() as progress, started(places, port, progress) as running:
        deploying.deploy(places, Target(stage, running), progress)
    _say_where(running)


def down() -> None:
    """Stop the local cloud: its jobs, functions and endpoints end with it, and its state is gone."""
    places = Places.here()
    cloud = LocalCloud(places.home, {})
    running = cloud.running()
    cloud.stop()
    out().print("stopped: nothing is left running" if running else "no local cloud was running")


def deploy(stage: StageName = DEV) -> None:
    """Deploy again to the running local cloud, after a change of code, contract or stacks."""
    target = choose(stage, "local")
    with Progress(out()).running() as progress:
        deploying.deploy(Places.here(), target, progress)
    out().print(retrains(Stage(target).outputs), style="dim")


def retrains(outputs: Mapping[str, str]) -> str:
    """What a deployment means for the models, by the level of the stacks' outputs."""
    if outputs.get("Level") == MANUAL:
        return "level 0: nothing retrains by itself; `retide retrain --model MODEL` does"
    return "where a model's code or contract changed, a retrain follows: `retide watch`"


def env() -> None:
    """Print the exports that point the AWS CLI, boto3 and the CDK at the local cloud: eval "$(retide env)"."""
    running = running_cloud(Places.here())
    if running is None:
        raise CliError("no local cloud is running: start one with `retide up`")
    for name, value in running.environment().items():
        typer.echo(f"export {name}={shlex.quote(value)}")


def status(stage: StageName = DEV, target: TargetName = None, as_json: AsJson = False) -> None:
    """What is deployed where, what each model serves, and what waits."""
    opened = open_stage(stage, target)
    if as_json:
        show_json(_status(opened))
        return
    console = out()
    console.print(f"{opened.target}; bucket {opened.bucket}", markup=False, soft_wrap=True)
    rows = table("model", "endpoint", ">serves", "by run", "waiting")
    for model in _status(opened)["models"].values():
        rows.add_row(
            *(str(model[name]) for name in ("model", "status", "version", "run")), listed(model["waiting"], "-")
        )
    console.print(rows)


def _say_where(running: Running) -> None:
    exports = {name: value for name, value in running.environment().items() if name in SHOWN}
    rows = table("the local cloud is up", "")
    rows.add_row("endpoint", running.endpoint_url)
    rows.add_row("for the AWS CLI and boto3", "\n".join(f"export {name}={value}" for name, value in exports.items()))
    rows.add_row("or in one go", 'eval "$(retide env)"')
    rows.add_row("send rows", "retide push FILE --model MODEL --watch")
    rows.add_row("what happened", "retide runs · retide explain MODEL")
    rows.add_row("stop", "retide down")
    console = out()
    console.print()
    console.print(rows)


def _status(stage: Stage) -> dict[str, Any]:
    running = stage.target.running
    return {
        "target": stage.target.kind.value,
        "endpoint_url": running.endpoint_url if running else None,
        "stage": stage.name,
        "bucket": stage.bucket,
        "models": {model: _model_status(stage, model) for model in stage.models},
    }


def _model_status(stage: Stage, model: str) -> dict[str, Any]:
    head, serves = stage.ledger.head(model), stage.ledger.endpoint(model)
    endpoint = stage.endpoints.describe(stage.endpoint(model))
    return {
        "model": model,
        "endpoint": stage.endpoint(model),
        "status": endpoint.status if endpoint else "not there yet",
        "version": serves.version or "-",
        "run": head.champion.run if head.champion else "-",
        "waiting": list(_waiting(stage, model)),
    }


def _waiting(stage: Stage, model: str) -> Iterator[str]:
    """What has arrived and is not decided yet, in words."""
    waiting = stage.ledger.waiting(model)
    if waiting.objects:
        yield counted(len(waiting.objects), "file")
    if held := len(stage.ledger.held(model)):
        yield f"{counted(held, 'file')} of a batch that is incomplete"
    if waiting and (deferral := stage.ledger.deferral(model)):
        yield f"started {deferral.ends} ({deferral.delay})"
    for cause, times in Counter(wish.cause.value for wish in waiting.requests).items():
        yield f"retrain ({cause}{f', {times} times' if times > 1 else ''})"
    tried = stage.ledger.releases(model)[-1:]
    yield from (
        f"rollout of version {end.version} (quota)" for end in tried if end.verdict == Verdict.WAITING_FOR_QUOTA
    )
    if test := stage.ledger.ab_test(model, stage.ledger.endpoint(model).ab_test):
        share = "shadow" if test.shadow else f"{test.percent} %"
        yield f"A/B test of version {test.challenger} ({share})"
    versions = stage.registry.versions(package_group_name(stage.name, model))
    yield from (f"approval of version {version}" for version, _, status in versions if status is Status.PENDING)
