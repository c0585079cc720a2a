"""Logs: a search through the streams of one prefix finds the lines of those streams and of no others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ministack.services import cloudwatch_logs

from retide.local.interfaces import Json

Answer = tuple[int, dict[str, str], bytes]
NO_STREAM: Final = ["\0"]
"""No name that a stream can have: an empty list of streams would mean all of them."""


def install() -> None:
    cloudwatch_logs._filter_log_events = _by_prefix(cloudwatch_logs._filter_log_events)


def _by_prefix(search: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    def filter_log_events(request: Json) -> Answer:
        if not (prefix := request.get("logStreamNamePrefix")) or request.get("logStreamNames"):
            return search(request)
        group = cloudwatch_logs._log_groups.get(cloudwatch_logs._resolve_log_group_name(request), {"streams": {}})
        names = [name for name in list(group["streams"]) if name.startswith(prefix)]
        return search({**request, "logStreamNames": names or NO_STREAM})

    return filter_log_events
