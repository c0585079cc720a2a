"""Whatever goes wrong becomes one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
)

from retide.cli.failures import CliError, reason, unexpected
from retide.domain.reader import ContractError, Problem
from retide.local.interfaces import LocalCloudError


def refusal(code: str, message: str = "not today") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "PutObject")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CliError("plainly"), "plainly"),
        (LocalCloudError("port 80 is taken"), "port 80 is taken"),
        (NoCredentialsError(), "aws configure"),
        (NoRegionError(), "AWS_DEFAULT_REGION"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "http://127.0.0.1:1 does not answer"),
        (ProfileNotFound(profile="work"), "work"),
        (refusal("ExpiredToken"), "expired"),
        (refusal("InvalidClientTokenId"), "does not know these credentials"),
        (refusal("AccessDenied"), "PutObject (AccessDenied): not today; your credentials lack that permission"),
        (refusal("Throttled", "line\n  break"), "line break"),
        (FileNotFoundError(2, "No such file or directory", "x.csv"), "x.csv: no such file or directory"),
    ],
)
def test_a_foreseen_error_is_one_line_with_its_reason(error: Exception, said: str) -> None:
    line = reason(error) or ""
    assert said in line
    assert "\n" not in line


def test_each_problem_of_a_contract_stands_in_a_line_of_its_own() -> None:
    problems = (Problem("target", "is missing", "contract.yaml:1:1"), Problem("metric", "is missing"))
    assert reason(ContractError(problems)) == "contract.yaml:1:1: target: is missing\nmetric: is missing"


def test_an_unforeseen_error_has_no_ready_reason() -> None:
    assert reason(ZeroDivisionError("x")) is None


def test_an_unforeseen_error_is_one_line_and_its_traceback_lies_in_a_file(tmp_path: Path) -> None:
    try:
        raise ZeroDivisionError("one\nover nothing")
    except ZeroDivisionError as error:
        line = unexpected(error, tmp_path / "logs")
    log = next((tmp_path / "logs").iterdir())
    assert line == f"this should not happen (ZeroDivisionError: one over nothing); the details are in {log}"
    assert "Traceback" in log.read_text()


def test_an_unforeseen_error_is_said_even_where_no_log_can_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    assert "no log could be written" in unexpected(ZeroDivisionError("x"), blocked / "logs")
