"""Which cloud a command talks to."""

from __future__ import annotations

import pytest

from retide.cli.failures import CliError, UsageProblem
from retide.cli.target import Kind, Target, select
from retide.local.cloud import Running

RUNNING = Running("http://127.0.0.1:4566", 4566, 1)


def test_a_running_local_cloud_is_the_target_when_none_is_named() -> None:
    chosen = select(None, "dev", lambda: RUNNING)
    assert (chosen.kind, chosen.running) == (Kind.LOCAL, RUNNING)


def test_aws_is_the_target_when_no_local_cloud_runs_and_that_is_known_to_be_implied() -> None:
    chosen = select(None, "dev", lambda: None)
    assert (chosen.kind, chosen.implied) == (Kind.AWS, True)


def test_aws_by_name_passes_a_running_local_cloud_by() -> None:
    chosen = select("aws", "prod", lambda: RUNNING)
    assert (chosen.kind, chosen.implied, chosen.stage) == (Kind.AWS, False, "prod")


def test_local_by_name_without_a_local_cloud_says_how_to_start_one() -> None:
    with pytest.raises(CliError, match="retide up"):
        select("local", "dev", lambda: None)


@pytest.mark.parametrize(("wanted", "stage"), [("moon", "dev"), (None, "qa"), ("LOCAL", "dev"), (None, "")])
def test_an_unknown_target_or_stage_is_a_wrong_call_that_names_the_choices(wanted: str | None, stage: str) -> None:
    with pytest.raises(UsageProblem, match=r"local or aws|dev, staging, prod") as refused:
        select(wanted, stage, lambda: RUNNING)
    assert refused.value.code == 2


def test_a_persons_account_never_reaches_the_local_cloud() -> None:
    mine = {
        "PATH": "/bin",
        "AWS_PROFILE": "work",
        "AWS_SESSION_TOKEN": "secret",
        "AWS_ENDPOINT_URL_S3": "https://elsewhere",
        "AWS_ACCESS_KEY_ID": "mine",
    }
    theirs = Target("dev", RUNNING).environment(mine)
    assert theirs["AWS_ENDPOINT_URL"] == RUNNING.endpoint_url
    assert theirs["AWS_ACCESS_KEY_ID"] == "test"
    assert theirs["PATH"] == "/bin"
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"} & theirs.keys()


def test_entering_the_local_cloud_takes_the_persons_settings_away() -> None:
    environ = {"AWS_PROFILE": "work"}
    Target("dev", RUNNING).enter(environ)
    assert "AWS_PROFILE" not in environ
    assert environ["AWS_ENDPOINT_URL"] == RUNNING.endpoint_url


def test_aws_keeps_the_environment_as_it_is() -> None:
    assert Target("dev", None).environment({"AWS_PROFILE": "work"}) == {"AWS_PROFILE": "work"}


@pytest.mark.parametrize(
    ("url", "nearby"),
    [("http://127.0.0.1:4566", True), ("http://localhost:1", True), ("https://aws.example", False), (None, False)],
)
def test_a_cloud_that_the_environment_names_on_this_machine_is_nearby_and_said(
    monkeypatch: pytest.MonkeyPatch, url: str | None, nearby: bool
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    if url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    target = Target("staging", None)
    assert target.nearby is nearby
    assert str(target) == (f"the cloud at {url}, stage staging" if url else "AWS, stage staging")
    assert Target("dev", RUNNING).nearby
