"""What AWS does and MiniStack does not: each probe says whether the cloud that it is given behaves as AWS does."""

from __future__ import annotations

import io
import json
import random
import time
from typing import Any, Final
from urllib.request import urlopen

from botocore.exceptions import ClientError

from tests.contract.local.account import WAIT_SCALE, Account, Json, task
from tests.patience import eventually

OWN_ERROR: Final = "class Broken(Exception): pass\ndef handler(event, context): raise Broken('so it is')\n"
PASS: Final[Json] = {"Type": "Pass", "End": True}
CAUGHT: Final[Json] = {"Type": "Pass", "Result": "caught", "End": True}


def s3_events_carry_the_version(account: Account) -> bool:
    detail = _object_created(account)["detail"]
    return list(detail["object"]) == ["key", "size", "etag", "version-id", "sequencer"]


def s3_events_carry_whole_seconds(account: Account) -> bool:
    return len(_object_created(account)["time"]) == len("2026-11-21T00:00:00Z")


def s3_events_of_deletions_carry_no_size(account: Account) -> bool:
    bucket, url = _watched_bucket(account, "Object Deleted")
    account.s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    account.s3.delete_object(Bucket=bucket, Key="a")
    return "size" not in account.receive(url)[0]["detail"]["object"]


def a_queue_without_a_policy_gets_no_event(account: Account) -> bool:
    url, arn = account.queue(open_to_events=False)
    source = account.name("quiet")
    account.rule({"source": [source]}, arn)
    account.put_event(source)
    return account.receive(url, wait=0) == []


def an_undeliverable_event_goes_to_the_rules_dead_letters(account: Account) -> bool:
    url, arn = account.queue()
    source = account.name("lost")
    account.rule({"source": [source]}, f"{arn}-missing", DeadLetterConfig={"Arn": arn})
    account.put_event(source, number=7)
    letters = account.receive(url, wait=1)
    return [letter["detail"] for letter in letters] == [{"number": 7}] and "ERROR_CODE" in letters[0]["attributes"]


def a_functions_dead_letter_is_the_event_itself(account: Account) -> bool:
    url, arn = account.queue()
    function = account.function(OWN_ERROR, DeadLetterConfig={"TargetArn": arn})
    account.functions.put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0)
    account.functions.invoke(FunctionName=function, InvocationType="Event", Payload=b'{"parcel": 1}')
    letters = eventually(lambda: account.receive(url), "a dead letter arrives")
    return letters[0].get("parcel") == 1 and letters[0]["attributes"].get("ErrorMessage") == "so it is"


def a_rule_invokes_a_function_with_retries_and_dead_letters(account: Account) -> bool:
    url, arn = account.queue()
    function = account.function(OWN_ERROR, DeadLetterConfig={"TargetArn": arn})
    account.functions.put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0)
    source = account.name("broken")
    target = account.functions.get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    account.rule({"source": [source]}, target)
    account.put_event(source)
    return len(account.receive(url)) == 1


def a_function_sees_nothing_but_its_asset_and_boto3(account: Account) -> bool:
    code = (
        "def handler(event, context):\n import boto3\n try:\n  import psutil\n except ImportError: return 'isolated'\n"
    )
    return bool(account.invoke(account.function(code)) == "isolated")


def a_function_that_cannot_be_imported_says_so(account: Account) -> bool:
    answer = account.invoke(account.function("import nowhere\ndef handler(event, context): pass\n"))
    return bool(answer["errorType"] == "Runtime.ImportModuleError" and "nowhere" in answer["errorMessage"])


def a_function_that_exits_says_so(account: Account) -> bool:
    answer = account.invoke(account.function("import os\ndef handler(event, context): os._exit(3)\n"))
    return bool(answer["errorType"] == "Runtime.ExitError")


def a_function_that_dies_before_it_is_asked_says_so(account: Account) -> bool:
    """A deployment may end a process that has only begun: whoever retries what crashed must know it by this name."""
    answer = account.invoke(account.function("import os\nos._exit(3)\n"))
    return bool(answer["errorType"] == "Runtime.ExitError")


def an_answer_of_a_function_has_its_limit(account: Account) -> bool:
    answer = account.invoke(account.function("def handler(event, context): return 'x' * 7_000_000\n"))
    return isinstance(answer, dict) and answer["errorType"] == "Function.ResponseSizeTooLarge"


def a_functions_error_is_caught_by_its_class(account: Account) -> bool:
    catch = [{"ErrorEquals": ["Broken"], "Next": "Caught"}]
    ended = account.run({"Ask": task(account.function(OWN_ERROR), Catch=catch), "Caught": CAUGHT})
    return bool(ended.get("output") == '"caught"')


