"""Every rule of the linter, as rules.yaml beside this file says them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from retide.lint.findings import Severity


@dataclass(frozen=True, slots=True)
class Rule:
    code: str
    name: str
    severity: Severity
    finds: str
    advice: str


def _read(raw: Mapping[str, Mapping[str, Any]]) -> dict[str, Rule]:
    return {code: Rule(code, **{**told, "severity": Severity(told["severity"])}) for code, told in raw.items()}


RULES: Final[Mapping[str, Rule]] = _read(yaml.safe_load(Path(__file__).with_name("rules.yaml").read_text("utf-8")))
