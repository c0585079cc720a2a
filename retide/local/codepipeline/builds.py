"""The build action: hands the artefacts to a CodeBuild project and takes what it has made."""

from __future__ import annotations

from functools import partial
from typing import Final

from retide.local.codebuild import seam
from retide.local.codepipeline.actionchecks import environment_variables
from retide.local.codepipeline.executions import Artifact, Outcome, failure
from retide.local.codepipeline.orders import Order, Report, Started

SUCCEEDED: Final = "SUCCEEDED"


class BuildWorker:
    """CodeBuild, for building and for testing."""

    def __init__(self, builds: seam.Builds, region: str) -> None:
        self._builds = builds
        self._region = region

    def begin(self, order: Order, started: Started, report: Report) -> None:
        """Start the build; its end is reported when it comes."""
        outputs = tuple(order.output(name) for name in order.action.outputs)
        build_id = self._builds.start(_asked(order, outputs))
        started(build_id, self._address(build_id))
        self._builds.when_ended(build_id, partial(_tell, outputs, report))

    def _address(self, build_id: str) -> str:
        return f"https://console.aws.amazon.com/codebuild/home?region={self._region}#/builds/{build_id}/view/new"


def _tell(outputs: tuple[Artifact, ...], report: Report, state: seam.BuildState) -> None:
    if state.status == SUCCEEDED:
        report(Outcome(True, variables=state.exported, artifacts=outputs))
    else:
        report(failure("JobFailed", state.message or f"Build terminated with state: {state.status}"))


def _asked(order: Order, outputs: tuple[Artifact, ...]) -> seam.Order:
    inputs = {artifact.name: _input(artifact) for artifact in order.inputs}
    primary = inputs.pop(order.configuration.get("PrimarySource") or order.inputs[0].name)
    variables = environment_variables(order.configuration, f"the action {order.action.name}")
    return seam.Order(
        project=order.configuration["ProjectName"],
        pipeline=order.pipeline,
        execution_id=order.execution,
        primary=primary,
        others=tuple(inputs.values()),
        outputs=tuple(seam.Output(one.name, one.bucket, one.key) for one in outputs),
        variables=tuple(seam.Variable(one["name"], one["value"], one.get("type", "PLAINTEXT")) for one in variables),
    )


def _input(artifact: Artifact) -> seam.Input:
    return artifact.clone or seam.Zip(artifact.name, artifact.bucket, artifact.key)
