"""The one place that knows how services of ours join MiniStack: everything else is written against `interfaces`."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from ministack import app
from ministack.core import responses, router
from ministack.services import eventbridge, stepfunctions

from retide.local import metrics
from retide.local.executions import current_call
from retide.local.interfaces import (
    ACCOUNT,
    REGION,
    Event,
    Handler,
    Json,
    Measure,
    Request,
    ResourceChange,
    ResourceType,
    Task,
    TaskFailed,
)

logger = logging.getLogger("retide.local")

OPTIMIZED: Final = "arn:aws:states:::"


class Extension:
    """Registers services, tasks, resource types and events; fill it before the first request is served."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}
        self._types: dict[str, ResourceType] = {}
        self._load_cloudformation_on_demand()
        self._events = ThreadPoolExecutor(max_workers=1, thread_name_prefix="retide-events")

    def register_service(
        self, name: str, handler: Handler, host_patterns: Iterable[str] = (), target_prefixes: Iterable[str] = ()
    ) -> None:
        """Serve the AWS service whose signing name is `name`; prefixes are those of X-Amz-Target ("SageMaker.")."""
        app.SERVICE_HANDLERS[name] = _served(handler)
        router.SERVICE_PATTERNS[name] = {
            "host_patterns": list(host_patterns),
            "target_prefixes": list(target_prefixes),
        }

    def register_task(self, resource: str, task: Task) -> None:
        """Run the Task states with exactly this Resource, e.g. arn:aws:states:::sagemaker:createTrainingJob.sync."""
        service = resource.removeprefix(OPTIMIZED).partition(":")[0]
        if not resource.startswith(OPTIMIZED) or not service:
            raise ValueError(f"{resource!r} is not an optimized integration: it must look like {OPTIMIZED}service:api")
        self._tasks[resource] = task
        stepfunctions._SERVICE_DISPATCH[f"{OPTIMIZED}{service}:"] = self._run_task

    def register_sdk_service(
        self, name: str, target_prefix: str, error_prefix: str, error_names: Mapping[str, str]
    ) -> None:
        """Open arn:aws:states:::aws-sdk:<name>:* for a registered service that speaks AWS's JSON protocol.

        `error_names` maps the API's error codes to the exceptions of the SDK for Java, whose names executions see.
        """
        stepfunctions._AWS_SDK_SERVICE_MAP[name] = {"target_prefix": target_prefix, "protocol": "json"}
        stepfunctions._AWS_SDK_ERROR_PREFIX[name] = error_prefix
        stepfunctions._AWS_SDK_ERROR_CODE_OVERRIDES[name] = dict(error_names)

    def register_resource_type(self, name: str, resource_type: ResourceType) -> None:
        """Teach CloudFormation a type such as AWS::SageMaker::ModelPackageGroup."""
        self._types[name] = resource_type

    def emit_event(self, event: Event) -> None:
        """Put an event onto the default bus; returns at once, events keep the order in which they were emitted."""
        self._events.submit(_deliver, event).add_done_callback(_report)

    def measure(self, measure: Measure) -> None:
        """Keep one value of a metric for CloudWatch."""
        with responses.request_scope(ACCOUNT, REGION):
            metrics.keep(measure)

    def alarm_state(self, name: str) -> str | None:
        """The state of an alarm, evaluated now; None where there is no such alarm."""
        with responses.request_scope(ACCOUNT, REGION):
            return metrics.state_of(name)

    def close(self) -> None:
        self._events.shutdown(wait=False, cancel_futures=True)

    def load_cloudformation(self) -> None:
        """Import MiniStack's CloudFormation, which takes about a second, and teach it our types. May run twice."""
        from ministack.services.cloudformation import provisioners

        for name, resource_type in self._types.items():
            provisioners._RESOURCE_HANDLERS[name] = _provisioner(resource_type)

    def _load_cloudformation_on_demand(self) -> None:
        serve = app.SERVICE_HANDLERS["cloudformation"]

        async def handle(*request: Any) -> Any:
            await asyncio.to_thread(self.load_cloudformation)
            return await serve(*request)

        app.SERVICE_HANDLERS["cloudformation"] = handle

    def _run_task(self, resource: str, parameters: Json) -> Json:
        task = self._tasks.get(resource)
        if task is None:
            known = ", ".join(sorted(self._tasks))
            raise stepfunctions._ExecutionError(
                "States.Runtime",
                f"{resource} is not supported by the local cloud (it knows {known}): "
                "register it with Extension.register_task in retide/local",
            )
        try:
            return task(current_call(resource, parameters))
        except TaskFailed as failure:
            raise stepfunctions._ExecutionError(failure.error, failure.cause) from failure


Answer = tuple[int, dict[str, str], bytes]


def _served(handler: Handler) -> Callable[..., Any]:
    async def handle(method: str, path: str, headers: dict[str, str], body: bytes | str, query: Json) -> Answer:
        request = Request(
            method, path, headers, _bytes(body), query, responses.get_account_id(), responses.get_region()
        )
        response = await asyncio.to_thread(handler, request)
        return response.status, dict(response.headers), response.body

    return handle


def _bytes(body: bytes | str) -> bytes:
    return body.encode() if isinstance(body, str) else body


def _deliver(event: Event) -> None:
    entry = {
        "Source": event.source,
        "DetailType": event.detail_type,
        "Detail": json.dumps(event.detail),
        "Resources": list(event.resources),
    }
    with responses.request_scope(ACCOUNT, REGION):
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def _report(delivery: Future[None]) -> None:
    if not delivery.cancelled() and delivery.exception() is not None:
        logger.error("an event was not delivered", exc_info=delivery.exception())


def _provisioner(resource_type: ResourceType) -> Mapping[str, Any]:
    def create(logical_id: str, properties: Json, stack: str) -> tuple[str, Json]:
        made = resource_type.create(ResourceChange(logical_id, stack, properties))
        return made.physical_id, made.attributes

    def update(physical_id: str, old: Json, new: Json, stack: str, logical_id: str) -> tuple[str, Json]:
        made = resource_type.update(ResourceChange(logical_id, stack, new, physical_id, old))
        return made.physical_id, made.attributes

    def delete(physical_id: str, properties: Json, logical_id: str | None) -> None:
        resource_type.delete(ResourceChange(logical_id or "", "", properties, physical_id))

    return {
        "create": create,
        "update": update,
        "delete": delete,
        "update_with_logical_id": True,
        "delete_with_logical_id": True,
    }
