"""Trial runs told to MLflow, where a tracking URI says which: a server, SageMaker's managed one, or a folder."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any, Final

from retide.cli.failures import CliError
from retide.domain.experiment import Experiment

VARIABLE: Final = "MLFLOW_TRACKING_URI"
MISSING: Final = (
    f"{VARIABLE} is set, and mlflow is not installed here: install `mlflow-skinny` beside retide (with "
    "`sagemaker-mlflow` for a managed server of SageMaker), or unset the variable"
)


def tracker() -> Any | None:
    """The module, or None where nobody asked for it; raises CliError before anything is trained in vain."""
    if not os.environ.get(VARIABLE):
        return None
    try:
        return import_module("mlflow")
    except ImportError:
        raise CliError(MISSING) from None


def track(trial: Experiment, mlflow: Any) -> None:
    """One run of the experiment `retide/<model>`: parameters, metrics beside the champion's, and its origin."""
    mlflow.set_experiment(f"retide/{trial.model}")
    with mlflow.start_run(run_name=trial.name):
        mlflow.log_params({name: str(value) for name, value in trial.params.items()})
        mlflow.log_metrics(dict(trial.metrics))
        mlflow.log_metrics({f"champion.{name}": value for name, value in trial.champion.items()})
        facts = ("dataset", "code_digest", "contract_digest", "by", "job", "champion_version")
        mlflow.set_tags({f"retide.{name}": str(getattr(trial, name)) for name in facts})
