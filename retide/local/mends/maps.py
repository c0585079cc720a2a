"""Map states: how many items at once may stand in the input, and what all items return together has a limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions

from retide.local.interfaces import Json
from retide.local.mends.machines import check_size, with_path


def install() -> None:
    stepfunctions._run_map_items = _with_concurrency(stepfunctions._run_map_items)
    stepfunctions._apply_result_selector = _limited(stepfunctions._apply_result_selector)


def _with_concurrency(run: Callable[..., Any]) -> Callable[..., Any]:
    """Without it, such a Map would do everything at once."""
    words = "The MaxConcurrencyPath field refers to value {found}: expected a non-negative integer"
    return with_path(run, "MaxConcurrency", least=0, words=words)


def _limited(select: Callable[[Json, Any], Any]) -> Callable[[Json, Any], Any]:
    """Without a ResultWriter the items' results are one payload, whatever becomes of it afterwards."""

    def apply_result_selector(state: Json, result: Any) -> Any:
        if state.get("Type") == "Map":
            check_size("returned a result", "Map", result)
        return select(state, result)

    return apply_result_selector
