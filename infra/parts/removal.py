"""What a stage that keeps nothing takes away at its end: things that CloudFormation did not make."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import CustomResource, Duration
from constructs import Construct

from infra.functions import Row
from infra.parts.function import Function, FunctionDefaults


class Removal(Construct):
    """One function, and a custom resource for everything that it shall take away when it is deleted itself."""

    def __init__(self, scope: Construct, id_: str, row: Row, defaults: FunctionDefaults) -> None:
        super().__init__(scope, id_)
        self._row = row
        self._function = Function(self, "Function", row, defaults).function

    def of(self, id_: str, properties: Mapping[str, str]) -> CustomResource:
        """Deleted before what it refers to, or is made to depend on."""
        kind = "".join(word.capitalize() for word in self._row.name.split("_"))
        return CustomResource(
            self,
            id_,
            service_token=self._function.function_arn,
            service_timeout=Duration.seconds(self._row.timeout_seconds),
            resource_type=f"Custom::Retide{kind}",
            properties=dict(properties),
        )
