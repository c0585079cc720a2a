"""A custom resource that doubles a number, answering CloudFormation as AWS asks for."""

import json
import urllib.request
from typing import Any


def handler(event: dict[str, Any], _context: object) -> None:
    answer = {
        "Status": "SUCCESS",
        "PhysicalResourceId": event.get("PhysicalResourceId", "number-1"),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": {"Doubled": str(2 * int(event["ResourceProperties"]["Of"]))},
    }
    body = json.dumps(answer).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], data=body, method="PUT"))
