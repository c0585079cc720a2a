"""What was found, for people, for programs, and as annotations of a pull request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from retide.lint.engine import Report
from retide.lint.findings import Finding, Severity
from retide.lint.rules import RULES

GITHUB: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def text(report: Report, root: Path) -> Iterator[str]:
    """One line each: place, rule, what is wrong, what to do; and a last line that counts."""
    for finding in report.findings:
        rule = RULES[finding.code]
        place = f"{shown(finding.file, root)}:{finding.line}:{finding.column}"
        yield f"{place}: {rule.severity} {rule.code} {rule.name}: {_told(finding)}"
    yield summary(report)


def summary(report: Report) -> str:
    counts = [_counted(report.count(severity), severity.value) for severity in Severity]
    return f"{_counted(len(report.models), 'model')}: {', '.join(counts)}"


def as_json(report: Report, root: Path) -> str:
    found = [{**asdict(finding), "file": shown(finding.file, root), **_rule(finding)} for finding in report.findings]
    return json.dumps({"models": report.models, "findings": found}, indent=2, ensure_ascii=False)


def _rule(finding: Finding) -> dict[str, str]:
    rule = RULES[finding.code]
    return {"name": rule.name, "severity": rule.severity.value, "advice": rule.advice}


def github(report: Report, root: Path) -> Iterator[str]:
    """Workflow commands, which GitHub shows at the lines of the pull request."""
    for finding in report.findings:
        rule = RULES[finding.code]
        place = f"file={_property(shown(finding.file, root))},line={finding.line},col={finding.column}"
        title = _property(f"{rule.code} {rule.name}")
        yield f"::{GITHUB[rule.severity]} {place},title={title}::{_data(_told(finding))}"


def _told(finding: Finding) -> str:
    """What is wrong, and what to do."""
    end = "" if finding.message.endswith("?") else "."
    return f"{finding.message}{end} {RULES[finding.code].advice}"


def shown(file: Path, root: Path) -> str:
    return str(file.relative_to(root)) if file.is_relative_to(root) else str(file)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
