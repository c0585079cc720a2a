"""The one vocabulary: every target explains itself, and hooks and CI call nothing else."""

import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.architecture.tree import ROOT

MAKEFILE: Final = (ROOT / "Makefile").read_text()
PHONY: Final = set(re.findall(r"^\.PHONY: (.+)$", MAKEFILE, flags=re.MULTILINE))
DESCRIBED: Final = set(re.findall(r"^([a-z][a-z-]*):.*## [A-Z].+$", MAKEFILE, flags=re.MULTILINE))
CALLERS: Final = (".ci/run", ".pre-commit-config.yaml", "CONTRIBUTING.md", "CHANGELOG.md", "README.md")


BUILDSPECS: Final = sorted((ROOT / "infra/buildspecs").glob("*.yml"))


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


def recipe(target: str) -> list[str]:
    (found,) = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    return [line.strip() for line in found.splitlines()]


def tool(command: str) -> str:
    """The command without its options and places."""
    words = command.replace("$(BIN)", ".venv/bin").split()
    return " ".join(word for word in words if not word.startswith(("-", "$(")) and word != ".")


def test_hooks_leave_out_nothing_that_is_checked_before_a_merge() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    entries = [hook["entry"] for hook in hooks]
    called = [c for entry in entries for c in (recipe(entry[5:]) if entry.startswith("make ") else [entry])]
    assert {tool(command) for command in recipe("check")} <= {tool(command) for command in called}


@pytest.mark.parametrize("file", BUILDSPECS, ids=lambda file: file.stem)
def test_a_buildspec_calls_targets_of_ours_and_nothing_else(file: Path) -> None:
    phases: dict[str, Any] = yaml.safe_load(file.read_text())["phases"]
    commands = [command for phase in phases.values() for command in phase.get("commands", ())]
    called = [re.fullmatch(r"make ([a-z][a-z-]*)( STAGE=[a-z]+)?", command) for command in commands]
    assert commands
    assert {match[1] for match in called if match} <= targets()
    assert all(called), commands


def test_the_build_of_a_pipeline_leaves_no_check_out_that_continuous_integration_makes() -> None:
    spec = (ROOT / "infra/buildspecs/build.yml").read_text()
    assert [
        target
        for target in re.findall(r"^make ([a-z-]+)", (ROOT / ".ci/run").read_text(), re.MULTILINE)
        if f"- make {target}\n" not in spec
    ] == []


def test_settings_of_a_pipeline_reach_every_command_that_synthesises() -> None:
    """A pipeline that was deployed with overrides must not lose them when it deploys itself."""
    environment = {"RETIDE_CONTEXT": "--context 'repository=ada/churn'", "COMMIT": "c0ffee", "PATH": "/usr/bin:/bin"}
    for target in ("synth", "deploy", "deploy-delivery", "assemble"):
        command = ["make", "-C", str(ROOT), "-n", "-o", "setup", target]
        printed = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
        assert "--context 'repository=ada/churn'" in printed, target
        assert "commit=c0ffee" in printed, target


def test_an_assembly_that_was_not_made_is_missed_with_what_to_do() -> None:
    command = ["make", "-C", str(ROOT), "deploy-assembly", "STAGE=nowhere"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "there is no build/assembly/nowhere: run 'make assemble'" in refused.stderr
