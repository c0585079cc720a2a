"""Audit every lock for known vulnerabilities; that nothing was checked is never taken for nothing found."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from packaging.markers import Marker

ROOT: Final = Path(__file__).resolve().parent.parent
RECORD: Final = ROOT / "build/audit.json"
VULNERABLE: Final = 1
NOT_AUDITED: Final = 3
OPTIONS: Final = ("--strict", "--progress-spinner", "off", "--disable-pip", "--require-hashes", "--format", "json")

PIN: Final = re.compile(r"(?m)^[\w.-]+==[^ ;\\\n]+(?: ; ([^\\\n]+))?")

Ask = Callable[[Path], "Answer"]


class Verdict(StrEnum):
    CLEAN = "clean"
    VULNERABLE = "vulnerable"
    NOT_AUDITED = "not audited"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the auditor said of one lock: its JSON, or only words of what went wrong."""

    output: str
    words: str


@dataclass(frozen=True, slots=True)
class Audited:
    """One lock: how many packages were asked for, and what is known of them, or why nothing is."""

    lock: str
    verdict: Verdict
    packages: int
    findings: tuple[str, ...]


def read(lock: Path, answer: Answer) -> Audited:
    """Clean only if the auditor answers for every package that the lock names."""
    named = sum(_applies(marker) for marker in PIN.findall(lock.read_text(encoding="utf-8")))
    try:
        found = json.loads(answer.output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Audited(lock.name, Verdict.NOT_AUDITED, 0, (_last_line(answer.words),))
    asked = [package for package in found if "vulns" in package]
    if not 0 < named <= len(asked):
        return Audited(lock.name, Verdict.NOT_AUDITED, len(asked), (f"{len(asked)} of {named} packages were checked",))
    findings = tuple(_words(package) for package in asked if package["vulns"])
    return Audited(lock.name, Verdict.VULNERABLE if findings else Verdict.CLEAN, len(asked), findings)


def _applies(marker: str) -> bool:
    """Whether a package with this marker is one for this machine: the auditor passes over the others."""
    return not marker or Marker(marker).evaluate()


def _words(package: Mapping[str, object]) -> str:
    vulnerabilities = package["vulns"]
    known = ", ".join(one["id"] for one in vulnerabilities) if isinstance(vulnerabilities, list) else ""
    return f"{package['name']} {package['version']}: {known}"


def _last_line(words: str) -> str:
    said = [line.strip() for line in words.splitlines() if line.strip()]
    return said[-1][:300] if said else "the auditor said nothing"


def ask(lock: Path) -> Answer:
    command = [str(Path(sys.executable).with_name("pip-audit")), *OPTIONS, "--requirement", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return Answer(done.stdout, done.stderr)


def audit(locks: Iterable[Path], asking: Ask, *, offline: bool) -> list[Audited]:
    if offline:
        return [Audited(lock.name, Verdict.NOT_AUDITED, 0, ("AUDIT=offline: nobody was asked",)) for lock in locks]
    return [read(lock, asking(lock)) for lock in locks]


def status(audited: Sequence[Audited], *, offline: bool) -> int:
    """The exit code: a vulnerability weighs more than a lock that nobody could check."""
    seen = {one.verdict for one in audited}
    if Verdict.VULNERABLE in seen:
        return VULNERABLE
    if not audited or (Verdict.NOT_AUDITED in seen and not offline):
        return NOT_AUDITED
    return 0


def tell(audited: Sequence[Audited], *, offline: bool) -> None:
    for one in audited:
        print(f"audit: {one.lock}: {one.verdict.upper()} ({one.packages} packages)", *one.findings, sep="\n  ")
    if status(audited, offline=offline) == NOT_AUDITED:
        print(
            "audit: not every lock could be checked, so this fails. Where the vulnerability service cannot be reached, "
            "AUDIT=offline records that nothing was audited instead",
            file=sys.stderr,
        )


def main(arguments: Sequence[str] | None = None, asking: Ask = ask, record: Path = RECORD) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offline", action="store_true", help="ask nobody, and write down that nothing was audited")
    offline = parser.parse_args(arguments).offline
    audited = audit(sorted((ROOT / "requirements").glob("*.txt")), asking, offline=offline)
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps([asdict(one) for one in audited], indent=1) + "\n", encoding="utf-8")
    tell(audited, offline=offline)
    return status(audited, offline=offline)


if __name__ == "__main__":
    sys.exit(main())
