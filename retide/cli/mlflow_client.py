"""Runs in the environment of MLflow and of nothing else: writes one run, which it is given as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import mlflow


def main() -> int:
    """`open` only finds or makes the experiment; `write` adds the run to it."""
    action, told = sys.argv[1], json.load(sys.stdin)
    try:
        mlflow.set_experiment(told["experiment"])
        if action == "write":
            write(told)
    except Exception as error:  # noqa: BLE001 - a store is a server, a database or a folder, and fails in its own way
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def write(told: Mapping[str, Any]) -> None:
    """The run is over already: it began and ended when the trial did; times are milliseconds since the epoch."""
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name(told["experiment"])
    tags = {**told["tags"], "mlflow.user": told["by"]}
    run = client.create_run(experiment.experiment_id, told["began"], tags, told["name"]).info.run_id
    for name, value in told["params"].items():
        client.log_param(run, name, value)
    for name, value in told["metrics"].items():
        client.log_metric(run, name, value, told["ended"])
    client.set_terminated(run, "FINISHED", told["ended"])


if __name__ == "__main__":
    sys.exit(main())
