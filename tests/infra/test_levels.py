"""How far the template is adopted: what each level leaves out, and what it never leaves out."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.bundles import lay
from infra.settings import PATTERNS, Level, SettingsError, choices, deliverable
from retide.cli.delivery.hosting import SETTINGS
from tests.infra.conftest import Templates, synthesise

CONNECTION = "arn:aws:codeconnections:us-east-1:000000000000:connection/abc"
CHOSEN = {"repository": "ada/churn", "connection": CONNECTION}


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Level, Templates]:
    return {level: synthesise(tmp_path_factory.mktemp(f"level{level}"), "dev", level=level) for level in Level}


def _sources(templates: Templates) -> set[str]:
    """Where from anything comes in; what executions say of their ends goes to people only."""
    rules = templates.resources("AWS::Events::Rule").values()
    return {rule["Properties"]["EventPattern"]["source"][0] for rule in rules} - {"aws.states"}


def test_at_level_0_no_file_and_no_deployment_starts_anything(levels: Mapping[Level, Templates]) -> None:
    manual = levels[Level.MANUAL]
    assert _sources(manual) == {"aws.sagemaker"}, "only what a person approves comes in by itself"
    assert manual.resources("Custom::RetideCode") == {}
    assert manual.resources("AWS::Scheduler::Schedule") == {}


def test_from_level_1_on_files_and_deployed_code_start_what_they_should(levels: Mapping[Level, Templates]) -> None:
    for level in (Level.CONTINUOUS_TRAINING, Level.CI_CD):
        assert _sources(levels[level]) == {"aws.sagemaker", "aws.s3"}
        assert len(levels[level].resources("Custom::RetideCode")) > 0


def test_a_stage_says_its_level_to_whoever_asks(levels: Mapping[Level, Templates]) -> None:
    assert {level: templates.outputs("retraining")["Level"] for level, templates in levels.items()} == {
        level: str(level.value) for level in Level
    }


@pytest.mark.parametrize(("level", "approvals"), [(Level.MANUAL, {"manual"}), (Level.CONTINUOUS_TRAINING, None)])
def test_at_level_0_a_person_approves_whatever_a_contract_says(
    checkout: Path, level: Level, approvals: set[str] | None
) -> None:
    """Jobs keep the contract as it is written, and so does its digest: a change of level is no change of a model."""
    laid, usual = lay(checkout, level), _catalogue(lay(checkout, Level.CI_CD).functions)
    known = _catalogue(lay(checkout, level).functions)
    assert {entry["contract"]["policy"]["approval"] for entry in known.values()} == (approvals or _approvals(usual))
    assert {m: e["contract_digest"] for m, e in known.items()} == {m: e["contract_digest"] for m, e in usual.items()}
    with zipfile.ZipFile(laid.training) as archive:
        written = json.loads(archive.read("models/tumour/contract.json"))
    assert written == usual["tumour"]["contract"]


def _catalogue(bundle: Path) -> dict[str, Any]:
    with zipfile.ZipFile(bundle) as archive:
        known: dict[str, Any] = json.loads(archive.read("catalogue.json"))
    return known


def _approvals(known: Mapping[str, Any]) -> set[str]:
    return {entry["contract"]["policy"]["approval"] for entry in known.values()}


@pytest.mark.parametrize("level", ["0", "1"])
def test_below_level_2_there_is_no_delivery_and_the_refusal_says_what_to_do(level: str) -> None:
    with pytest.raises(SettingsError, match=f"the level is {level}: raise LEVEL"):
        deliverable(choices({**CHOSEN, "level": level}))


def test_a_delivery_without_a_repository_or_a_connection_says_what_is_missing() -> None:
    with pytest.raises(SettingsError, match="no repository is named"):
        deliverable(choices({}))
    with pytest.raises(SettingsError, match="no connection is named"):
        deliverable(choices({"repository": "ada/churn"}))
    with pytest.raises(SettingsError, match="lacks its owner"):
        deliverable(choices({"repository": "churn", "connection": CONNECTION}))
    assert deliverable(choices({"repository": "churn", "provider": "codecommit"})).repository == "churn"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("level", "3"),
        ("repository", "ada/churn; rm -rf /"),
        ("branch", "ma in"),
        ("connection", "arn:aws:s3:::bucket"),
        ("provider", "subversion"),
        ("approval", "maybe"),
        ("audit", "skip"),
        ("alarm_minutes", "61"),
        ("tests", "$(touch x)"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_its_name_and_value(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        choices({**CHOSEN, name: value})
    assert name in str(refused.value)
    assert value in str(refused.value)
    assert f"-c {name}=" in str(refused.value)


def test_what_was_overridden_is_handed_on_as_words_of_a_command_line() -> None:
    chosen = choices({**CHOSEN, "tests": "tests/unit tests/infra", "stage": "delivery", "unrelated": "x"})
    assert chosen.context == (
        f"--context connection={CONNECTION} --context repository=ada/churn --context 'tests=tests/unit tests/infra'"
    )
    assert chosen.delivery.tests == "tests/unit tests/infra"
    assert choices({}).context == ""


@pytest.mark.parametrize(
    ("written", "meant"), [("aproval", "approval"), ("repositry", "repository"), ("levels", "level")]
)
def test_a_misspelt_setting_is_refused_with_the_one_that_was_meant(written: str, meant: str) -> None:
    with pytest.raises(SettingsError, match=f"'{written}' is no setting: '{meant}' is"):
        choices({**CHOSEN, written: "x"})


def test_the_command_line_takes_the_settings_there_are() -> None:
    known_or_not_for_a_laptop = {"repository", "branch", "connection", "provider", "road"}
    assert {*SETTINGS, *known_or_not_for_a_laptop} == {"level", *PATTERNS}
