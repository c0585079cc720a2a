"""Where the command line finds things on this machine: the checkout, its tools, and the local cloud's home."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from retide.cli.failures import CliError

IMAGE: Final = "sagemaker-scikit-learn:1.9-0-cpu-py3"
BOOSTING_IMAGE: Final = "sagemaker-xgboost:3.0-5"
BOOSTING_PYTHON: Final = ".venv-xgboost/bin/python"


@dataclass(frozen=True, slots=True)
class Places:
    """`root` is the checkout; `home` holds everything that a local cloud writes."""

    root: Path
    home: Path

    @classmethod
    def here(cls, environ: Mapping[str, str] = os.environ) -> Places:
        root = Path(__file__).resolve().parents[2]
        return cls(root, Path(environ.get("RETIDE_HOME") or root / ".retide").absolute())

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def models(self) -> Path:
        return self.root / "training/models"

    def cdk(self) -> Path:
        return self._tool("node_modules/.bin/cdk", "the CDK command line")

    def images(self) -> Mapping[str, Path]:
        """The interpreter that stands in for each job image; raises CliError before set-up.

        That of XGBoost's image may be missing, for only models that several instances train need it.
        """
        return {
            IMAGE: self._tool(".venv-jobs/bin/python", "the jobs' environment"),
            BOOSTING_IMAGE: self.root / BOOSTING_PYTHON,
        }

    def boosting_python(self, model: str) -> Path:
        """Raises CliError where the environment is missing that the instances of this model need."""
        if not (self.root / BOOSTING_PYTHON).exists():
            raise CliError(
                f"several instances train model {model}, and what stands in for their image {BOOSTING_IMAGE} "
                f"is missing ({BOOSTING_PYTHON}): run `make xgboost`"
            )
        return self.root / BOOSTING_PYTHON

    def _tool(self, path: str, name: str) -> Path:
        if not (self.root / path).exists():
            raise CliError(f"{name} is missing ({path}): run `make setup`")
        return self.root / path
