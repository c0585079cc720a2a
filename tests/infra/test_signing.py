"""The key that artefacts are signed with: there on request only, for who registers to sign and who serves to check."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from infra.settings import STAGES, SettingsError, choices
from tests.infra.conftest import Templates, synthesise
from tests.infra.test_approval_links import actions, only


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return synthesise(tmp_path_factory.mktemp("signed"), "prod", settings=replace(STAGES["prod"], signing=True))


def test_nothing_is_signed_unless_somebody_asks_for_it(templates: Templates) -> None:
    assert templates.resources("AWS::KMS::Key") == {}
    assert templates.functions()["register"]["Environment"]["Variables"]["RETIDE_SIGNING_KEY"] == ""


def test_register_signs_and_prepare_rollout_checks_and_nobody_else_does_either(signed: Templates) -> None:
    key = only(signed, "AWS::KMS::Key")
    assert (key["KeySpec"], key["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
    able = {action: {name for name in signed.functions() if action in actions(signed, name)} for action in KMS}
    assert able == {"kms:Sign": {"register"}, "kms:Verify": {"prepare_rollout"}}
    granted = [resource["Properties"] for resource in signed.resources("AWS::IAM::Policy").values()]
    assert sum(json.dumps(policy).count("kms:") for policy in granted) == len(KMS)
    for name in ("register", "prepare_rollout"):
        told = json.dumps(signed.functions()[name]["Environment"]["Variables"]["RETIDE_SIGNING_KEY"])
        assert "Signing" in told


KMS = ("kms:Sign", "kms:Verify")


def test_a_setting_of_the_synthesis_says_it_for_every_stage_and_is_handed_on() -> None:
    chosen = choices({"signing": "yes"})
    assert [chosen.of(stage).signing for stage in STAGES.values()] == [True] * 3
    assert chosen.context == "--context signing=yes"
    assert [choices({}).of(stage) for stage in STAGES.values()] == list(STAGES.values())
    with pytest.raises(SettingsError, match="signing cannot be 'maybe': it is yes or no"):
        choices({"signing": "maybe"})
