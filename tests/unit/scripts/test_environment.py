"""Set-up's scripts: what they say where something is missing, and what they leave alone."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.tree import ROOT

BASH: Final = shutil.which("bash") or "/bin/bash"


def command(folder: Path, name: str, body: str) -> str:
    """A program on a PATH of its own; gives its full name."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!{BASH}\n{body}\n")
    program.chmod(0o755)
    return str(program)


def run(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    words = [BASH, str(ROOT / "scripts" / script), *arguments]
    variables = {"PATH": os.defpath, **environment}
    return subprocess.run(words, env=variables, capture_output=True, text=True, check=False)


def test_a_machine_without_the_locked_python_is_told_what_to_install(tmp_path: Path) -> None:
    uv = command(tmp_path / "bin", "uv", "exit 2")
    answer = run("environment.sh", str(tmp_path / "venv"), "3.12", UV=uv)
    assert answer.returncode == 1
    assert "Python 3.12 was not found" in answer.stderr
    assert "run 'make setup' again" in answer.stderr


def environment(folder: Path, settings: str, *, status: int = 0) -> Path:
    """What stands for an environment: its interpreter answers a question about its version with this status."""
    folder.mkdir()
    (folder / "pyvenv.cfg").write_text(f"version_info = 3.12\n{settings}\n")
    command(folder / "bin", "python", f"exit {status}")
    return folder


def test_an_environment_that_runs_and_can_be_moved_is_left_alone(tmp_path: Path) -> None:
    uv = command(tmp_path / "bin", "uv", "exit 2")
    made = environment(tmp_path / "venv", "relocatable = true")
    assert run("environment.sh", str(made), "3.12", UV=uv).returncode == 0


@pytest.mark.parametrize(("settings", "status"), [("relocatable = false", 0), ("", 0), ("relocatable = true", 1)])
def test_an_environment_of_another_python_or_bound_to_its_place_is_made_again(
    tmp_path: Path, settings: str, status: int
) -> None:
    uv = command(tmp_path / "bin", "uv", f'echo "$@" >> {tmp_path}/calls')
    made = environment(tmp_path / "venv", settings, status=status)
    assert run("environment.sh", str(made), "3.12", UV=uv).returncode == 0
    last = (tmp_path / "calls").read_text().splitlines()[-1]
    assert last == f"venv --quiet --clear --relocatable --python 3.12 {made}"


@pytest.mark.parametrize(
    ("body", "words"),
    [("exit 127", "no Python that runs"), ('[ "$1" = -c ]', "install python3-venv")],
    ids=["no python", "no venv module"],
)
def test_a_machine_that_cannot_bring_uv_in_is_told_why(tmp_path: Path, body: str, words: str) -> None:
    for name in ("python3.12", "python3", "python"):
        command(tmp_path / "bin", name, body)
    answer = run("bring-uv.sh", str(tmp_path / "uv"), "requirements/uv.txt", PATH=str(tmp_path / "bin"))
    assert answer.returncode == 1
    assert words in answer.stderr


def test_an_environment_behind_a_link_to_a_cache_is_made_in_the_cache_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "venv").symlink_to(tmp_path / "cache")
    uv = command(tmp_path / "bin", "uv", f'echo "$@" >> {tmp_path}/calls')
    assert run("environment.sh", str(tmp_path / "venv"), "3.12", UV=uv).returncode == 0
    assert (tmp_path / "calls").read_text().splitlines()[-1].endswith(str(tmp_path / "cache"))
    assert (tmp_path / "venv").is_symlink()


def test_node_packages_go_through_a_link_to_a_cache_and_replace_what_was_there(tmp_path: Path) -> None:
    """Npm itself would take the link away, and with it the cache."""
    (tmp_path / "cache/old").mkdir(parents=True)
    (tmp_path / "node_modules").symlink_to(tmp_path / "cache")
    for name in ("package.json", "package-lock.json"):
        (tmp_path / name).write_text("{}")
    body = (
        '[ "$1" = --version ] && exit 0; mkdir -p "${@: -1}/node_modules/.bin"; touch "${@: -1}/node_modules/.bin/cdk"'
    )
    command(tmp_path / "bin", "npm", body)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    script = [BASH, str(ROOT / "scripts/node.sh"), "node_modules"]
    done = subprocess.run(script, cwd=tmp_path, env={"PATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "node_modules").is_symlink()
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".bin"]
    assert (tmp_path / "cache/.bin/cdk").is_file()
    assert not (tmp_path / "build/node").exists()


def test_a_machine_without_npm_is_told_what_to_install(tmp_path: Path) -> None:
    answer = run("node.sh", "node_modules", PATH=str(tmp_path))
    assert answer.returncode == 1
    assert "npm was not found" in answer.stderr
