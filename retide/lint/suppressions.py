"""Comments that suppress a rule on their line: `# retide: ignore[RT203] reason`, in Python and in YAML."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from retide.lint.findings import Finding
from retide.lint.rules import RULES

COMMENT: Final = re.compile(r"#\s*retide:\s*ignore\b(?:\[(?P<codes>[^\]]*)\])?(?P<reason>.*)")
UNSUPPRESSIBLE: Final = frozenset({"RT001", "RT002", "RT004", "RT005"})


@dataclass(frozen=True, slots=True)
class Suppression:
    file: Path
    line: int
    column: int
    codes: tuple[str, ...]
    reason: str

    @property
    def problem(self) -> str | None:
        """Why it counts for nothing."""
        unknown = [code for code in self.codes if code not in RULES or code in UNSUPPRESSIBLE]
        if not self.codes:
            return "names no rule"
        if unknown:
            return f"names {', '.join(unknown)}, which is no rule that can be suppressed"
        return None if self.reason else f"gives no reason for suppressing {', '.join(self.codes)}"

    def covers(self, finding: Finding) -> bool:
        return self.problem is None and finding.line == self.line and finding.code in self.codes


def read(file: Path) -> Iterator[Suppression]:
    """The suppressions of a Python or YAML file; nothing where it cannot be read, which is a finding of its own."""
    try:
        data = file.read_bytes()
        if b"\0" in data:  # CPython's tokenizer answers it with a SystemError
            return
        comments = _python_comments(data) if file.suffix == ".py" else _yaml_comments(data.decode("utf-8-sig"))
        for line, column, comment in comments:
            if found := COMMENT.search(comment):
                codes = tuple(code.strip() for code in (found["codes"] or "").split(",") if code.strip())
                yield Suppression(file, line, column + found.start() + 1, codes, found["reason"].strip(" \t-:"))
    except (OSError, UnicodeError, SyntaxError, tokenize.TokenError, ValueError):
        return


def _python_comments(data: bytes) -> Iterator[tuple[int, int, str]]:
    for token in tokenize.tokenize(io.BytesIO(data).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.start[1], token.string


def _yaml_comments(text: str) -> Iterator[tuple[int, int, str]]:
    """A `#` at the start of a line or after a blank; within a quoted text it takes this very wording to be misread."""
    for number, line in enumerate(text.splitlines(), start=1):
        if found := re.search(r"(?:^|\s)#", line):
            start = found.end() - 1
            yield number, start, line[start:]


def apply(findings: Iterable[Finding], suppressions: Iterable[Suppression]) -> Iterator[Finding]:
    """The findings that stay, and what is wrong with the suppressions themselves."""
    wishes, used = list(suppressions), set[Suppression]()
    for finding in findings:
        covering = [wish for wish in wishes if wish.file == finding.file and wish.covers(finding)]
        used.update(covering)
        if not covering:
            yield finding
    for wish in wishes:
        if wish.problem:
            yield Finding(wish.file, wish.line, wish.column, "RT004", f"the suppression {wish.problem}")
        elif wish not in used:
            named = ", ".join(wish.codes)
            yield Finding(wish.file, wish.line, wish.column, "RT005", f"there is no {named} on this line")
