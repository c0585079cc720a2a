"""A Step Functions machine made from its ASL file, with a role that may do what the file calls and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Aws, Fn, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.names import Names
from infra.parts.function import log_group
from infra.settings import Settings
from infra.workflows import Need, Workflow


class Machine(Construct):
    """`machine` has a fixed name, for its functions name it and it names them."""

    def __init__(
        self, scope: Construct, id_: str, workflow: Workflow, settings: Settings, *, substitutions: Mapping[str, str]
    ) -> None:
        super().__init__(scope, id_)
        names = Names(settings.stage)
        name = names.machine(workflow.name)
        # The prefix keeps the account's one log policy from growing with every machine. The end is the mark of this
        # stack: a log that outlives it does not stand in the way of the next one.
        mark = Fn.select(2, Fn.split("/", Aws.STACK_ID))
        log = log_group(self, "Log", settings, name=f"/aws/vendedlogs/states/{name}/{mark}")
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=name,
            definition_body=sfn.DefinitionBody.from_string(workflow.definition),
            definition_substitutions={key: substitutions[key] for key in sorted(workflow.placeholders)},
            role=self._role(workflow.needs(names, substitutions)),
            logs=sfn.LogOptions(destination=log, level=sfn.LogLevel.ERROR, include_execution_data=False),
            tracing_enabled=settings.tracing,
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _role(self, needs: tuple[Need, ...]) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        for need in needs:
            role.add_to_policy(_statement(need))
        return role


def _statement(need: Need) -> iam.PolicyStatement:
    only = {"StringEquals": {"iam:PassedToService": need.passed_to}} if need.passed_to else None
    return iam.PolicyStatement(actions=list(need.actions), resources=list(need.resources), conditions=only)
