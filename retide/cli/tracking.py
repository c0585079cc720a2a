"""Trial runs told to MLflow, where a tracking URI says which: a server, SageMaker's managed one, or something local.

MLflow has an environment of its own, so that what it needs never meets what retide needs: it is called as a program.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from retide.cli.failures import CliError
from retide.cli.places import Places
from retide.domain.experiment import Experiment

VARIABLE: Final = "MLFLOW_TRACKING_URI"
PYTHON: Final = ".venv-mlflow/bin/python"
CLIENT: Final = Path(__file__).with_name("mlflow_client.py")
MISSING: Final = f"{VARIABLE} is set, and MLflow's client is not there: `make mlflow` installs it, or unset it"
SETTINGS: Final = {
    "MLFLOW_ALLOW_FILE_STORE": "true",  # a folder that a person names is what they want
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
}
FACTS: Final = ("dataset", "code_digest", "contract_digest", "by", "job", "champion_version")


@dataclass(frozen=True, slots=True)
class Tracker:
    """`environment` is the person's own, from before a command turned to a cloud: it reaches their server."""

    python: Path
    environment: Mapping[str, str]

    def open(self, model: str) -> None:
        """Find or make the experiment; raises CliError before anything is trained in vain."""
        self._call("open", {"experiment": experiment(model)})

    def tell(self, trial: Experiment) -> None:
        self._call("write", run(trial))

    def _call(self, action: str, told: Mapping[str, Any]) -> None:
        command = [str(self.python), "-P", str(CLIENT), action]
        variables = {**SETTINGS, **self.environment}
        done = subprocess.run(
            command, input=json.dumps(told), env=variables, capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = done.stderr.strip().splitlines()[-1:] or ["no word of it"]
            raise CliError(f"MLflow at {self.environment[VARIABLE]} cannot be told: {said[0]}")


def tracker(environ: Mapping[str, str] = os.environ, root: Path | None = None) -> Tracker | None:
    """None where nobody asked for it; raises CliError where its client is missing."""
    if not environ.get(VARIABLE):
        return None
    python = (root or Places.here(environ).root) / PYTHON
    if not python.exists():
        raise CliError(MISSING)
    return Tracker(python, dict(environ))


def experiment(model: str) -> str:
    return f"retide/{model}"


def run(trial: Experiment) -> dict[str, Any]:
    """Parameters, metrics with the champion's beside them, and the trial's origin as tags."""
    beside = {f"champion.{name}": value for name, value in trial.champion.items()}
    return {
        "experiment": experiment(trial.model),
        "name": trial.name,
        "by": trial.by,
        "began": _milliseconds(trial.started_at),
        "ended": _milliseconds(trial.ended_at),
        "params": {name: str(value) for name, value in trial.params.items()},
        "metrics": {**trial.metrics, **beside},
        "tags": {f"retide.{name}": str(getattr(trial, name)) for name in FACTS} | _files(trial),
    }


def _files(trial: Experiment) -> dict[str, str]:
    return {"retide.files": ", ".join(trial.files)} if trial.files else {}


def _milliseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000)
