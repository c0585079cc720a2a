"""The one vocabulary: every target explains itself, and hooks and CI call nothing else."""

import re
import subprocess
from typing import Final

from tests.architecture.tree import ROOT

MAKEFILE: Final = (ROOT / "Makefile").read_text()
PHONY: Final = set(re.findall(r"^\.PHONY: (.+)$", MAKEFILE, flags=re.MULTILINE))
DESCRIBED: Final = set(re.findall(r"^([a-z][a-z-]*):.*## [A-Z].+$", MAKEFILE, flags=re.MULTILINE))
CALLERS: Final = (".ci/run", ".pre-commit-config.yaml", "CONTRIBUTING.md", "CHANGELOG.md", "README.md")


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, flags=re.MULTILINE))


def test_every_target_explains_itself() -> None:
    assert targets() == DESCRIBED


def test_no_target_is_mistaken_for_a_file() -> None:
    assert targets() == PHONY


def test_help_is_the_default_and_prints_every_target() -> None:
    printed = subprocess.run(["make", "-C", str(ROOT)], capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"\x1b\[1m([a-z-]+) *\x1b", printed)) == targets()


def test_whoever_calls_make_calls_a_target_that_exists() -> None:
    called = {
        (caller, target)
        for caller in CALLERS
        for target in re.findall(
            r"(?:^ *(?:\$ )?|`|: )make ([a-z][a-z-]*)", (ROOT / caller).read_text(), flags=re.MULTILINE
        )
    }
    assert called
    assert {call for call in called if call[1] not in targets()} == set()
