"""Read a state machine's ASL, and derive from its Task states exactly what its role must be allowed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.names import Names, arn

FOLDER: Final = Path(__file__).parent / "workflows"
PLACEHOLDER: Final = re.compile(r"\$\{(\w+)\}")
SAGEMAKER: Final = "sagemaker.amazonaws.com"
READ_ITEMS: Final = "arn:aws:states:::s3:getObject"
ITEM_LISTS: Final = "runs/"  # where claim leaves the list of a run's objects

State = Mapping[str, Any]


class UnknownTask(ValueError):
    """A Task whose permissions nobody wrote down; the message says where to add it."""


@dataclass(frozen=True, slots=True)
class Need:
    """Actions on resources; `passed_to` is the service that a passed role may be given to."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    passed_to: str | None = None


@dataclass(frozen=True, slots=True)
class Workflow:
    name: str
    definition: str

    @classmethod
    def load(cls, name: str) -> Workflow:
        return cls(name, (FOLDER / f"{name}.asl.json").read_text(encoding="utf-8"))

    @property
    def placeholders(self) -> frozenset[str]:
        return frozenset(PLACEHOLDER.findall(self.definition))

    @property
    def digest(self) -> str:
        """sha256 of the definition as it is written down: an execution hands on that of its own."""
        return hashlib.sha256(self.definition.encode()).hexdigest()

    @property
    def tasks(self) -> tuple[State, ...]:
        """Every Task state, those inside Map and Parallel included."""
        return tuple(_tasks(json.loads(self.definition)))

    def needs(self, names: Names, substitutions: Mapping[str, str]) -> tuple[Need, ...]:
        """What the machine's role must be allowed, one entry per kind of call and passed role."""
        found = [need for task in self.tasks for need in _task_needs(task, names, substitutions)]
        spread = [need for state in self.distributed for need in _map_needs(self.name, state, names, substitutions)]
        return tuple(dict.fromkeys([*found, *spread]))

    @property
    def distributed(self) -> tuple[State, ...]:
        """Every Map state whose items are executions of their own."""
        states = json.loads(self.definition)["States"].values()
        return tuple(state for state in states if _mode(state) == "DISTRIBUTED")


def _mode(state: State) -> str:
    return str(state.get("ItemProcessor", {}).get("ProcessorConfig", {}).get("Mode", ""))


def _tasks(machine: State) -> Iterator[State]:
    for state in machine["States"].values():
        if state["Type"] == "Task":
            yield state
        for inner in (state.get("ItemProcessor"), *state.get("Branches", ())):
            if inner:
                yield from _tasks(inner)


def _map_needs(workflow: str, state: State, names: Names, substitutions: Mapping[str, str]) -> Iterator[Need]:
    """A distributed Map starts executions of its own machine, watches and stops them, and reads the list of items.

    AWS's example names the children by the machine alone, their ARNs name the Map as well: both are meant.
    """
    yield Need(("states:StartExecution",), (names.machine_arn(workflow),))
    children = (names.execution_arns(workflow), names.child_arns(workflow, state["Label"]))
    yield Need(("states:DescribeExecution", "states:StopExecution"), children)
    reader = state["ItemReader"]
    if reader["Resource"] != READ_ITEMS:
        raise UnknownTask(f"{reader['Resource']} is not in infra/workflows.py: say there what reading it needs")
    bucket = _substituted(reader["Parameters"]["Bucket"], substitutions)
    yield Need(("s3:GetObject",), (arn("s3", f"{bucket}/{ITEM_LISTS}*", region="", account=""),))


