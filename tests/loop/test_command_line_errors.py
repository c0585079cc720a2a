"""Bad input to the command line: one clear line on stderr, a status that says failure, never a traceback."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.loop.command_line import CommandLine, Ended

REGION = {"AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture
def retide(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "home", {})


def one_line(ended: Ended, said: str, status: int = 1) -> None:
    assert ended.status == status, ended
    lines = ended.err.splitlines()
    assert said in lines[-1], ended
    assert lines[-1].startswith("error: ")
    assert [line for line in lines if line.startswith("target: ")] == lines[:-1]
    assert "Traceback" not in ended.err + ended.out
    assert "\x1b" not in ended.err + ended.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["push"], "Missing argument"),
        (["pusch", "x.csv"], "No such command 'pusch'"),
        (["runs", "--colour"], "No such option"),
        (["runs", "--stage", "qa"], "there is no stage 'qa'"),
        (["runs", "--target", "moon"], "there is no target 'moon'"),
        (["up", "--port", "70000"], "65535"),
        (["up", "--stage", "qa"], "there is no stage 'qa'"),
        (["predict", "--model", "tumour"], "--file or with --json"),
        (["predict", "--model", "tumour", "--json", "{"], "--json is not JSON"),
        (["approve", "tumour@x"], "'x' is not a version"),
        (["story"], "add --yes"),
        (["remote", "--set", "approval"], "'approval' is no setting: write NAME=VALUE"),
        (["delivery", "show"], "Missing argument"),
        (["delivery", "list", "-n", "0"], "Invalid value for '--limit'"),
    ],
)
def test_a_wrong_call_is_answered_with_status_two(retide: CommandLine, words: list[str], said: str) -> None:
    one_line(retide(*words), said, status=2)


@pytest.mark.parametrize("command", [["status"], ["runs"], ["explain"], ["watch"], ["retrain", "--model", "tumour"]])
def test_without_a_local_cloud_and_credentials_the_way_out_is_named(tmp_path: Path, command: list[str]) -> None:
    one_line(CommandLine(tmp_path / "home", REGION)(*command), "no AWS credentials were found")


def test_without_a_region_the_way_out_is_named(retide: CommandLine) -> None:
    one_line(retide("runs"), "no AWS region is chosen")


@pytest.mark.parametrize(
    "command",
    [["env"], ["deploy"], ["remote"], ["runs", "--target", "local"], ["delivery", "list", "--target", "local"]],
)
def test_where_a_local_cloud_is_needed_and_none_runs_the_command_to_start_one_is_named(
    retide: CommandLine, command: list[str]
) -> None:
    one_line(retide(*command), "no local cloud is running: start one with `retide up`")


def test_a_local_cloud_that_died_is_not_mistaken_for_a_wish_to_reach_aws(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "cloud.json").write_text('{"pid": 4194305, "port": 1, "born": 1.0, "reaper": 4194305}')
    one_line(CommandLine(home, REGION)("runs"), "the local cloud is not running any more, though nobody stopped it")
    one_line(CommandLine(home, REGION)("runs", "--target", "aws"), "no AWS credentials were found")


def test_an_endpoint_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        account = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", **REGION}
        one_line(CommandLine(tmp_path / "home", account)("status"), f"{url}")


def test_a_taken_port_is_named_and_nothing_is_left(retide: CommandLine) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        one_line(retide("up", "--port", str(port)), f"cannot listen on 127.0.0.1:{port}")
    assert retide.left_behind() == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no file"),
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00", "neither CSV nor Parquet"),
        (b'{"a": 1}', "neither CSV nor Parquet"),
    ],
)
def test_what_cannot_be_a_batch_is_refused_before_anything_is_asked_of_a_cloud(
    retide: CommandLine, tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "rows.csv"
    if content is not None:
        file.write_bytes(content)
    one_line(retide("push", str(file), "--model", "tumour"), said)


def test_a_folder_is_refused_by_its_name(retide: CommandLine, tmp_path: Path) -> None:
    one_line(retide("push", str(tmp_path), "--model", "tumour"), f"{tmp_path} is a folder")


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    one_line(CommandLine(blocked / "home", {})("up"), str(blocked))


def test_stopping_where_nothing_runs_is_no_failure(retide: CommandLine) -> None:
    ended = retide("down")
    assert (ended.status, ended.out.strip()) == (0, "no local cloud was running")


def test_help_and_version_are_plain_text_without_a_terminal(retide: CommandLine) -> None:
    helped, versioned = retide("--help"), retide("--version")
    assert (helped.status, versioned.status) == (0, 0)
    assert "\x1b" not in helped.out
    assert versioned.out.startswith("retide 0.")
    for command in (
        "up",
        "down",
        "push",
        "watch",
        "runs",
        "explain",
        "retrain",
        "approve",
        "reject",
        "predict",
        "demo",
    ):
        assert f" {command} " in helped.out
