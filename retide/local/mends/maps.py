"""Map states: how many items at once may stand in the input, and what all items return together has a limit."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions

from retide.local.interfaces import Json
from retide.local.mends.machines import check_size

_Error = stepfunctions._ExecutionError


def install() -> None:
    stepfunctions._run_map_items = _with_concurrency(stepfunctions._run_map_items)
    stepfunctions._apply_result_selector = _limited(stepfunctions._apply_result_selector)


def _with_concurrency(run: Callable[..., Any]) -> Callable[..., Any]:
    """MaxConcurrencyPath, which MiniStack reads past: such a Map would do everything at once."""

    def run_map_items(state: Json, given: Any, execution: Json, context: Json) -> Any:
        if "MaxConcurrencyPath" in state:
            state = {**state, "MaxConcurrency": _concurrency(state, given, context)}
        return run(state, given, execution, context)

    return run_map_items


def _concurrency(state: Json, given: Any, context: Json) -> int:
    path = state["MaxConcurrencyPath"]
    effective = stepfunctions._apply_input_path(state, given, context)
    found = stepfunctions._resolve_path_or_ctx(path, effective, context)
    if type(found) is not int or found < 0:
        raise _Error(
            "States.Runtime",
            f"The MaxConcurrencyPath field refers to value {json.dumps(found)}: expected a non-negative integer",
        )
    return found


def _limited(select: Callable[[Json, Any], Any]) -> Callable[[Json, Any], Any]:
    """Without a ResultWriter the items' results are one payload, whatever becomes of it afterwards."""

    def apply_result_selector(state: Json, result: Any) -> Any:
        if state.get("Type") == "Map":
            check_size("returned a result", "Map", result)
        return select(state, result)

    return apply_result_selector
