"""What a pipeline must look like: AWS's structure is enforced, and what is not built is refused by its name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.model import ListShape, Shape, StringShape, StructureShape

from retide.local.codepipeline.resources import PipelineResources
from retide.local.codepipeline.support import REFUSED
from retide.local.errors import ApiError
from retide.local.interfaces import Json, ResourceChange
from retide.local.shapes import service_model
from tests.contract.local_codepipeline.bench import PIPELINE, ROLE, Bench, approval, build, condition, kind, stage

Change = Callable[[Json], object]


def stages(*given: Json) -> Change:
    return lambda declared: declared["stages"].__setitem__(slice(1, None), given)


def source(**members: Any) -> Change:
    return lambda declared: declared["stages"][0]["actions"][0].update(members)


def setting(**configuration: str | None) -> Change:
    def change(declared: Json) -> None:
        settings = declared["stages"][0]["actions"][0]["configuration"]
        settings.update(configuration)
        for name in [name for name, value in configuration.items() if value is None]:
            del settings[name]

    return change


def trigger(**push: Any) -> Json:
    return {
        "providerType": "CodeStarSourceConnection",
        "gitConfiguration": {"sourceActionName": "Source", "push": [push]},
    }


def member(**members: Any) -> Change:
    return lambda declared: declared.update(members)


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (stages(), "InvalidStructureException", "There should be 2 to 50 stages"),
        (stages(stage("Source", build())), "InvalidStructureException", "Stage name Source is used twice"),
        (stages(stage("Build")), "InvalidStageDeclarationException", "must have 1 to 50 actions"),
        (stages(stage("Build", build(), build())), "InvalidStructureException", "Action name Build is used twice"),
        (source(**build("Source")), "InvalidStructureException", "first stage may only contain source actions"),
        (member(artifactStore=None), "InvalidStructureException", "has no artifactStore"),
        (member(roleArn=None), "ValidationException", "'pipeline.roleArn'"),
        (member(stages=None), "ValidationException", "'pipeline.stages'"),
        (member(unheard=1), "ValidationException", "Member 'pipeline.unheard' is unknown"),
        (
            stages(stage("Build", build(inputArtifacts=[{"name": "Other"}]))),
            "InvalidStructureException",
            "The input artifact Other of the action Build is the output of no earlier action",
        ),
        (
            stages(stage("Build", build(outputArtifacts=[{"name": "Code"}]))),
            "InvalidStructureException",
            "The output artifact Code of the action Build is declared more than once",
        ),
        (
            stages(
                stage("A", build("B", runOrder=1, inputArtifacts=[{"name": "X"}])),
            ),
            "InvalidStructureException",
            "The input artifact X",
        ),
        (source(outputArtifacts=[]), "InvalidActionDeclarationException", "has 0 output artifacts"),
        (
            stages(stage("Build", approval(inputArtifacts=[{"name": "Code"}]))),
            "InvalidActionDeclarationException",
            "has 1 input artifacts",
        ),
        (setting(BranchName=None), "InvalidActionDeclarationException", "required configuration BranchName"),
        (setting(Branch="x"), "InvalidActionDeclarationException", "unknown configuration Branch"),
        (setting(OutputArtifactFormat="TAR"), "InvalidActionDeclarationException", "OutputArtifactFormat TAR"),
        (setting(DetectChanges="maybe"), "InvalidActionDeclarationException", "DetectChanges maybe"),
        (
            stages(stage("Build", build(configuration={}))),
            "InvalidActionDeclarationException",
            "required configuration ProjectName",
        ),
        (
            stages(stage("Build", build(configuration={"ProjectName": "x", "EnvironmentVariables": "A=1"}))),
            "InvalidActionDeclarationException",
            "no JSON list",
        ),
        (
            stages(stage("Build", build(configuration={"ProjectName": "x", "PrimarySource": "Other"}))),
            "InvalidActionDeclarationException",
            "none of its input artifacts",
        ),
        (
            stages(stage("Build", build(configuration={"ProjectName": "#{Later.NAME}"}))),
            "InvalidActionDeclarationException",
            "namespace Later, which no earlier action has",
        ),
        (
            stages(stage("Build", build(namespace="Source"))),
            "InvalidActionDeclarationException",
            "Source of the action",
        ),
        (member(triggers=[trigger()]), "InvalidStructureException", "must name branches, file paths or tags"),
        (
            member(triggers=[trigger(tags={"includes": ["v*"]}, branches={"includes": ["main"]})]),
            "InvalidStructureException",
            "give two filters",
        ),
        (
            member(triggers=[trigger(branches={"includes": ["{a,{b}}"]})]),
            "InvalidStructureException",
            "groups cannot be nested",
        ),
        (
            member(triggers=[trigger(branches={"includes": ["a"]}), trigger(branches={"includes": ["b"]})]),
            "InvalidStructureException",
            "Trigger name Source is used twice",
        ),
        (
            stages(stage("Build", build(), onSuccess=condition("SKIP", "VariableCheck"))),
            "InvalidStageDeclarationException",
            "it may be FAIL or ROLLBACK",
        ),
        (
            stages(stage("Build", build(), beforeEntry=condition("SKIP", "CloudWatchAlarm", AlarmName="a"))),
            "InvalidStageDeclarationException",
            "by VariableCheck only",
        ),
        (
            stages(stage("Build", build(), onSuccess=condition("FAIL", "CloudWatchAlarm", WaitTime="1"))),
            "InvalidStageDeclarationException",
            "AlarmName",
        ),
        (
            stages(
                stage("Build", build(), onSuccess=condition("FAIL", "CloudWatchAlarm", AlarmName="a", WaitTime="x"))
            ),
            "InvalidStageDeclarationException",
            "whole minutes",
        ),
        (
            stages(
                stage(
                    "B", build(), onSuccess=condition("FAIL", "VariableCheck", Variable="a", Value="b", Operator="IS")
                )
            ),
            "InvalidStageDeclarationException",
            "Operator IS",
        ),
    ],
)
def test_a_pipeline_whose_parts_do_not_fit_is_refused(bench: Bench, change: Change, code: str, said: str) -> None:
    declared = bench.declared()
    change(declared)

    with pytest.raises(ApiError, match=code) as caught:
        bench.call("CreatePipeline", pipeline={name: value for name, value in declared.items() if value is not None})
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (member(pipelineType=None), "type V1"),
        (member(pipelineType="V1"), "pipeline.pipelineType = V1"),
        (member(executionMode="PARALLEL"), "pipeline.executionMode = PARALLEL"),
        (stages(stage("Build", build(actionTypeId=kind("Deploy", "S3")))), "Deploy/AWS/S3"),
        (stages(stage("Build", build(region="eu-west-1"))), "another region (eu-west-1)"),
        (stages(stage("Build", build(timeoutInMinutes=5))), "timeoutInMinutes"),
        (
            stages(stage("Build", build(configuration={"ProjectName": "x", "BatchEnabled": "true"}))),
            "BatchEnabled of an action of CodeBuild",
        ),
        (
            stages(stage("Build", build(), onSuccess=condition("FAIL", "LambdaInvoke", FunctionName="f"))),
            "The rule provider LambdaInvoke",
        ),
        (
            stages(stage("Build", build(), onFailure=condition("ROLLBACK", "CloudWatchAlarm", AlarmName="a"))),
            "pipeline.stages[].onFailure.conditions",
        ),
    ],
)
def test_what_the_local_pipeline_does_not_do_is_refused_by_name(bench: Bench, change: Change, name: str) -> None:
    declared = bench.declared()
    change(declared)

    with pytest.raises(ApiError, match="NotSupportedByLocalCloud") as caught:
        bench.call("CreatePipeline", pipeline={key: value for key, value in declared.items() if value is not None})
    assert name in caught.value.message
    assert "retide/local/codepipeline" in caught.value.message


def test_an_operation_that_pipelines_lack_here_is_refused_by_name(bench: Bench) -> None:
    with pytest.raises(ApiError, match=r"NotSupportedByLocalCloud: CodePipeline\.PollForJobs"):
        bench.call("PollForJobs", actionTypeId=kind("Build", "CodeBuild"))


def test_members_that_are_refused_exist_in_the_model_of_pipelines() -> None:
    for name, rules in REFUSED.items():
        for rule in rules:
            shape: Shape | None = service_model("codepipeline").operation_model(name).input_shape
            for part in rule.partition("=")[0].split("."):
                assert isinstance(shape, StructureShape), f"{name}: {rule}"
                shape = shape.members[part.removesuffix("[]")]
                shape = shape.member if part.endswith("[]") and isinstance(shape, ListShape) else shape
            if "=" in rule and isinstance(shape, StringShape):
                assert rule.partition("=")[2] in shape.metadata["enum"], f"{name}: {rule}"


def test_a_name_is_taken_once(bench: Bench) -> None:
    bench.create()
    with pytest.raises(ApiError, match="PipelineNameInUseException"):
        bench.create()


def test_a_pipeline_is_given_back_as_it_was_declared_in_each_version(bench: Bench) -> None:
    declared = bench.declared(triggers=[trigger(branches={"includes": ["main"]})])
    bench.call("CreatePipeline", pipeline=declared)
    bench.call("UpdatePipeline", pipeline=declared | {"roleArn": f"{ROLE}2", "version": 1})

    first = bench.call("GetPipeline", name=PIPELINE, version=1)
    assert first["pipeline"] == declared | {"version": 1}
    assert bench.call("GetPipeline", name=PIPELINE)["pipeline"]["roleArn"] == f"{ROLE}2"
    assert bench.call("ListPipelines")["pipelines"][0]["version"] == 2
    with pytest.raises(ApiError, match="PipelineVersionNotFoundException"):
        bench.call("GetPipeline", name=PIPELINE, version=3)


def test_an_update_of_nothing_is_refused(bench: Bench) -> None:
    with pytest.raises(ApiError, match="PipelineNotFoundException"):
        bench.call("UpdatePipeline", pipeline=bench.declared())


def test_tags_of_a_pipeline_are_kept_and_taken_away(bench: Bench) -> None:
    bench.call("CreatePipeline", pipeline=bench.declared(), tags=[{"key": "team", "value": "a"}])
    arn = bench.call("GetPipeline", name=PIPELINE)["metadata"]["pipelineArn"]

    bench.call("TagResource", resourceArn=arn, tags=[{"key": "cost", "value": "7"}])
    bench.call("UntagResource", resourceArn=arn, tagKeys=["team"])

    assert bench.call("ListTagsForResource", resourceArn=arn)["tags"] == [{"key": "cost", "value": "7"}]
    with pytest.raises(ApiError, match="ResourceNotFoundException"):
        bench.call("ListTagsForResource", resourceArn=f"{arn}-other")


class TestTemplates:
    """AWS::CodePipeline::Pipeline."""

    def properties(self, bench: Bench, **members: Any) -> Json:
        def raised(value: Any, name: str = "") -> Any:
            if name == "configuration":
                return {**value, "DetectChanges": False} if "DetectChanges" in value else value
            if isinstance(value, dict):
                return {key[:1].upper() + key[1:]: raised(item, key) for key, item in value.items()}
            return [raised(item) for item in value] if isinstance(value, list) else value

        properties: Json = raised(bench.declared())
        return properties | members

    def test_a_template_says_the_same_as_the_api(self, bench: Bench) -> None:
        resources = PipelineResources(bench.service.api)
        made = resources.create(ResourceChange("Pipe", "stack", self.properties(bench)))

        declared = bench.call("GetPipeline", name=PIPELINE)["pipeline"]
        expected = bench.declared() | {"version": 1}
        expected["stages"][0]["actions"][0]["configuration"]["DetectChanges"] = "false"
        assert (made.physical_id, made.attributes) == (PIPELINE, {"Version": "1"})
        assert declared == expected

    def test_numbers_that_are_texts_in_a_template_are_numbers(self, bench: Bench) -> None:
        properties = self.properties(bench)
        properties["Stages"][1]["Actions"][0]["RunOrder"] = "2"
        PipelineResources(bench.service.api).create(ResourceChange("Pipe", "stack", properties))

        assert bench.call("GetPipeline", name=PIPELINE)["pipeline"]["stages"][1]["actions"][0]["runOrder"] == 2

    def test_a_pipeline_without_a_name_gets_one_that_stays(self, bench: Bench) -> None:
        resources, properties = PipelineResources(bench.service.api), self.properties(bench)
        del properties["Name"]
        made = resources.create(ResourceChange("Pipe", "stack", properties))
        again = resources.update(
            ResourceChange("Pipe", "stack", properties | {"RoleArn": f"{ROLE}2"}, made.physical_id, properties)
        )

        assert made.physical_id.startswith("stack-Pipe-")
        assert again.physical_id == made.physical_id
        assert again.attributes == {"Version": "2"}

    def test_another_name_replaces_the_pipeline(self, bench: Bench) -> None:
        resources, properties = PipelineResources(bench.service.api), self.properties(bench)
        made = resources.create(ResourceChange("Pipe", "stack", properties))
        resources.update(ResourceChange("Pipe", "stack", properties | {"Name": "other"}, made.physical_id, properties))

        assert [one["name"] for one in bench.call("ListPipelines")["pipelines"]] == ["other"]

    def test_transitions_are_closed_and_opened_by_the_template(self, bench: Bench) -> None:
        closed = {"DisableInboundStageTransitions": [{"StageName": "Build", "Reason": "Freeze"}]}
        resources, properties = PipelineResources(bench.service.api), self.properties(bench)
        made = resources.create(ResourceChange("Pipe", "stack", properties | closed))
        assert not bench.stages()["Build"]["inboundTransitionState"]["enabled"]

        resources.update(ResourceChange("Pipe", "stack", properties, made.physical_id, properties | closed))
        assert bench.stages()["Build"]["inboundTransitionState"]["enabled"]

    def test_a_property_that_is_not_built_is_refused(self, bench: Bench) -> None:
        with pytest.raises(ApiError, match="AWS::CodePipeline::Pipeline with Unheard"):
            PipelineResources(bench.service.api).create(
                ResourceChange("Pipe", "stack", self.properties(bench, Unheard=1))
            )


def test_a_declaration_of_another_is_not_changed_by_what_is_done_with_it(bench: Bench, tmp_path: Path) -> None:
    declared = bench.declared()
    before = json.dumps(declared)
    bench.call("CreatePipeline", pipeline=declared)
    declared["stages"].clear()

    assert json.loads(before)["stages"] == bench.call("GetPipeline", name=PIPELINE)["pipeline"]["stages"]
