"""Lambda behind a public address: show what a link decides, and decide where the button was pressed."""

from __future__ import annotations

from typing import Any

from functions.answer_link.page import HEADERS, STATUSES, page
from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.steps.answer_link import Answering, LinkRequest, answer_link


def handler(raw_event: dict[str, Any], context: object) -> dict[str, Any]:
    response: dict[str, Any] = _answered(raw_event, context)["response"]
    return response


@observed("answer_link")
def _answered(raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The response, and beside it the outcome for the log: the link itself is never logged."""
    aws = runtime()
    http = raw_event["requestContext"]["http"]
    token = (raw_event.get("queryStringParameters") or {}).get("token", "")
    request = LinkRequest(token=token, decide=http["method"] == "POST", by=http.get("sourceIp", ""))
    answer = answer_link(request, Answering(aws.ledger, aws.registry, aws.seals, aws.clock, aws.environment.stage))
    response = {"statusCode": STATUSES[answer.outcome], "headers": dict(HEADERS), "body": page(answer)}
    return {"outcome": answer.outcome.value, "response": response}
