"""What a function is told by its environment: filled by infra, read by the function, one typed value for both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from retide.domain.sizes import Bounds


@dataclass(frozen=True, slots=True)
class Environment:
    """Names of the deployed parts; every function gets all of them, its grants decide what it can reach.

    `code_uri`, `libs_uri` and `data_libs_uri` are the zips on S3 that jobs run: they belong to the same deployment as
    the functions. `validate_bytes`, `validate_inline` and `validate_concurrency` are the Bounds of validation.
    `approval_url` is where links to approve lead to, `approval_key` what signs them; empty where there are none.
    `signing_key` is what artefacts are signed with, empty where they are not.
    """

    stage: str
    data_bucket: str
    ledger_table: str
    arrivals_queue_url: str
    arrivals_dlq_url: str
    failures_queue_url: str
    notices_topic_arn: str
    retrain_machine_arn: str
    rollout_machine_arn: str
    image_uri: str
    boosting_image_uri: str
    code_uri: str
    libs_uri: str
    data_libs_uri: str
    validate_bytes: str
    validate_inline: str
    validate_concurrency: str
    commit: str
    approval_url: str
    approval_key: str
    signing_key: str

    @property
    def bounds(self) -> Bounds:
        return Bounds(int(self.validate_bytes), int(self.validate_inline), int(self.validate_concurrency))

    @property
    def image(self) -> str:
        """Repository and tag of the jobs' image, the same in every region."""
        return self.image_uri.rpartition("/")[2]

    @property
    def boosting_image(self) -> str:
        """The same of the image in which several instances learn together."""
        return self.boosting_image_uri.rpartition("/")[2]

    @property
    def account(self) -> str:
        """The account that the stage is deployed to: its machines are named in it."""
        return self.retrain_machine_arn.split(":")[4]

    def to_variables(self) -> dict[str, str]:
        return {f"RETIDE_{field.name.upper()}": getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_variables(cls, variables: Mapping[str, str]) -> Environment:
        """Raises LookupError naming every variable that is missing."""
        names = {field.name: f"RETIDE_{field.name.upper()}" for field in fields(cls)}
        missing = sorted(variable for variable in names.values() if variable not in variables)
        if missing:
            raise LookupError(f"the environment lacks {', '.join(missing)}")
        return cls(**{name: variables[variable] for name, variable in names.items()})


def endpoint_name(stage: str, model: str) -> str:
    return f"retide-{stage}-{model}"


def package_group_name(stage: str, model: str) -> str:
    return f"retide-{stage}-{model}"
