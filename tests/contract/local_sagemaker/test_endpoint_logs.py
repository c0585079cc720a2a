"""What an endpoint's container writes is in its log, and a subscription delivers what was captured from there."""

from __future__ import annotations

import io
import json
import zipfile
from functools import partial
from typing import Any, Final

from retide.aws.endpoint_logs import CloudWatchEndpointLogs
from retide.aws.objects import S3Objects
from retide.domain.log_captures import GROUPS
from retide.local.interfaces import Json
from retide.steps.keep_captures import Kept, keep_captures
from tests.contract.local_sagemaker.bench import BUCKET, ROLE, Bench
from tests.patience import eventually

ENDPOINT: Final = "retide-dev-heard"
FUNCTION: Final = f"""
import json, os
import boto3

def handler(event, context):
    reach = dict(endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1")
    keys = dict(aws_access_key_id="test", aws_secret_access_key="test")
    boto3.client("s3", **reach, **keys).put_object(Bucket="{BUCKET}", Key="delivered.json", Body=json.dumps(event))
"""


def test_a_record_in_an_endpoint_s_log_becomes_a_file_of_data_capture(bench: Bench) -> None:
    group, function = f"{GROUPS}{ENDPOINT}", listener(bench)
    logs = CloudWatchEndpointLogs(bench.logs)
    logs.keep(ENDPOINT, 7, "")
    logs.keep(ENDPOINT, 30, function)
    assert [
        one["retentionInDays"] for one in bench.logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    ] == [30]
    bench.config("retide-dev-heard-1")
    bench.endpoint(ENDPOINT, "retide-dev-heard-1")
    for body in (b"kept", b"not kept"):
        bench.invoke(ENDPOINT, body)

    delivered = eventually(partial(delivery, bench), "the function is told of the record")
    objects = S3Objects(bench.s3, BUCKET)
    assert [keep_captures(delivered, objects, "dev") for _ in range(2)] == [Kept("kept", 1, 1, 0)] * 2
    listed = bench.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"captures/heard/{ENDPOINT}/AllTraffic/")["Contents"]
    (line,) = bench.get(listed[0]["Key"]).splitlines()
    assert json.loads(line)["captureData"] == {"endpointInput": {"data": "kept"}}
    (stream,) = bench.logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert stream["logStreamName"].startswith("AllTraffic/")
    logs.keep(ENDPOINT, 30, "")
    assert bench.logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"] == []


def listener(bench: Bench) -> str:
    """A function that leaves what it is told in the bucket; its ARN."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("listener.py", FUNCTION)
    made: Json = bench.client("lambda").create_function(
        FunctionName="listener",
        Runtime="python3.12",
        Role=ROLE,
        Handler="listener.handler",
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": {"AWS_ENDPOINT_URL": bench.running.endpoint_url}},
        Timeout=30,
    )
    return str(made["FunctionArn"])


def delivery(bench: Bench) -> Any:
    try:
        return json.loads(bench.get("delivered.json"))
    except bench.s3.exceptions.NoSuchKey:
        return None