def _task_needs(task: State, names: Names, substitutions: Mapping[str, str]) -> Iterator[Need]:
    service = task["Resource"].partition(":states:::")[2]
    parameters = task["Parameters"]
    if service == "lambda:invoke":
        function = _substituted(parameters["FunctionName"], substitutions)
        yield Need(("lambda:InvokeFunction",), (function,))
    elif service in CALLS:
        yield from CALLS[service](names)
    else:
        raise UnknownTask(
            f"{task['Resource']} is not in infra/workflows.py: add to CALLS what its role must be allowed"
        )
    for given in (parameters, parameters.get("TrainingJobDefinition", {})):
        for key in ("RoleArn", "ExecutionRoleArn"):
            if key in given:
                yield Need(("iam:PassRole",), (_substituted(given[key], substitutions),), passed_to=SAGEMAKER)


def _substituted(text: str, substitutions: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda match: substitutions[match[1]], text)


Calls = Callable[[Names], Iterator[Need]]


def _api(action: str, *kinds: str) -> Calls:
    def needs(names: Names) -> Iterator[Need]:
        yield Need((f"sagemaker:{action}",), tuple(names.sagemaker(kind) for kind in kinds))

    return needs


def _job(noun: str, kind: str) -> Calls:
    """The set that AWS documents for `.sync`: Step Functions follows the job by an EventBridge rule of its own."""

    def needs(names: Names) -> Iterator[Need]:
        verbs = (f"Create{noun}Job", f"Describe{noun}Job", f"Stop{noun}Job", "AddTags", "ListTags")
        rule = arn("events", f"rule/StepFunctionsGetEventsForSageMaker{noun}JobsRule")
        yield Need(tuple(f"sagemaker:{verb}" for verb in verbs), (names.sagemaker(kind),))
        yield Need(("events:PutTargets", "events:PutRule", "events:DescribeRule"), (rule,))

    return needs


def _guarded_update(names: Names) -> Iterator[Need]:
    """Whoever names alarms in a deployment must be allowed to look at them."""
    yield from _api("UpdateEndpoint", "endpoint", "endpoint-config")(names)
    yield Need(("cloudwatch:DescribeAlarms",), (arn("cloudwatch", f"alarm:retide-{names.stage}-*"),))


CALLS: Final[Mapping[str, Calls]] = {
    "sagemaker:createTrainingJob.sync": _job("Training", "training-job"),
    "sagemaker:createProcessingJob.sync": _job("Processing", "processing-job"),
    "sagemaker:createTransformJob.sync": _job("Transform", "transform-job"),
    "aws-sdk:sagemaker:describeTransformJob": _api("DescribeTransformJob", "transform-job"),
    "sagemaker:createHyperParameterTuningJob.sync": _job("HyperParameterTuning", "hyper-parameter-tuning-job"),
    "aws-sdk:sagemaker:describeHyperParameterTuningJob": _api(
        "DescribeHyperParameterTuningJob", "hyper-parameter-tuning-job"
    ),
    "aws-sdk:sagemaker:describeTrainingJob": _api("DescribeTrainingJob", "training-job"),
    "aws-sdk:sagemaker:describeProcessingJob": _api("DescribeProcessingJob", "processing-job"),
    "sagemaker:createModel": _api("CreateModel", "model"),
    "sagemaker:createEndpointConfig": _api("CreateEndpointConfig", "endpoint-config"),
    "sagemaker:createEndpoint": _api("CreateEndpoint", "endpoint", "endpoint-config"),
    "sagemaker:updateEndpoint": _api("UpdateEndpoint", "endpoint", "endpoint-config"),
    "aws-sdk:sagemaker:createEndpointConfig": _api("CreateEndpointConfig", "endpoint-config"),
    "aws-sdk:sagemaker:updateEndpoint": _guarded_update,
    "aws-sdk:sagemaker:describeModel": _api("DescribeModel", "model"),
    "aws-sdk:sagemaker:describeEndpointConfig": _api("DescribeEndpointConfig", "endpoint-config"),
    "aws-sdk:sagemaker:describeEndpoint": _api("DescribeEndpoint", "endpoint"),
    "aws-sdk:sagemaker:deleteEndpoint": _api("DeleteEndpoint", "endpoint"),
}
