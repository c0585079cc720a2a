"""From a file that arrives to a registered package: queue, dispatcher, and the retrain machine with its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import CfnOutput, CustomResource, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

from infra.bundles import Bundles
from infra.functions import ANSWER_LINK, RETRAINING, SCRATCH_MIB, SIGNING
from infra.grants import places
from infra.names import Names
from infra.parts.approval_links import ApprovalLinks
from infra.parts.function import Function, FunctionDefaults, log_group
from infra.parts.health import SystemHealth
from infra.parts.images import Image, ImageRegistry
from infra.parts.intake import object_changes, package_is_approved, read_by
from infra.parts.machine import Machine
from infra.parts.notices import Notices
from infra.parts.queues import QueueWithDlq, dead_letter_queue
from infra.parts.roles import boosting_role, job_role
from infra.parts.schedule import Every
from infra.parts.signing import ArtefactSigning
from infra.settings import Level, Settings
from infra.stacks.data import DataStack
from infra.substitutions import boosting, functions, jobs
from infra.workflows import Workflow
from retide.domain.contract_parts import Approval
from retide.domain.environment import Environment
from retide.domain.sizes import largest

Catalogue = Mapping[str, Mapping[str, Any]]


class RetrainingStack(Stack):
    """`arrivals` is the one way in; `failures`, `variables` and `places` are what serving's functions share.

    `signing` has the key that artefacts are signed with, where they are.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        bundles: Bundles,
        data: DataStack,
        models: Catalogue,
        commit: str,
        level: Level,
        **options: Any,
    ) -> None:
        super().__init__(scope, id_, **options)
        names = Names(settings.stage)
        image = ImageRegistry(self, "Image", Image.load())
        self.arrivals = self._queue(settings)
        self.failures = dead_letter_queue(self, "Failures")
        self.notices = Notices(self, "Notices", names=names, dead=self.failures).topic
        zips = (("Code", bundles.training), ("Libs", bundles.libs), ("DataLibs", bundles.data_layer))
        assets = {name: Asset(self, name, path=str(path)) for name, path in zips}
        self.signing, self._links = self._signing(settings), self._approval_links(settings, models, level)
        self.variables = self._environment(settings, data, image, commit, assets)
        self.places = places(
            names,
            bucket=data.bucket.bucket_arn,
            ledger=data.ledger.table_arn,
            arrivals=self.arrivals.queue.queue_arn,
            dead_letters=self.arrivals.dead.queue_arn,
            failures=self.failures.queue_arn,
            notices=self.notices.topic_arn,
            image=image.repository_arn,
        )
        steps = self._functions(settings, bundles)
        machine, role = self._machine(settings, data, image, assets["Code"].bucket, steps)
        read_by(
            steps["dispatch"],
            self.arrivals,
            window_seconds=settings.arrivals_window_seconds,
            at_once=settings.arrivals_at_once,
        )
        self._for_trials(role.role_arn, image.uri)
        groups = [names.package_group(model) for model in models]
        package_is_approved(self, "PackageIsApproved", groups=groups, into=self.arrivals)
        self._outputs(machine.state_machine_arn, models, level)
        CfnOutput(self, "ReconcileFunction", value=steps["reconcile"].function_name)
        if settings.alarms:
            dead = (self.arrivals.dead, self.failures)
            SystemHealth(self, "Health", names=names, dead=dead, dispatch=steps["dispatch"])
        if level >= Level.CONTINUOUS_TRAINING:
            Every(self, "Reconcile", minutes=5, function=steps["reconcile"], dead=self.failures)
            object_changes(self, "ObjectArrives", bucket=data.bucket, into=self.arrivals)
            self._announce(steps["announce_code"], models, commit)

    def _machine(
        self,
        settings: Settings,
        data: DataStack,
        image: ImageRegistry,
        assets: s3.IBucket,
        steps: Mapping[str, lambda_.Function],
    ) -> tuple[sfn.StateMachine, iam.Role]:
        """The retrain machine, and the role of its jobs; instances that learn together have a narrower one."""
        names, workflow = Names(settings.stage), Workflow.load("retrain")
        role = job_role(self, "JobRole", bucket=data.bucket, image=image, assets=assets, names=names)
        boosters = boosting_role(self, "BoostingRole", bucket=data.bucket, image=image, assets=assets, names=names)
        substitutions = functions(steps) | jobs(bucket=data.bucket, image=image, role=role)
        substitutions |= boosting(image=image, role=boosters) | {"AslDigest": workflow.digest}
        return Machine(self, "Retrain", workflow, settings, substitutions=substitutions).machine, role

    def _approval_links(self, settings: Settings, models: Catalogue, level: Level) -> ApprovalLinks | None:
        """Nothing, neither an address nor a key that costs, where every contract approves by itself."""
        by_people = level is Level.MANUAL or any(
            known["contract"]["policy"]["approval"] == Approval.MANUAL.value for known in models.values()
        )
        return ApprovalLinks(self, "ApprovalLinks", settings=settings) if by_people else None

    def _signing(self, settings: Settings) -> ArtefactSigning | None:
        return ArtefactSigning(self, "Signing", settings=settings) if settings.signing else None

    def _queue(self, settings: Settings) -> QueueWithDlq:
        (dispatch,) = (row for row in RETRAINING if row.name == "dispatch")
        return QueueWithDlq(
            self,
            "Arrivals",
            reader_timeout_seconds=dispatch.timeout_seconds,
            window_seconds=settings.arrivals_window_seconds,
        )

    def _environment(
        self, settings: Settings, data: DataStack, image: ImageRegistry, commit: str, assets: Mapping[str, Asset]
    ) -> dict[str, str]:
        names = Names(settings.stage)
        return Environment(
            stage=settings.stage,
            data_bucket=data.bucket.bucket_name,
            ledger_table=data.ledger.table_name,
            arrivals_queue_url=self.arrivals.queue.queue_url,
            arrivals_dlq_url=self.arrivals.dead.queue_url,
            failures_queue_url=self.failures.queue_url,
            notices_topic_arn=self.notices.topic_arn,
            retrain_machine_arn=names.machine_arn("retrain"),
            rollout_machine_arn=names.machine_arn("rollout"),
            image_uri=image.uri,
            boosting_image_uri=image.boosting_uri,
            code_uri=assets["Code"].s3_object_url,
            libs_uri=assets["Libs"].s3_object_url,
            data_libs_uri=assets["DataLibs"].s3_object_url,
            validate_bytes=str(_largest()),
            validate_inline=str(settings.inline_objects),
            validate_concurrency=str(settings.validations_at_once),
            commit=commit,
            approval_url=self._links.url if self._links else "",
            approval_key=self._links.key.key_arn if self._links else "",
            signing_key=self.signing.key.key_arn if self.signing else "",
        ).to_variables()

    def _functions(self, settings: Settings, bundles: Bundles) -> dict[str, lambda_.Function]:
        runtime = lambda_.Runtime.PYTHON_3_12
        layer_code = lambda_.Code.from_asset(str(bundles.data_layer))
        defaults = FunctionDefaults(
            settings=settings,
            code=lambda_.Code.from_asset(str(bundles.functions)),
            dead=self.failures,
            places=self.places,
            variables=self.variables,
            data_layer=lambda_.LayerVersion(self, "DataLayer", code=layer_code, compatible_runtimes=[runtime]),
        )
        steps = {row.name: Function(self, row.name, row, defaults).function for row in RETRAINING}
        if self.signing:
            self.signing.signed_by(steps["register"])
        if self._links:
            for name in SIGNING:
                self._links.signed_by(steps[name])
            answering = Function(self, ANSWER_LINK.name, ANSWER_LINK, defaults).function
            self._links.answered_by(answering, log_group(self, "ApprovalLog", settings))
        return steps

    def _outputs(self, machine_arn: str, models: Catalogue, level: Level) -> None:
        CfnOutput(self, "ArrivalsQueueUrl", value=self.arrivals.queue.queue_url)
        CfnOutput(self, "ArrivalsDlqUrl", value=self.arrivals.dead.queue_url)
        CfnOutput(self, "FailuresQueueUrl", value=self.failures.queue_url)
        CfnOutput(self, "NoticesTopicArn", value=self.notices.topic_arn)
        CfnOutput(self, "RetrainMachineArn", value=machine_arn)
        CfnOutput(self, "Models", value=",".join(sorted(models)))
        CfnOutput(self, "Level", value=str(level.value))

    def _for_trials(self, role_arn: str, image_uri: str) -> None:
        """What `retide train` starts the very jobs of production with."""
        CfnOutput(self, "JobRoleArn", value=role_arn)
        CfnOutput(self, "ImageUri", value=image_uri)
        CfnOutput(self, "CodeUri", value=self.variables["RETIDE_CODE_URI"])
        CfnOutput(self, "LibsUri", value=self.variables["RETIDE_LIBS_URI"])

    def _announce(self, function: lambda_.Function, models: Catalogue, commit: str) -> None:
        """Say of each commit what it brings to each model, but only once everything else is deployed."""
        image = Image.load()
        others = [child for child in self.node.children if child is not function.node.scope]
        for model, known in models.items():
            recipe = {
                "CodeDigest": known["code_digest"],
                "ContractDigest": known["contract_digest"],
                "Image": f"{image.repository}:{image.tag}",
                "LibsDigest": known["libs_digest"],
            }
            announcement = CustomResource(
                self,
                f"Code-{model}",
                service_token=function.function_arn,
                service_timeout=Duration.seconds(60),
                resource_type="Custom::RetideCode",
                properties={"Model": model, **recipe, "Commit": commit},
            )
            announcement.node.add_dependency(*others)


def _largest() -> int:
    """Bytes of the largest object that the function validate, as it is deployed, judges by itself."""
    (row,) = (row for row in RETRAINING if row.name == "validate")
    return largest(row.memory_mib, SCRATCH_MIB, row.timeout_seconds)
