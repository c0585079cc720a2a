"""What was found in one object: findings that a person can check and act on, and whether the object may be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from retide.domain.context import NOTHING_KNOWN, Context
from retide.domain.contract import Contract
from retide.domain.profile import Profile
from retide.domain.severity import CHECK, Severity

EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Example:
    """One offending value: `row` is the 1-based row of data (the header is not counted), 0 where no row applies."""

    row: int
    value: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that an object breaks, in how many rows, with the first of them, and what to do about it."""

    rule: str
    column: str
    expected: str
    seen: str
    advice: str
    rows: int = 0
    examples: tuple[Example, ...] = ()
    severity: Severity = Severity.REFUSE

    @property
    def about(self) -> str:
        """The column or the check that it is about; empty where it is about the file."""
        return f"{'check' if self.rule.startswith(CHECK) else 'column'} {self.column}" if self.column else ""

    def __str__(self) -> str:
        subject = f"{self.about}: " if self.column else ""
        return f"{subject}expected {self.expected}, seen {self.seen}. {self.advice}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one object; `curated` is the sha256 of its typed rows, `rules` the digest of what it must meet.

    `curated` and `profile` are None for a refused object. `rows` are those that stay in an accepted one, without the
    `rejected` rows, which were taken out for what they break.
    """

    rows: int
    rules: str
    findings: tuple[Finding, ...] = ()
    curated: str | None = None
    profile: Profile | None = None
    rejected: int = 0

    @property
    def accepted(self) -> bool:
        return not self.refusals

    @property
    def refusals(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.REFUSE)

    @property
    def reason(self) -> str:
        """Why it was refused, in one line; empty for an accepted object."""
        return " ".join(str(finding) for finding in self.refusals)

    def to_dict(self) -> dict[str, Any]:
        return {
            "accepted": self.accepted,
            "rows": self.rows,
            "rules": self.rules,
            "curated": self.curated,
            "rejected": self.rejected,
            "findings": [asdict(finding) for finding in self.findings],
            "profile": self.profile.to_dict() if self.profile else None,
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Verdict:
        """The inverse of `to_dict`; other keys are left alone."""
        return cls(
            rows=raw["rows"],
            rules=raw["rules"],
            findings=tuple(read_finding(finding) for finding in raw["findings"]),
            curated=raw["curated"],
            profile=Profile.from_dict(raw["profile"]) if raw["profile"] else None,
            rejected=raw.get("rejected", 0),
        )


class Judge(Protocol):
    """Reads a file and says what is wrong with it.

    Written where asked for: the typed rows of an accepted file to `keep`; the rows taken out of it to `rejected`, as
    they stood in the file, if there are any; the hashes of what must be unique everywhere to `keys`, where the contract
    names such. `context` is what the file is judged against besides the contract, `name` what to call it in words.
    """

    def __call__(
        self,
        path: Path,
        contract: Contract,
        *,
        keep: Path | None = None,
        rejected: Path | None = None,
        keys: Path | None = None,
        context: Context = NOTHING_KNOWN,
        name: str = "",
    ) -> Verdict: ...


def read_finding(raw: Mapping[str, Any]) -> Finding:
    """From its form as JSON."""
    examples = tuple(Example(**example) for example in raw["examples"])
    return Finding(**{**raw, "examples": examples, "severity": Severity(raw["severity"])})


__all__ = ["EXAMPLES", "Example", "Finding", "Judge", "Severity", "Verdict", "read_finding"]
