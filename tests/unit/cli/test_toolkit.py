"""What the CDK says, and what is passed on of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest

from retide.cli.failures import CliError
from retide.cli.toolkit import Doing, Seen, Stacked, Toolkit, read_line, why
from retide.local.processes import lives


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("retide-dev-data: deploying... [1/3]", Doing("deploying retide-dev-data")),
        (
            "retide-dev-data |  5/11 | 12:44:02 AM | CREATE_IN_PROGRESS      | AWS::IAM::Role    | Role (Role1720)",
            Doing("deploying retide-dev-data (5/11): AWS::IAM::Role"),
        ),
        (" ✅  retide-dev-data", Stacked("retide-dev-data", changed=True)),
        ("\x1b[32m ✅  retide-dev-data (no changes)\x1b[0m", Stacked("retide-dev-data", changed=False)),
        ("✨  Deployment time: 1.2s", None),
        ("", None),
    ],
)
def test_a_line_of_the_cdk_means_a_stack_a_resource_or_nothing(line: str, seen: Seen | None) -> None:
    assert read_line(line) == seen


def test_the_cause_of_a_failure_is_the_last_line_that_names_one() -> None:
    assert why(["Error: first", "❌ retide-dev-data failed: no bucket", "", "Outputs:"]) == (
        "retide-dev-data failed: no bucket"
    )
    assert why(["something odd"]) == "something odd"
    assert why([]) == "it said nothing"


def test_what_is_wrong_with_a_contract_is_the_cause_and_not_that_the_app_ended() -> None:
    fault = f"contract.yaml:2: target: {'must be one of the columns ' * 20}"
    ended = "exec python -m infra.app: Subprocess exited with error 1"
    assert why(["!! Node is old !!", f"error: {fault}", ended]) == fault.strip()
    assert why(["NameError: name 'x' is not defined", ended]) == "NameError: name 'x' is not defined"


def test_the_resource_that_failed_first_is_the_cause_of_a_failed_stack_and_not_the_advice_that_follows() -> None:
    said = [
        "retide-dev-data | 8:18:24 AM | CREATE_FAILED | AWS::IAM::Role | Role (Role17) Resource creation cancelled",
        "retide-dev-data | 8:18:25 AM | CREATE_FAILED         | AWS::S3::Bucket | Bucket (Bucket83) it exists already",
        "❌  retide-dev-data failed to deploy",
        "   CloudTrail delivery can lag; re-run `cdk diagnose` to check for additional errors (e.g. AccessDenied).",
    ]
    assert why(said) == "retide-dev-data: AWS::S3::Bucket Bucket (Bucket83) it exists already"
    assert why(said[2:]) == "retide-dev-data failed to deploy"


def toolkit(folder: Path, script: str) -> Toolkit:
    """A toolkit whose `cdk` is a small script; `node` is there as well."""
    tools = folder / "bin"
    tools.mkdir()
    for name in ("cdk", "node"):
        (tools / name).write_text(f"#!{sys.executable}\n{script}")
        (tools / name).chmod(0o755)
    environment = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    return Toolkit(tools / "cdk", folder, environment, folder / "logs/deploy.log", {"stage": "dev"})


def test_what_a_deployment_says_reaches_the_caller_and_the_log(tmp_path: Path) -> None:
    seen: list[Seen] = []
    with toolkit(tmp_path, "print(' ✅  one')\nprint('chatter')").deploy() as deployment:
        deployment.finish(seen.append)
    assert seen == [Stacked("one", changed=True)]
    assert "chatter" in (tmp_path / "logs/deploy.log").read_text()


def test_a_failed_deployment_names_the_reason_and_the_log(tmp_path: Path) -> None:
    script = "import sys\nprint('error: no such role')\nsys.exit(3)"
    with (
        pytest.raises(CliError, match=r"`cdk deploy` failed: no such role .*deploy\.log"),
        toolkit(tmp_path, script).deploy() as deployment,
    ):
        deployment.finish()


def test_leaving_early_ends_the_cdk_and_what_it_started(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        "print(f' ✅  {child.pid}', flush=True)\n"
        "child.wait()"
    )
    pids: list[int] = []

    def leave(seen: Seen) -> None:
        assert isinstance(seen, Stacked)
        pids.append(int(seen.stack))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), toolkit(tmp_path, script).deploy() as deployment:
        deployment.finish(leave)
    assert all_end(pids)


def all_end(pids: list[int]) -> bool:
    """Whether the processes end; the system may take a moment over one that was killed."""
    there = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    _, alive = psutil.wait_procs(there, timeout=10)
    return not [process for process in alive if lives(process)]


def test_a_missing_node_is_said_with_what_to_do(tmp_path: Path) -> None:
    bare = Toolkit(tmp_path / "cdk", tmp_path, {"PATH": str(tmp_path)}, tmp_path / "log", {})
    with pytest.raises(CliError, match=r"Node\.js is missing"):
        bare.deploy()
