"""Which actions, rules and members of a pipeline the local CodePipeline carries out; others are refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from retide.local.codepipeline.definition import APPROVAL, BUILD, SOURCE
from retide.local.members import Refused

_PIPELINE: Final = (
    "pipeline.artifactStores",
    "pipeline.executionMode=PARALLEL",
    "pipeline.pipelineType=V1",
    "pipeline.triggers[].gitConfiguration.pullRequest",
    "pipeline.stages[].blockers",
    "pipeline.stages[].actions[].commands",
    "pipeline.stages[].actions[].outputVariables",
    "pipeline.stages[].actions[].environmentVariables",
    "pipeline.stages[].actions[].outputArtifacts[].files",
    "pipeline.stages[].onFailure.conditions",
    "pipeline.stages[].onFailure.result=SKIP",
    "pipeline.stages[].beforeEntry.conditions[].rules[].commands",
    "pipeline.stages[].beforeEntry.conditions[].rules[].inputArtifacts[]",
    "pipeline.stages[].beforeEntry.conditions[].rules[].timeoutInMinutes",
    "pipeline.stages[].onSuccess.conditions[].rules[].commands",
    "pipeline.stages[].onSuccess.conditions[].rules[].inputArtifacts[]",
    "pipeline.stages[].onSuccess.conditions[].rules[].timeoutInMinutes",
)
# Members whose effect the local CodePipeline cannot have, and which AWS would carry out.
REFUSED: Final[Refused] = {
    "CreatePipeline": _PIPELINE,
    "UpdatePipeline": _PIPELINE,
    "ListActionExecutions": ("filter.latestInPipelineExecution",),
    "ListRuleExecutions": ("filter.latestInPipelineExecution",),
    "DisableStageTransition": ("transitionType=Outbound",),
    "EnableStageTransition": ("transitionType=Outbound",),
    "StartPipelineExecution": (
        "sourceRevisions[].revisionType=IMAGE_DIGEST",
        "sourceRevisions[].revisionType=S3_OBJECT_VERSION_ID",
        "sourceRevisions[].revisionType=S3_OBJECT_KEY",
    ),
}


@dataclass(frozen=True, slots=True)
class Provider:
    """What AWS asks of an action: its categories, how many artefacts go in and out, its settings.

    `unsupported` settings are known to AWS and not carried out here.
    """

    categories: tuple[str, ...]
    inputs: tuple[int, int]
    outputs: tuple[int, int]
    required: frozenset[str]
    optional: frozenset[str]
    unsupported: frozenset[str] = frozenset()


PROVIDERS: Final[dict[str, Provider]] = {
    SOURCE: Provider(
        ("Source",),
        (0, 0),
        (1, 1),
        frozenset({"ConnectionArn", "FullRepositoryId", "BranchName"}),
        frozenset({"OutputArtifactFormat", "DetectChanges"}),
    ),
    BUILD: Provider(
        ("Build", "Test"),
        (1, 5),
        (0, 5),
        frozenset({"ProjectName"}),
        frozenset({"PrimarySource", "EnvironmentVariables"}),
        frozenset({"BatchEnabled", "CombineArtifacts"}),
    ),
    APPROVAL: Provider(
        ("Approval",),
        (0, 0),
        (0, 0),
        frozenset(),
        frozenset({"NotificationArn", "CustomData", "ExternalEntityLink"}),
    ),
}

RULES: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "CloudWatchAlarm": (frozenset({"AlarmName"}), frozenset({"AlarmStates", "WaitTime"})),
    "VariableCheck": (frozenset({"Variable", "Value", "Operator"}), frozenset()),
}
"""Their settings: what must and what may be given."""

RESULTS: Final = {"beforeEntry": ("FAIL", "SKIP"), "onSuccess": ("FAIL", "ROLLBACK")}
"""What AWS lets follow from a condition that is not met."""
