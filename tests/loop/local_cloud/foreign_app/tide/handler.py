"""Starts the machine once for each note that arrived."""

import json
import os
from typing import Any

import boto3


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    states = boto3.client("stepfunctions")
    for record in event["Records"]:
        arrived = json.loads(record["body"])["detail"]["object"]
        states.start_execution(
            stateMachineArn=os.environ["MACHINE"],
            input=json.dumps({"key": arrived["key"], "version": arrived["version-id"]}),
        )
    return {"batchItemFailures": []}
