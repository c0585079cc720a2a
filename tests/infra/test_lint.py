"""What others know to be wrong in templates: cfn-lint's rules."""

from __future__ import annotations

from typing import Final

import pytest
from cfnlint.api import ManualArgs, lint_file  # type: ignore[import-untyped]

from tests.infra.conftest import Templates

# CDK writes a dependency on a role's policy, and with it one on the role, which the reference implies already.
OBSOLETE_DEPENDENCIES: Final = ["W3005"]


@pytest.mark.parametrize("part", ["data", "retraining", "serving"])
def test_cfn_lint_finds_nothing(templates: Templates, part: str) -> None:
    options = ManualArgs(ignore_checks=OBSOLETE_DEPENDENCIES)
    assert [str(match) for match in lint_file(templates.files[part], options)] == []
