"""What every stage's resources must be like, read from the templates that CloudFormation gets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.functions import ANSWER_LINK, REMOVE_MODEL, RETRAINING, ROWS, SERVING
from infra.settings import STAGES, UnknownStage, settings
from infra.workflows import Workflow
from retide.aws.removal import PATIENCE, PAUSE
from retide.contracts import libs_digest
from retide.domain.codec import parse
from retide.steps.announce_code import Code
from tests.infra.conftest import ROOT, Json, Templates, synthesise, variables


def test_synthesising_twice_gives_the_same_bytes(dev: Templates, tmp_path: Path) -> None:
    again = synthesise(tmp_path, "dev")
    for part, file in dev.files.items():
        assert again.files[part].read_bytes() == file.read_bytes()


def test_templates_name_no_path_of_this_machine(templates: Templates) -> None:
    for file in templates.files.values():
        assert str(ROOT) not in file.read_text()


def test_the_bucket_is_versioned_private_encrypted_and_announces_objects(templates: Templates) -> None:
    (bucket,) = templates.resources("AWS::S3::Bucket").values()
    properties = bucket["Properties"]
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(properties["PublicAccessBlockConfiguration"]) == 4
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert properties["NotificationConfiguration"]["EventBridgeConfiguration"]["EventBridgeEnabled"] is True


def test_the_bucket_cleans_up_after_itself(templates: Templates) -> None:
    (bucket,) = templates.resources("AWS::S3::Bucket").values()
    rule, *passing = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    assert rule["Status"] == "Enabled"
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == settings(templates.stage).noncurrent_days
    assert "ExpirationInDays" not in rule, "current objects are never deleted by age"
    days = settings(templates.stage).batch_days
    assert passing == [
        {"Status": "Enabled", "Prefix": prefix, "ExpirationInDays": days} for prefix in ("batches/", "boosting/")
    ], "but copies of a batch, and what instances learned from together"


@pytest.mark.parametrize("kind", ["AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"])
def test_buckets_and_queues_refuse_what_is_not_encrypted_on_its_way(templates: Templates, kind: str) -> None:
    policies = templates.resources(kind)
    assert policies
    for policy in policies.values():
        assert any(_denies_plain_http(statement) for statement in policy["Properties"]["PolicyDocument"]["Statement"])


def _denies_plain_http(statement: Json) -> bool:
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    return (
        statement["Effect"] == "Deny"
        and statement.get("Condition") == plain
        and statement["Action"] in ("s3:*", "sqs:*")
    )


def test_every_queue_has_a_policy_of_its_own(templates: Templates) -> None:
    queues = {key.split("/")[1] for key in templates.resources("AWS::SQS::Queue")}
    policies = templates.resources("AWS::SQS::QueuePolicy").values()
    guarded = {queue["Ref"] for policy in policies for queue in policy["Properties"]["Queues"]}
    assert guarded == queues


def test_queues_are_encrypted_and_dead_letters_are_kept_two_weeks(templates: Templates) -> None:
    queues = templates.resources("AWS::SQS::Queue")
    dead = _dead_letter_queues(templates)
    for key, queue in queues.items():
        assert queue["Properties"]["SqsManagedSseEnabled"] is True
        if key.split("/")[1] in dead:
            assert queue["Properties"]["MessageRetentionPeriod"] == 14 * 86_400


def test_every_queue_has_a_dead_letter_queue_or_is_one(templates: Templates) -> None:
    dead = _dead_letter_queues(templates)
    for key, queue in templates.resources("AWS::SQS::Queue").items():
        assert key.split("/")[1] in dead or "deadLetterTargetArn" in queue["Properties"]["RedrivePolicy"]


def _dead_letter_queues(templates: Templates) -> set[str]:
    """The logical ids of queues that something names as its place for what failed."""
    targets = [
        q["Properties"].get("RedrivePolicy", {}).get("deadLetterTargetArn") for q in _all(templates, "AWS::SQS::Queue")
    ]
    targets += [f["Properties"]["DeadLetterConfig"]["TargetArn"] for f in _all(templates, "AWS::Lambda::Function")]
    return {_place(target) for target in targets if target}


def _place(reference: Json) -> str:
    """The logical id of what an ARN is of, also where another stack of the stage exports it."""
    if "Fn::GetAtt" in reference:
        return str(reference["Fn::GetAtt"][0])
    exported = re.fullmatch(r"retide-\w+-\w+:ExportsOutputFnGetAtt(\w+)Arn[0-9A-F]{8}", reference["Fn::ImportValue"])
    assert exported, reference
    return exported[1]


def _all(templates: Templates, kind: str) -> list[Json]:
    return list(templates.resources(kind).values())


def test_every_function_has_a_place_for_what_fails(templates: Templates) -> None:
    queues = {key.split("/")[1] for key in templates.resources("AWS::SQS::Queue")}
    for function in templates.functions().values():
        assert _place(function["DeadLetterConfig"]["TargetArn"]) in queues


def test_the_reconciler_reads_every_queue_of_dead_letters_but_that_of_a_stage_that_is_going(
    templates: Templates,
) -> None:
    """What empties the bucket of a stage fails while that is made or deleted, and fails that: there is no later."""
    functions = templates.resources("AWS::Lambda::Function", "retraining").items()
    (role,) = (f["Properties"]["Role"]["Fn::GetAtt"][0] for name, f in functions if "/reconcile" in name)
    reading = [s for s in templates.statements(role) if set(_actions(s)) == {"sqs:ReceiveMessage", "sqs:DeleteMessage"}]
    read = {_place(place) for statement in reading for place in statement["Resource"]}
    where = {part: _queues(templates, part) & _dead_letter_queues(templates) for part in templates.parts}
    assert read == where["retraining"]
    assert len(read) == 2
    assert len(where["data"]) == (templates.stage == "dev")
    assert where["serving"] == set()


def _queues(templates: Templates, part: str) -> set[str]:
    return {key.split("/")[1] for key in templates.resources("AWS::SQS::Queue", part)}


def _actions(statement: Json) -> list[str]:
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else list(actions)


def test_every_rule_delivers_to_the_one_queue_and_keeps_what_it_cannot_deliver(templates: Templates) -> None:
    rules = [rule for rule in _all(templates, "AWS::Events::Rule") if "Targets" in rule["Properties"]]
    coming_in = [rule for rule in rules if rule["Properties"]["EventPattern"]["source"] != ["aws.states"]]
    assert len(coming_in) == 2
    for rule in coming_in:
        (target,) = rule["Properties"]["Targets"]
        assert target["Arn"]["Fn::GetAtt"][0].startswith("ArrivalsQueue")
        assert target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0].startswith("ArrivalsDead")


def test_an_execution_whose_end_no_step_can_record_is_told_to_people(templates: Templates) -> None:
    (rule,) = [
        rule["Properties"]
        for rule in _all(templates, "AWS::Events::Rule")
        if rule["Properties"]["EventPattern"]["source"] == ["aws.states"] and "Targets" in rule["Properties"]
    ]
    detail = rule["EventPattern"]["detail"]
    unrecorded, failed = detail["$or"]
    assert unrecorded == {"status": ["TIMED_OUT", "ABORTED"]}
    (told,) = failed["error"]
    ends = {
        state["Error"]
        for name in ("retrain", "rollout", "batch")
        for state in json.loads(Workflow.load(name).definition)["States"].values()
        if state["Type"] == "Fail"
    }
    assert ends - set(told["anything-but"]) == {"ClaimFailed", "ReleaseFailed", "PrepareFailed", "FinishFailed"}
    assert set(told["anything-but"]) <= ends
    (target,) = rule["Targets"]
    assert target["Arn"]["Ref"].startswith("NoticesTopic")
    assert "DeadLetterConfig" in target


def test_the_reconciler_comes_round_every_five_minutes_and_its_schedule_may_invoke_nothing_else(dev: Templates) -> None:
    (schedule,) = (found["Properties"] for found in _all(dev, "AWS::Scheduler::Schedule"))
    assert schedule["ScheduleExpression"] == "rate(5 minutes)"
    function = schedule["Target"]["Arn"]["Fn::GetAtt"][0]
    assert function.startswith("reconcile")
    role = schedule["Target"]["RoleArn"]["Fn::GetAtt"][0]
    granted = {json.dumps(s["Action"]): s["Resource"]["Fn::GetAtt"][0] for s in dev.statements(role)}
    assert granted.pop('"lambda:InvokeFunction"') == function
    assert granted.pop('"sqs:SendMessage"').startswith("Failures")
    assert granted == {}


def test_a_message_stays_invisible_for_six_times_as_long_as_dispatch_may_take(templates: Templates) -> None:
    (arrivals,) = [q for q in _all(templates, "AWS::SQS::Queue") if "RedrivePolicy" in q["Properties"]]
    stage = settings(templates.stage)
    dispatch = templates.functions()["dispatch"]["Timeout"]
    assert arrivals["Properties"]["VisibilityTimeout"] >= 6 * dispatch + stage.arrivals_window_seconds


def test_dispatch_reads_in_batches_and_fails_messages_one_by_one(templates: Templates) -> None:
    (mapping,) = _all(templates, "AWS::Lambda::EventSourceMapping")
    properties = mapping["Properties"]
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert properties["MaximumBatchingWindowInSeconds"] == settings(templates.stage).arrivals_window_seconds
    assert properties["ScalingConfig"] == {"MaximumConcurrency": settings(templates.stage).arrivals_at_once}


def test_the_ledger_is_paid_by_request_and_can_be_restored(templates: Templates) -> None:
    (table,) = _all(templates, "AWS::DynamoDB::Table")
    properties = table["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert [key["AttributeName"] for key in properties["KeySchema"]] == ["pk", "sk"]
    assert properties["DeletionProtectionEnabled"] is settings(templates.stage).keep_data


def test_every_log_group_ends_its_lines_some_day(templates: Templates) -> None:
    for group in _all(templates, "AWS::Logs::LogGroup"):
        assert group["Properties"]["RetentionInDays"] == settings(templates.stage).log_days


def test_every_function_and_machine_writes_to_a_log_group_of_ours(templates: Templates) -> None:
    groups = {key.split("/")[1] for key in templates.resources("AWS::Logs::LogGroup")}
    for function in templates.functions().values():
        assert function["LoggingConfig"]["LogGroup"]["Ref"] in groups
    for machine in _all(templates, "AWS::StepFunctions::StateMachine"):
        logging = machine["Properties"]["LoggingConfiguration"]
        assert (logging["Level"], logging["IncludeExecutionData"]) == ("ERROR", False)
        (place,) = logging["Destinations"]
        assert place["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"][0] in groups


def test_what_a_stage_keeps_outlives_its_stacks(templates: Templates) -> None:
    """A first deployment that fails leaves no group or log behind, whose names the next one needs."""
    keeps = settings(templates.stage).keep_data
    for kind in ("AWS::S3::Bucket", "AWS::SageMaker::ModelPackageGroup", "AWS::Logs::LogGroup"):
        for resource in _all(templates, kind):
            expected = ("RetainExceptOnCreate", "Retain") if keeps else ("Delete", "Delete")
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == expected
    (table,) = _all(templates, "AWS::DynamoDB::Table")
    assert table["DeletionPolicy"] == ("Retain" if keeps else "Delete")


def test_a_log_that_is_kept_has_a_name_of_its_own_in_every_deployment(templates: Templates) -> None:
    for group in _all(templates, "AWS::Logs::LogGroup"):
        name = group["Properties"].get("LogGroupName")
        assert name is None or {"Ref": "AWS::StackId"} in [
            value for key, value in _pairs(name) if key == "Fn::Split" for value in value
        ]


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _pairs(inner)


def test_only_a_stage_that_keeps_nothing_has_functions_that_delete(templates: Templates) -> None:
    removing = {"empty_bucket", "remove_model"} & set(templates.functions())
    assert removing == (set() if settings(templates.stage).keep_data else {"empty_bucket", "remove_model"})


def test_a_removal_ends_its_two_waits_before_its_function_is_stopped() -> None:
    assert 0.9 * REMOVE_MODEL.timeout_seconds > 2 * PATIENCE * PAUSE


def test_tracing_follows_the_stage(templates: Templates) -> None:
    tracing = settings(templates.stage).tracing
    for function in templates.functions().values():
        assert (function.get("TracingConfig") == {"Mode": "Active"}) is tracing
    for machine in _all(templates, "AWS::StepFunctions::StateMachine"):
        assert machine["Properties"].get("TracingConfiguration", {}).get("Enabled", False) is tracing


def test_every_row_has_its_folder_and_every_folder_its_row() -> None:
    folders = {handler.parent.name for handler in (ROOT / "functions").glob("*/handler.py")}
    assert {row.name for row in (*ROWS, ANSWER_LINK)} == folders


def test_every_row_is_deployed_as_it_says(dev: Templates) -> None:
    functions = dev.functions()
    assert set(functions) == {row.name for row in ROWS}
    for row in ROWS:
        seen = functions[row.name]
        assert (seen["MemorySize"], seen["Timeout"]) == (row.memory_mib, row.timeout_seconds)
        assert (seen["Runtime"], seen["Architectures"]) == ("python3.12", ["x86_64"])
        assert bool(seen.get("Layers")) is row.reads_data
        assert seen.get("EphemeralStorage") == ({"Size": 4096} if row.reads_data else None)


def test_steps_are_told_exactly_what_their_environment_reads(templates: Templates) -> None:
    functions = templates.functions()
    for row in (*RETRAINING, *SERVING):
        assert set(functions[row.name]["Environment"]["Variables"]) == variables()


def test_every_model_has_a_registry_group_and_says_when_its_code_changed(templates: Templates) -> None:
    models = sorted(
        folder.name for folder in (ROOT / "training/models").iterdir() if (folder / "contract.yaml").exists()
    )
    groups = [g["Properties"]["ModelPackageGroupName"] for g in _all(templates, "AWS::SageMaker::ModelPackageGroup")]
    assert sorted(groups) == [f"retide-{templates.stage}-{model}" for model in models]
    announced = _all(templates, "Custom::RetideCode")
    assert sorted(resource["Properties"]["Model"] for resource in announced) == models
    assert templates.outputs("retraining")["Models"] == ",".join(models)


def test_an_announcement_names_the_whole_recipe_and_the_commit_and_its_function_reads_it_so(dev: Templates) -> None:
    image = json.loads((ROOT / "infra/images.json").read_text())
    for announcement in dev.resources("Custom::RetideCode", "retraining").values():
        code = parse(Code, announcement["Properties"])
        assert (code.Commit, code.Image) == ("0" * 40, f"{image['repository']}:{image['tag']}")
        assert code.LibsDigest == libs_digest(ROOT)
        assert len({code.CodeDigest, code.ContractDigest, code.LibsDigest}) == 3


def test_a_code_change_is_announced_after_everything_else_is_deployed(dev: Templates) -> None:
    resources = dev.parts["retraining"]["Resources"]
    announcements = dev.resources("Custom::RetideCode", "retraining")
    others = {k for k, r in resources.items() if r["Type"] not in ("Custom::RetideCode", "AWS::Lambda::LayerVersion")}
    for announcement in announcements.values():
        reached = set(_reached(resources, announcement))
        assert others - reached == set()


def _reached(resources: Json, start: Json) -> Iterator[str]:
    """Every resource that must be there before `start` is made."""
    waiting, seen = list(_named(start)), set[str]()
    while waiting:
        name = waiting.pop()
        if name in resources and name not in seen:
            seen.add(name)
            waiting.extend(_named(resources[name]))
            yield name


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        depends = value.get("DependsOn", [])
        yield from [depends] if isinstance(depends, str) else depends
        yield from [value["Ref"]] if isinstance(value.get("Ref"), str) else []
        got = value.get("Fn::GetAtt")
        yield from [got[0]] if isinstance(got, list) else []
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _named(inner)


def test_outputs_have_the_names_that_the_command_line_reads(templates: Templates) -> None:
    assert {"DataBucket", "LedgerTable"} <= set(templates.outputs("data"))
    retraining = {"ArrivalsQueueUrl", "ArrivalsDlqUrl", "RetrainMachineArn", "Models"}
    assert retraining | {"NoticesTopicArn", "ReconcileFunction"} <= set(templates.outputs("retraining"))
    assert "RolloutMachineArn" in templates.outputs("serving")


def test_machines_have_the_fixed_names_that_functions_are_told(templates: Templates) -> None:
    names = {
        machine["Properties"]["StateMachineName"] for machine in _all(templates, "AWS::StepFunctions::StateMachine")
    }
    assert names == {
        f"retide-{templates.stage}-retrain",
        f"retide-{templates.stage}-rollout",
        f"retide-{templates.stage}-batch",
    }
    variables = templates.functions()["dispatch"]["Environment"]["Variables"]
    for workflow in ("retrain", "rollout"):
        said = json.dumps(variables[f"RETIDE_{workflow.upper()}_MACHINE_ARN"])
        assert f"stateMachine:retide-{templates.stage}-{workflow}" in said


def test_only_objects_under_incoming_and_our_own_approvals_come_in(templates: Templates) -> None:
    patterns = [rule["Properties"]["EventPattern"] for rule in _all(templates, "AWS::Events::Rule")]
    by_source = {pattern["source"][0]: pattern["detail"] for pattern in patterns}
    assert by_source["aws.s3"]["object"] == {"key": [{"prefix": "incoming/"}]}
    approval = by_source["aws.sagemaker"]
    assert approval["ModelApprovalStatus"] == ["Approved"]
    assert approval["$or"] == [
        {"UpdatedModelPackageFields": ["ModelApprovalStatus"]},
        {"UpdatedModelPackageFields": [{"exists": False}]},
    ]
    assert set(approval["ModelPackageGroupName"]) == {
        group["Properties"]["ModelPackageGroupName"] for group in _all(templates, "AWS::SageMaker::ModelPackageGroup")
    }


def test_an_unknown_stage_is_refused_with_the_stages_there_are() -> None:
    with pytest.raises(UnknownStage, match="dev, staging, prod"):
        settings("production")
    assert list(STAGES) == ["dev", "staging", "prod"]
