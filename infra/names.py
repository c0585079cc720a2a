"""The few names that are fixed, and the ARNs that follow from them: the rest is named by CloudFormation."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Aws

from retide.domain.environment import package_group_name


def arn(service: str, resource: str, *, region: str = Aws.REGION, account: str = Aws.ACCOUNT_ID) -> str:
    return f"arn:{Aws.PARTITION}:{service}:{region}:{account}:{resource}"


@dataclass(frozen=True, slots=True)
class Names:
    """Machines have fixed names, for they and their functions name each other; jobs are named at run time."""

    stage: str

    def stack(self, part: str) -> str:
        return f"retide-{self.stage}-{part}"

    @property
    def assets(self) -> str:
        """Where this stage's zips and templates lie in the bucket that `cdk bootstrap` made, apart from all others'."""
        return f"retide-{self.stage}/"

    def machine(self, workflow: str) -> str:
        return f"retide-{self.stage}-{workflow}"

    def machine_arn(self, workflow: str) -> str:
        return arn("states", f"stateMachine:{self.machine(workflow)}")

    def execution_arns(self, workflow: str) -> str:
        return arn("states", f"execution:{self.machine(workflow)}:*")

    def child_arns(self, workflow: str, label: str) -> str:
        """The executions that are the items of a distributed Map."""
        return arn("states", f"execution:{self.machine(workflow)}/{label}:*")

    def map_run_arns(self, workflow: str, label: str) -> str:
        return arn("states", f"mapRun:{self.machine(workflow)}/{label}:*")

    def sagemaker(self, kind: str, name: str = "*") -> str:
        """The ARN of this stage's SageMaker resources of one kind, e.g. training-job."""
        return arn("sagemaker", f"{kind}/retide-{self.stage}-{name}")

    def alarm(self, what: str) -> str:
        """Fixed, for the pipeline that watches a deployment knows alarms by name only."""
        return f"retide-{self.stage}-{what}"

    def package_group(self, model: str) -> str:
        return package_group_name(self.stage, model)
