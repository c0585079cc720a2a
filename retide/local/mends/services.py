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

IN_PROGRESS: Final = re.compile(rb"<StackStatus>(?!REVIEW)\w+_IN_PROGRESS</StackStatus>")
PATIENCE_SECONDS: Final = 4.0


def install() -> None:
    app.SERVICE_HANDLERS = _Services(app.SERVICE_HANDLERS)
    app.SERVICE_HANDLERS["cloudformation"] = _waiting_for_stacks(app.SERVICE_HANDLERS["cloudformation"])


class _Services(dict[str, Serve]):
    """MiniStack's table of services; looking one up that is not there gives a handler that says so in AWS's shape."""

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name) or default or _refusing(name)


def _refusing(service: str) -> Serve:
    async def refuse(method: str, path: str, headers: dict[str, str], *_: Any) -> Answer:
        message = (
            f"The local cloud has no service '{service}' ({headers.get('x-amz-target', f'{method} {path}')}): "
            "add it with Extension.register_service in retide/local"
        )
        answer = json.dumps({"__type": "UnsupportedServiceException", "message": message})
        return 400, {"Content-Type": "application/json", "x-amzn-ErrorType": "UnsupportedServiceException"}, answer

    return refuse


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
