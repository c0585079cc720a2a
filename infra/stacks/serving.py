"""From an approved package to an endpoint that serves it: registry groups, and the rollout machine with its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.bundles import Bundles
from infra.functions import REMOVE_MODEL, SERVING
from infra.names import Names
from infra.parts.function import Function, FunctionDefaults, told_by_logs
from infra.parts.guard import RolloutGuard
from infra.parts.health import EndpointHealth
from infra.parts.images import Image, ImageRegistry
from infra.parts.machine import Machine
from infra.parts.removal import Removal
from infra.parts.roles import serving_role
from infra.settings import Settings
from infra.stacks.data import DataStack
from infra.stacks.retraining import RetrainingStack
from infra.substitutions import functions, hosting
from infra.workflows import Workflow
from retide.domain.catalogue import Catalogue, Entry
from retide.domain.contract import Profile, Serving
from retide.domain.hosting import endpoint_of


class ServingStack(Stack):
    """One registry group for each model, and one machine that rolls out whatever is approved."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        bundles: Bundles,
        data: DataStack,
        retraining: RetrainingStack,
        models: Mapping[str, Mapping[str, Any]],
        **options: Any,
    ) -> None:
        super().__init__(scope, id_, **options)
        names = Names(settings.stage)
        image = ImageRegistry(self, "Image", Image.load())
        defaults = FunctionDefaults(
            settings=settings,
            code=lambda_.Code.from_asset(str(bundles.functions)),
            dead=retraining.failures,
            places=retraining.places,
            variables=retraining.variables
            | {"RETIDE_IMAGE_URI": image.uri, "RETIDE_BOOSTING_IMAGE_URI": image.boosting_uri},
        )
        steps = {row.name: Function(self, row.name, row, defaults).function for row in SERVING}
        if retraining.signing:
            retraining.signing.checked_by(steps["prepare_rollout"])
        role = serving_role(self, "ServingRole", bucket=data.bucket, image=image, names=names)
        keeper = steps["keep_captures"]
        told_by_logs(keeper, names)
        substitutions = functions(steps) | hosting(role=role, settings=settings, keeper=keeper)
        machine = Machine(self, "Rollout", Workflow.load("rollout"), settings, substitutions=substitutions).machine
        batch = Machine(self, "Batch", Workflow.load("batch"), settings, substitutions=substitutions).machine
        groups = {model: self._group(model, names, settings) for model in models}
        if not settings.keep_data:
            self._remove_at_the_end(groups, machine, settings, defaults)
        served = {model: known.contract.serving for model, known in _entries(models)}
        self._guard(served, names)
        if settings.alarms:
            endpoints = {model: endpoint_of(settings.stage, model, how.profile) for model, how in served.items()}
            EndpointHealth(self, "Health", names=names, endpoints=endpoints)
        CfnOutput(self, "BatchMachineArn", value=batch.state_machine_arn)
        CfnOutput(self, "RolloutMachineArn", value=machine.state_machine_arn)

    def _guard(self, served: Mapping[str, Serving], names: Names) -> None:
        """Whatever the stage: without its alarms no deployment on instances begins."""
        for model, serving in served.items():
            if serving.profile is Profile.INSTANCE:
                RolloutGuard(self, f"Guard-{model}", names=names, model=model, serving=serving)

    def _group(self, model: str, names: Names, settings: Settings) -> sagemaker.CfnModelPackageGroup:
        group = sagemaker.CfnModelPackageGroup(
            self, f"Group-{model}", model_package_group_name=names.package_group(model)
        )
        group.apply_removal_policy(settings.removal)
        return group

    def _remove_at_the_end(
        self,
        groups: dict[str, sagemaker.CfnModelPackageGroup],
        machine: sfn.StateMachine,
        settings: Settings,
        defaults: FunctionDefaults,
    ) -> None:
        """The machine goes first, then what it made, then the groups: nothing is made again meanwhile."""
        removal = Removal(self, "RemoveModel", REMOVE_MODEL, defaults)
        for model, group in groups.items():
            contents = removal.of(model, {"Stage": settings.stage, "Model": model})
            contents.node.add_dependency(group)
            machine.node.add_dependency(contents)


def _entries(models: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Entry]]:
    known = Catalogue(models)
    return ((model, known[model]) for model in known.models)