def a_path_that_leads_nowhere_ends_the_execution(account: Account) -> bool:
    ended = account.run({"Take": {"Type": "Pass", "Parameters": {"taken.$": "$.nowhere"}, "End": True}})
    return bool(ended["status"] == "FAILED" and ended["error"] == "States.Runtime")


def a_null_field_is_present(account: Account) -> bool:
    choice = {"Variable": "$.field", "IsPresent": True, "Next": "Yes"}
    ended = account.run({"Look": {"Type": "Choice", "Choices": [choice]}, "Yes": PASS}, {"field": None})
    return bool(ended["status"] == "SUCCEEDED")


def a_result_selector_reads_the_context_object(account: Account) -> bool:
    function = account.function("def handler(event, context): return 1\n")
    ended = account.run({"Ask": task(function, ResultSelector={"name.$": "$$.Execution.Name"})})
    return bool(json.loads(ended.get("output", "{}")).get("name") == ended["name"])


def a_map_needs_a_list(account: Account) -> bool:
    items = {"Type": "Map", "ItemsPath": "$.list", "ItemProcessor": {"StartAt": "Each", "States": {"Each": PASS}}}
    ended = account.run({"All": {**items, "End": True}}, {"list": 5})
    return bool(ended["status"] == "FAILED" and "must point to array" in ended["cause"])


def a_map_takes_its_concurrency_from_a_path(account: Account) -> bool:
    spread = {**_map("DISTRIBUTED", PASS), "MaxConcurrencyPath": "$.at_once"}
    ended = account.run({"All": spread}, {"list": [1, 2], "at_once": 3})
    (run,) = account.states.list_map_runs(executionArn=ended["executionArn"])["mapRuns"]
    return bool(account.states.describe_map_run(mapRunArn=run["mapRunArn"])["maxConcurrency"] == 3)


def a_concurrency_that_is_no_number_ends_the_execution(account: Account) -> bool:
    spread = {**_map("INLINE", PASS), "MaxConcurrencyPath": "$.at_once"}
    ended = account.run({"All": spread}, {"list": [1, 2], "at_once": "many"})
    return bool(ended["status"] == "FAILED" and "MaxConcurrencyPath" in ended["cause"])


def what_the_items_of_a_map_return_has_one_limit(account: Account) -> bool:
    each = {"Type": "Pass", "Result": "x" * 100_000, "End": True}
    ended = account.run({"All": {**_map("DISTRIBUTED", each), "ResultPath": None}}, {"list": [1, 2, 3]})
    return bool(ended["status"] == "FAILED" and ended["error"] == "States.DataLimitExceeded")


def runtime_errors_are_not_caught(account: Account) -> bool:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    wrong = {"Type": "Task", "Resource": "arn:aws:states:::nowhere:atAll", "Catch": catch, "End": True}
    return bool(account.run({"Ask": wrong, "Caught": CAUGHT})["status"] == "FAILED")


def a_payload_has_its_limit_and_only_its_name_catches_it(account: Account) -> bool:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    function = account.function("def handler(event, context): return 'x' * 300_000\n")
    ended = account.run({"Ask": task(function, Catch=catch), "Caught": CAUGHT})
    return bool(ended["status"] == "FAILED" and ended["error"] == "States.DataLimitExceeded")


def an_input_has_its_limit(account: Account) -> bool:
    return _code(account, account.machine({"Done": PASS}), input=json.dumps("x" * 270_000)) == "ValidationException"


def the_name_of_an_execution_has_rules(account: Account) -> bool:
    machine = account.machine({"Done": PASS})
    return {_code(account, machine, name=name) for name in ("x" * 81, "a b", "a/b", "a:b")} == {"InvalidName"}


