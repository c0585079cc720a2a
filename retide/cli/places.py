"""Where the command line finds things on this machine: the checkout, its tools, and the local cloud's home."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from retide.cli.failures import CliError

IMAGE: Final = "sagemaker-scikit-learn:1.9-0-cpu-py3"


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
        """The interpreter that stands in for each job image; raises CliError before set-up."""
        return {IMAGE: self._tool(".venv-jobs/bin/python", "the jobs' environment")}

    def _tool(self, path: str, name: str) -> Path:
        if not (self.root / path).exists():
            raise CliError(f"{name} is missing ({path}): run `make setup`")
        return self.root / path
