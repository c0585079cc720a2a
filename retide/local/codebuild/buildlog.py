"""What a build says: its commands' output and its own remarks, without the secrets that it was given."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from retide.local.clock import Clock
from retide.local.logs import LogStream

HIDDEN: Final = "***"
SHORTEST_PART: Final = 4  # of a secret with several lines: a single brace in it must not hide every brace


class BuildLog:
    """A file that grows, and its copy in CloudWatch Logs where there is a group."""

    def __init__(self, client: Any, clock: Clock, group: str, stream: str, file: Path) -> None:
        self.file = file
        self._clock = clock
        self._secrets: list[str] = []
        self._stream = LogStream(client, group, stream, file, self.redact) if group else None

    def hide(self, secret: str) -> None:
        """From now on this text is not published."""
        lines = [line for line in secret.splitlines() if len(line) >= SHORTEST_PART]
        hidden = {*self._secrets, *lines, *([secret] if len(secret.splitlines()) == 1 else [])}
        self._secrets = sorted(hidden, key=len, reverse=True)

    def redact(self, line: str) -> str:
        for secret in self._secrets:
            line = line.replace(secret, HIDDEN)
        return line

    def say(self, remark: str) -> None:
        """A remark of CodeBuild itself, on lines of its own."""
        at = self._clock.now().strftime("%Y/%m/%d %H:%M:%S.%f")
        start = "" if self._at_line_start() else "\n"
        with self.file.open("a", encoding="utf-8", errors="surrogateescape") as log:
            log.write(f"{start}[Container] {at} {remark}\n")

    def publish(self, *, ended: bool = False) -> None:
        if self._stream is not None:
            self._stream.publish(ended=ended)

    def _at_line_start(self) -> bool:
        if not self.file.exists() or not (size := self.file.stat().st_size):
            return True
        with self.file.open("rb") as log:
            log.seek(size - 1)
            return log.read(1) == b"\n"