def starting_a_running_execution_again_is_the_same_execution(account: Account) -> bool:
    machine = account.machine({"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}})
    first = account.states.start_execution(stateMachineArn=machine, name="once", input="{}")["executionArn"]
    same = _code(account, machine, name="once", input="{}")
    other = _code(account, machine, name="once", input='{"other": 1}')
    account.states.stop_execution(executionArn=first)
    late = _code(account, machine, name="once", input="{}")
    return (same, other, late) == ("", "ExecutionAlreadyExists", "ExecutionAlreadyExists")


def a_machines_time_limit_holds(account: Account) -> bool:
    machine = account.machine({"Wait": {"Type": "Wait", "Seconds": int(2 / WAIT_SCALE), "End": True}}, TimeoutSeconds=1)
    started = account.states.start_execution(stateMachineArn=machine)
    return bool(account.ended(started["executionArn"])["status"] == "TIMED_OUT")


def a_task_takes_its_time_limit_from_a_path(account: Account) -> bool:
    function = account.function("import time\ndef handler(event, context): time.sleep(2)\n")
    ended = account.run({"Ask": task(function, TimeoutSecondsPath="$.limits.ask")}, {"limits": {"ask": 1}})
    return bool(ended.get("error") == "States.Timeout")


def a_time_limit_that_is_no_number_ends_the_execution(account: Account) -> bool:
    function = account.function("def handler(event, context): pass\n")
    ended = account.run({"Ask": task(function, TimeoutSecondsPath="$.limit")}, {"limit": "soon"})
    return bool(ended.get("error") == "States.Runtime" and '$.limit == "soon"' in ended["cause"])


def an_aborted_execution_stays_aborted(account: Account) -> bool:
    function = account.function("import time\ndef handler(event, context):\n time.sleep(0.5)\n raise OSError('late')\n")
    machine = account.machine({"Ask": task(function)})
    execution = account.states.start_execution(stateMachineArn=machine)["executionArn"]
    eventually(lambda: _has(account, execution, "TaskScheduled"), "the task is scheduled")
    account.states.stop_execution(executionArn=execution, error="Enough")
    eventually(lambda: _has(account, execution, "TaskFailed"), "the task has failed")
    eventually(lambda: _settled(account, execution), "the execution is settled")
    return bool(account.states.describe_execution(executionArn=execution)["status"] == "ABORTED")


def a_stopped_execution_starts_nothing_more(account: Account) -> bool:
    url, _ = account.queue()
    tell = {"QueueUrl": url, "MessageBody": "{}"}
    steps = {
        "Wait": {"Type": "Wait", "Seconds": int(1.5 / WAIT_SCALE), "Next": "Tell"},
        "Tell": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": tell, "End": True},
    }
    items = {"Type": "Map", "ItemProcessor": {"StartAt": "Wait", "States": steps}, "End": True}
    execution = account.states.start_execution(stateMachineArn=account.machine({"Each": items}), input="[1]")
    eventually(lambda: _has(account, execution["executionArn"], "MapStateEntered"), "the map is entered")
    account.states.stop_execution(executionArn=execution["executionArn"])
    return account.receive(url, wait=3) == []


def retries_wait_no_longer_than_their_longest_delay(account: Account) -> bool:
    function = account.function(OWN_ERROR)
    account.run({"Ask": task(function)})  # so that the start of the function is over when time is taken
    retry = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxDelaySeconds": 1, "BackoffRate": 60}
    ended = account.run({"Ask": task(function, Retry=[{**retry, "MaxAttempts": 2}])})
    return bool((ended["stopDate"] - ended["startDate"]).total_seconds() < 60 * WAIT_SCALE)


def a_service_that_is_missing_is_named(account: Account) -> bool:
    try:
        account.client("codecommit").list_repositories()
    except ClientError as error:
        return "codecommit" in error.response["Error"]["Message"]
    return False


def _map(mode: str, each: Json) -> Json:
    processor = {"ProcessorConfig": {"Mode": mode}, "StartAt": "Each", "States": {"Each": each}}
    return {"Type": "Map", "ItemsPath": "$.list", "ItemProcessor": processor, "End": True}


def _watched_bucket(account: Account, detail_type: str) -> tuple[str, str]:
    bucket = account.name("bucket")
    account.s3.create_bucket(Bucket=bucket)
    account.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    account.s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    url, arn = account.queue()
    account.rule({"source": ["aws.s3"], "detail-type": [detail_type], "detail": {"bucket": {"name": [bucket]}}}, arn)
    return bucket, url


def a_search_in_logs_keeps_to_the_prefix_of_its_streams(account: Account) -> bool:
    logs, group = account.client("logs"), account.name("group")
    logs.create_log_group(logGroupName=group)
    for stream in ("job-1/a", "job-12/a"):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        line = {"timestamp": int(time.time() * 1000), "message": stream}
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[line])
    found = [logs.filter_log_events(logGroupName=group, logStreamNamePrefix=prefix) for prefix in ("job-1/", "none")]
    return [[event["message"] for event in page["events"]] for page in found] == [["job-1/a"], []]


def a_large_version_is_fetched_in_ranges(account: Account) -> bool:
    """As boto3's `download_file` does beyond 8 MiB; a range past the end is refused."""
    bucket = account.name("ranges")
    account.s3.create_bucket(Bucket=bucket)
    account.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = random.Random(7).randbytes(9 * 2**20)
    version = account.s3.put_object(Bucket=bucket, Key="a", Body=first)["VersionId"]
    account.s3.put_object(Bucket=bucket, Key="a", Body=b"newer")
    fetched = io.BytesIO()
    account.s3.download_fileobj(bucket, "a", fetched, ExtraArgs={"VersionId": version})
    try:
        account.s3.get_object(Bucket=bucket, Key="a", VersionId=version, Range=f"bytes={len(first)}-")
    except ClientError as error:
        return fetched.getvalue() == first and error.response["Error"]["Code"] == "InvalidRange"
    return False


def an_alarm_on_metric_math_is_deployed_and_takes_the_state_it_is_set_to(account: Account) -> bool:
    name, formation, cloudwatch = account.name("alarm"), account.client("cloudformation"), account.client("cloudwatch")
    stat = {"Metric": {"Namespace": "AWS/SQS", "MetricName": "NumberOfMessagesSent"}, "Period": 60, "Stat": "Sum"}
    metrics = [{"Id": "m", "MetricStat": stat, "ReturnData": False}, {"Id": "e", "Expression": "FILL(m, 0)"}]
    limits = {"ComparisonOperator": "GreaterThanThreshold", "Threshold": 0, "EvaluationPeriods": 1}
    properties = {"AlarmName": name, "Metrics": metrics, "TreatMissingData": "notBreaching", **limits}
    template = {"Resources": {"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}}}
    formation.create_stack(StackName=name, TemplateBody=json.dumps(template))

    def resting() -> bool:
        status: str = formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        return not status.endswith("IN_PROGRESS")

    eventually(resting, "the stack comes to rest")
    before = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a drill")
    after = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    kept = [metric.get("Expression") for metric in after["Metrics"]]
    return (before["StateValue"], after["StateValue"], kept) == ("OK", "ALARM", [None, "FILL(m, 0)"])


def the_address_of_an_http_api_leads_to_it_from_anywhere(account: Account) -> bool:
    """Also where no resolver knows names below the machine's own."""
    stacks, name = account.client("cloudformation"), account.name("address")
    function = account.function("def handler(event, context): return {'statusCode': 200, 'body': event['rawPath']}")
    code = account.functions.get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    api = {"ApiId": {"Ref": "Api"}}
    called = {**api, "IntegrationType": "AWS_PROXY", "IntegrationUri": code, "PayloadFormatVersion": "2.0"}
    target = {"Fn::Join": ["/", ["integrations", {"Ref": "Call"}]]}
    resources = {
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": name, "ProtocolType": "HTTP"}},
        "Call": {"Type": "AWS::ApiGatewayV2::Integration", "Properties": called},
        "Look": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {**api, "RouteKey": "GET /look", "Target": target}},
        "Stage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {**api, "StageName": "$default", "AutoDeploy": True},
        },
    }
    template = {"Resources": resources, "Outputs": {"Url": {"Value": {"Fn::GetAtt": ["Api", "ApiEndpoint"]}}}}
    stacks.create_stack(StackName=name, TemplateBody=json.dumps(template))
    made = eventually(lambda: stacks.describe_stacks(StackName=name)["Stacks"][0].get("Outputs"), "the stack is made")
    try:
        with urlopen(f"{made[0]['OutputValue']}/look?token=a.b", timeout=10) as answer:
            return bool(answer.read() == b"/look")
    except OSError:
        return False


def _object_created(account: Account) -> Json:
    bucket, url = _watched_bucket(account, "Object Created")
    version = account.s3.put_object(Bucket=bucket, Key="a b+é.csv", Body=b"1")["VersionId"]
    event = account.receive(url)[0]
    assert event["detail"]["object"]["key"] == "a b+é.csv"
    assert event["detail"]["object"].get("version-id", version) == version
    return event


def _code(account: Account, machine: str, **request: Any) -> str:
    try:
        account.states.start_execution(stateMachineArn=machine, **request)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def _has(account: Account, execution: str, kind: str) -> bool:
    events = account.states.get_execution_history(executionArn=execution)["events"]
    return any(event["type"] == kind for event in events)


def _settled(account: Account, execution: str) -> bool:
    return _has(account, execution, "ExecutionAborted")


PROBES: Final = tuple(
    probe
    for name, probe in sorted(globals().items())
    if not name.startswith("_") and getattr(probe, "__module__", "") == __name__
)
