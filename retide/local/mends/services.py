"""Services: one that is not here says so by name, and a stack that is being deployed is waited for, not polled."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from ministack import app

Answer = tuple[int, dict[str, str], Any]
Serve = Callable[..., Awaitable[Answer]]

SIGNED_FOR: Final = re.compile(r"Credential=[^/]+/[^/]+/[^/]+/([^/]+)/")
S3: Final = frozenset({"s3", "s3express", "s3-object-lambda", "s3-outposts"})
IN_PROGRESS: Final = re.compile(rb"<StackStatus>\w+_IN_PROGRESS</StackStatus>")
PATIENCE_SECONDS: Final = 4.0


def install() -> None:
    app.SERVICE_HANDLERS["s3"] = _refusing_strangers(app.SERVICE_HANDLERS["s3"])
    app.SERVICE_HANDLERS["cloudformation"] = _waiting_for_stacks(app.SERVICE_HANDLERS["cloudformation"])


def _refusing_strangers(serve: Serve) -> Serve:
    """MiniStack hands every request that it cannot place to S3, which makes nonsense of it."""

    async def serve_s3(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Answer:
        service = SIGNED_FOR.search(headers.get("authorization", ""))
        if service is None or service[1] in S3:
            return await serve(method, path, headers, body, query)
        message = (
            f"The local cloud has no service '{service[1]}' ({headers.get('x-amz-target', f'{method} {path}')}): "
            "add it with Extension.register_service in retide/local"
        )
        answer = json.dumps({"__type": "UnsupportedServiceException", "message": message, "Message": message})
        return 400, {"Content-Type": "application/json"}, answer.encode()

    return serve_s3


def _waiting_for_stacks(serve: Serve) -> Serve:
    """The CDK CLI asks every five seconds, and most of our stacks are done long before its second question."""

    async def serve_cloudformation(*request: Any) -> Answer:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = await serve(*request)
            if not _is_in_progress(request, answer[2]) or time.monotonic() > deadline:
                return answer
            await asyncio.sleep(0.05)

    return serve_cloudformation


def _is_in_progress(request: tuple[Any, ...], body: Any) -> bool:
    if not _asks_for_stacks(request):
        return False
    return IN_PROGRESS.search(body.encode() if isinstance(body, str) else body) is not None


def _asks_for_stacks(request: tuple[Any, ...]) -> bool:
    body, query = request[3], request[4]
    return b"Action=DescribeStacks" in (body or b"") or query.get("Action") in ("DescribeStacks", ["DescribeStacks"])
