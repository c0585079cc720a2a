"""Why a build failed: the command that ended it, and the last lines that it wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from retide.aws.clients import code

COMMAND: Final = re.compile(r"Error while executing command: (?P<command>.+?)\. Reason: (?P<reason>.+)", re.DOTALL)
CODEBUILD: Final = "[Container]"
"""How CodeBuild begins a line of its own."""
COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
READ: Final = 200  # lines of a log that are read for the few that are shown
BATCH: Final = 100  # builds of one call


@dataclass(frozen=True, slots=True)
class Build:
    """One build; `phase` and `reason` say where and why it failed, empty where it did not."""

    id: str
    status: str
    phase: str = ""
    reason: str = ""
    group: str = ""
    stream: str = ""


class Builds:
    """Both arguments are boto3's clients."""

    def __init__(self, codebuild: Any, logs: Any) -> None:
        self._codebuild, self._logs = codebuild, logs

    def find(self, ids: tuple[str, ...]) -> Mapping[str, Build]:
        """By id; those that CodeBuild has forgotten are missing."""
        found = (build for first in range(0, len(ids), BATCH) for build in self._batch(ids[first : first + BATCH]))
        return {build.id: build for build in found}

    def last_lines(self, build: Build, count: int) -> tuple[str, ...]:
        """What the commands themselves wrote at the end; empty where the log is not there any more."""
        if not build.stream:
            return ()
        try:
            events = self._logs.get_log_events(
                logGroupName=build.group, logStreamName=build.stream, limit=READ, startFromHead=False
            )["events"]
        except ClientError as error:
            if code(error) != "ResourceNotFoundException":
                raise
            return ()
        lines = [line for event in events for line in COLOURS.sub("", event["message"]).splitlines()]
        told = [line.rstrip() for line in lines if line.strip() and not line.startswith(CODEBUILD)]
        return tuple(told[-count:])

    def _batch(self, ids: tuple[str, ...]) -> Iterator[Build]:
        return (_build(raw) for raw in self._codebuild.batch_get_builds(ids=list(ids))["builds"]) if ids else iter(())


def _build(raw: Mapping[str, Any]) -> Build:
    phases: list[Mapping[str, Any]] = raw.get("phases", [])
    failed = next((phase for phase in phases if phase.get("phaseStatus") not in PASSED), {})
    message = next((context["message"] for context in failed.get("contexts", []) if context.get("message")), "")
    log = raw.get("logs", {})
    return Build(
        raw["id"],
        raw["buildStatus"],
        failed.get("phaseType", ""),
        reason(message) or _ended(raw["buildStatus"]),
        log.get("groupName", ""),
        log.get("streamName", ""),
    )


PASSED: Final = frozenset({"SUCCEEDED", "IN_PROGRESS", None})


def reason(message: str) -> str:
    """CodeBuild's message in few words: the command and how it ended."""
    text = " ".join(message.split())
    named = COMMAND.search(text)
    return f"{named['command']} ({named['reason'].rstrip('.')})" if named else text


def _ended(status: str) -> str:
    """For a build that ended without a word of a phase."""
    return "" if status in {"SUCCEEDED", "IN_PROGRESS"} else f"the build ended as {status.lower().replace('_', ' ')}"
