"""State machines: paths lead somewhere or fail, errors, retries and time limits follow AWS, payloads have a limit."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

from ministack.services import stepfunctions

from retide.local.executions import execution_has_ended
from retide.local.interfaces import Json

LONGEST_PAYLOAD: Final = 262_144
_context: ContextVar[Json | None] = ContextVar("retide_context_object", default=None)
_Error = stepfunctions._ExecutionError


def install() -> None:
    stepfunctions._resolve_path = _strict(stepfunctions._resolve_path)
    stepfunctions._resolve_params_obj = _with_context(stepfunctions._resolve_params_obj)
    stepfunctions._evaluate_rule = _knowing_presence(stepfunctions._evaluate_rule)
    stepfunctions._error_matches = _sparing_terminal_errors(stepfunctions._error_matches)
    stepfunctions._find_matching_retrier = _with_delays(stepfunctions._find_matching_retrier)
    stepfunctions._execute_task = _with_time_limit(stepfunctions._execute_task)
    stepfunctions._invoke_resource = _limited(stepfunctions._invoke_resource)
    stepfunctions._run_map_items = _over_lists_only(stepfunctions._run_map_items)


def _strict(resolve: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """MiniStack gives null for a path that finds nothing, where AWS ends the execution."""

    def resolve_path(path: str, data: Any) -> Any:
        if path == "$" or not path or not path.startswith("$"):
            return data
        tokens = stepfunctions._parse_jsonpath_tokens(path)
        if tokens is None:
            raise _Error(
                "States.Runtime",
                f"The local cloud cannot evaluate the JSONPath '{path}': it knows fields, indexes and wildcards. "
                "Say it otherwise, or extend retide/local/mends/machines.py",
            )
        if any(kind == "wildcard" for kind, _ in tokens):
            return resolve(path, data)
        return _walk(path, tokens, data)

    return resolve_path


def _walk(path: str, tokens: list[tuple[str, Any]], data: Any) -> Any:
    found = data
    for kind, value in tokens:
        held = isinstance(found, dict) and value in found if kind == "field" else _has_index(found, value)
        if not held:
            raise _Error(
                "States.Runtime", f"The JSONPath '{path}' could not be found in the input '{json.dumps(data)}'"
            )
        found = found[value]
    return found


def _has_index(found: Any, index: int) -> bool:
    return isinstance(found, list) and -len(found) <= index < len(found)


def _with_context(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """A ResultSelector may read the context object too, which MiniStack does not hand to it."""

    def resolve_parameters(template: Any, data: Any, context: Json | None = None) -> Any:
        if context is not None:
            _context.set(context)
        return resolve(template, data, context if context is not None else _context.get())

    return resolve_parameters


def _knowing_presence(evaluate: Callable[..., bool]) -> Callable[..., bool]:
    """IsPresent asks for the field itself: null is present, and a missing field is no error."""

    def evaluate_rule(rule: Json, data: Any, context: Json | None = None) -> bool:
        if "IsPresent" not in rule:
            return evaluate(rule, data, context)
        try:
            stepfunctions._resolve_path_or_ctx(rule["Variable"], data, context)
        except _Error:
            return rule["IsPresent"] is False
        return rule["IsPresent"] is True

    return evaluate_rule


def _sparing_terminal_errors(matches: Callable[[list[str], str], bool]) -> Callable[[list[str], str], bool]:
    """States.Runtime ends an execution whatever is caught; States.DataLimitExceeded must be named to be caught."""

    def error_matches(names: list[str], error: str) -> bool:
        if error == "States.Runtime":
            return False
        if error == "States.DataLimitExceeded":
            return error in names
        return matches(names, error)

    return error_matches


def _with_delays(find: Callable[..., tuple[Json | None, int]]) -> Callable[..., tuple[Json | None, int]]:
    """MaxDelaySeconds and JitterStrategy, which MiniStack reads past."""

    def find_retrier(retriers: list[Json], error: str, counts: dict[int, int]) -> tuple[Json | None, int]:
        retrier, index = find(retriers, error, counts)
        if retrier is None:
            return None, index
        delay = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** counts.get(index, 0)
        delay = min(delay, retrier.get("MaxDelaySeconds", delay))
        if retrier.get("JitterStrategy") == "FULL":
            delay = random.uniform(0, delay)
        return {**retrier, "IntervalSeconds": delay, "BackoffRate": 1}, index

    return find_retrier


def _with_time_limit(execute: Callable[..., Any]) -> Callable[..., Any]:
    """Without it, such a task would never time out."""
    words = "The TimeoutSecondsPath parameter does not reference a positive integer: {path} == {found}"
    return with_path(execute, "TimeoutSeconds", least=1, words=words)


def with_path(run: Callable[..., Any], name: str, *, least: int, words: str) -> Callable[..., Any]:
    """A state's `<name>Path`, which MiniStack reads past: a whole number in the input, of at least `least`."""

    def run_state(state: Json, given: Any, execution: Json, context: Json) -> Any:
        if f"{name}Path" in state:
            path, effective = state[f"{name}Path"], stepfunctions._apply_input_path(state, given, context)
            found = stepfunctions._resolve_path_or_ctx(path, effective, context)
            if type(found) is not int or found < least:
                raise _Error("States.Runtime", words.format(path=path, found=json.dumps(found)))
            state = {**state, name: found}
        return run(state, given, execution, context)

    return run_state


def _limited(invoke: Callable[[str, Json], Any]) -> Callable[[str, Json], Any]:
    def invoke_resource(resource: str, parameters: Json) -> Any:
        if execution_has_ended():
            raise _Error("States.Runtime", "The execution has ended: its branches start nothing any more")
        check_size("is given parameters", resource, parameters)
        result = invoke(resource, parameters)
        check_size("returned a result", resource, result)
        return result

    return invoke_resource


def check_size(what: str, resource: str, payload: Any) -> None:
    """Raises States.DataLimitExceeded for a payload that is too large to be handed on."""
    if len(json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()) > LONGEST_PAYLOAD:
        raise _Error(
            "States.DataLimitExceeded",
            f"The state/task '{resource}' {what} with a size exceeding the maximum number of bytes service limit.",
        )


def _over_lists_only(run: Callable[..., Any]) -> Callable[..., Any]:
    """MiniStack maps over anything as over a list of one."""

    def run_map_items(state: Json, given: Any, execution: Json, context: Json) -> Any:
        if "ItemsPath" in state:
            effective = stepfunctions._apply_input_path(state, given, context)
            if not isinstance(stepfunctions._resolve_path_or_ctx(state["ItemsPath"], effective, context), list):
                raise _Error("States.Runtime", f'Reference path "{state["ItemsPath"]}" must point to array.')
        return run(state, given, execution, context)

    return run_map_items
