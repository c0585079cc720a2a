"""Every call on its way into the cloud: it is written down, and goes wrong where that was asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ministack import app
from ministack.core import router
from ministack.services import stepfunctions

from retide.local.callers import Caller, Callers
from retide.local.calls import Call, CallLog
from retide.local.executions import current_execution
from retide.local.faults import answers, requests
from retide.local.faults.book import Faults
from retide.local.faults.operations import signing_name
from retide.local.faults.rules import CallFault
from retide.local.interfaces import Json, NoAnswer

Dispatch = Callable[..., Awaitable[Any]]
LOST = "no answer"


class Traffic:
    """Stands before the services (HTTP) and before the integrations of Step Functions; both are wrapped once."""

    def __init__(self, faults: Faults, log: CallLog, callers: Callers) -> None:
        self._faults = faults
        self._log = log
        self._callers = callers

    def install(self) -> None:
        app._dispatch_service_request = self._on_http(app._dispatch_service_request)
        stepfunctions._invoke_resource = self._on_task(stepfunctions._invoke_resource)

    def _on_http(self, dispatch: Dispatch) -> Dispatch:
        async def dispatch_request(
            method: str, path: str, headers: dict[str, str], body: bytes, query: Json, request_id: str
        ) -> Any:
            caller = self._callers.of(headers)
            given = app._routing_params(method, path, headers, body, query)
            service = router.detect_service(method, path, headers, given)
            call = requests.of_http(caller, service, method, path, headers, body, given)
            fault = self._fault(call, caller)
            if fault and fault.when == "before":
                return self._strike(fault, call, caller)
            answer = await dispatch(method, path, headers, body, query, request_id)
            if fault:
                return self._strike(fault, call, caller)
            self._log.record(call, answer[0])
            return answer

        return dispatch_request

    def _strike(self, fault: CallFault, call: Call, caller: Caller) -> Any:
        if fault.effect == "kill" and caller.kill:
            caller.kill()
        if fault.effect in ("kill", "timeout"):
            self._log.record(call, LOST)
            raise NoAnswer
        answer = answers.on_the_wire(fault)
        self._log.record(call, answer[0])
        return answer

    def _on_task(self, invoke: Callable[[str, Json], Any]) -> Callable[[str, Json], Any]:
        def invoke_resource(resource: str, parameters: Json) -> Any:
            execution = current_execution() or ""
            call = requests.of_task(execution, _role(execution), resource, parameters)
            if call is None:
                return invoke(resource, parameters)
            return self._carry_out(call, resource, lambda: invoke(resource, parameters))

        return invoke_resource

    def _carry_out(self, call: Call, resource: str, invoke: Callable[[], Any]) -> Any:
        fault = self._fault(call, Caller(call.caller))
        try:
            if fault and fault.when == "before":
                raise answers.to_a_machine(fault, resource)
            answer = invoke()
            if fault:
                raise answers.to_a_machine(fault, resource)
        except stepfunctions._ExecutionError as error:
            self._log.record(call, error.error)
            raise
        self._log.record(call, 200)
        return answer

    def _fault(self, call: Call, caller: Caller) -> CallFault | None:
        def concerns(fault: CallFault) -> bool:
            return (
                fault.operation == call.operation
                and signing_name(fault.service) == call.service
                and fault.caller in call.caller
                and fault.resource in call.resource
                and (fault.effect != "kill" or caller.kill is not None)
            )

        return self._faults.strike(CallFault, concerns)


def _role(execution: str) -> str:
    """The role of the machine that an execution is of."""
    found = stepfunctions._executions.get(execution)
    machine = stepfunctions._state_machines.get(found["stateMachineArn"]) if found else None
    return str(machine["roleArn"]) if machine else ""
