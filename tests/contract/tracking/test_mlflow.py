"""A trial is told to real stores of MLflow, and to servers over HTTP as they are asked by its own client."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from retide.cli.failures import CliError
from retide.cli.places import Places
from retide.cli.tracking import PYTHON, VARIABLE, Tracker, tracker
from tests.unit.cli.test_experiments import TRIAL

CLIENT: Final = Places.here().root / PYTHON
MANAGED: Final = "arn:aws:sagemaker:eu-west-1:000000000000:mlflow-tracking-server/trials"
ENDED: Final = replace(
    TRIAL,
    started_at="2026-01-01T00:00:00+00:00",
    ended_at="2026-01-01T00:01:00+00:00",
    metrics={"roc_auc": 0.9, "log_loss": 0.2},
    champion={"roc_auc": 0.8},
)
READ: Final = """
import json, mlflow
runs = mlflow.MlflowClient().search_runs([mlflow.get_experiment_by_name("retide/m").experiment_id])
print(json.dumps([
    {"name": run.info.run_name, "status": run.info.status, "ms": run.info.end_time - run.info.start_time,
     "params": run.data.params, "metrics": run.data.metrics, "tags": run.data.tags}
    for run in runs
]))
"""
pytestmark = pytest.mark.skipif(not CLIENT.exists(), reason="MLflow's client is not installed: `make mlflow`")


def of(uri: str, **more: str) -> Tracker:
    found = tracker({"PATH": os.environ["PATH"], VARIABLE: uri, **more})
    assert found is not None
    return found


def kept(uri: str) -> Any:
    """What MLflow itself reads back from a store."""
    environment = {"PATH": os.environ["PATH"], VARIABLE: uri, "MLFLOW_ALLOW_FILE_STORE": "true"}
    done = subprocess.run(
        [str(CLIENT), "-c", READ], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("store", ["file://{}/runs", "sqlite:///{}/runs.db"])
def test_a_trial_is_read_back_from_a_local_store_as_it_was_told(store: str, tmp_path: Path) -> None:
    uri = store.format(tmp_path)
    told = of(uri)
    told.open("m")
    told.tell(ENDED)
    (run,) = kept(uri)
    assert (run["name"], run["status"], run["ms"]) == ("1a2b", "FINISHED", 60_000)
    assert run["params"] == {"depth": "3"}
    assert run["metrics"] == {"roc_auc": 0.9, "log_loss": 0.2, "champion.roc_auc": 0.8}
    assert run["tags"]["retide.job"] == TRIAL.job
    assert run["tags"]["mlflow.user"] == "jane"


class Server(ThreadingHTTPServer):
    """Answers what a client asks on its way to a run, and notes how it asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.asked: list[tuple[str, dict[str, str], Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def bodies(self, call: str) -> list[Any]:
        return [body for path, _, body in self.asked if path.endswith(call)]


class Answers(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self._answer({"experiment": {"experiment_id": "1", "name": "retide/m", "lifecycle_stage": "active"}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer({"run": {"info": {"run_id": "r1", "experiment_id": "1", "status": "RUNNING"}}}, body)

    def _answer(self, found: Any, body: Any = None) -> None:
        self.server.asked.append((self.path.partition("?")[0], dict(self.headers), body))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield served
        served.shutdown()


def test_a_server_of_ones_own_is_asked_with_the_persons_own_token(server: Server) -> None:
    of(server.url, MLFLOW_TRACKING_TOKEN="secret").tell(ENDED)
    assert {headers["Authorization"] for _, headers, _ in server.asked} == {"Bearer secret"}
    assert [body["value"] for body in server.bodies("/runs/log-metric")] == [0.9, 0.2, 0.8]
    assert [body["key"] for body in server.bodies("/runs/log-parameter")] == ["depth"]
    assert server.bodies("/runs/update")[-1]["status"] == "FINISHED"


def test_a_managed_server_is_asked_by_its_arn_and_signed_for_its_region(server: Server) -> None:
    credentials = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    of(MANAGED, SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT=server.url, **credentials).tell(ENDED)
    assert server.bodies("/runs/update")[-1]["status"] == "FINISHED"
    for _, headers, _ in server.asked:
        assert headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
        assert "/eu-west-1/sagemaker-mlflow/aws4_request" in headers["Authorization"]
        assert MANAGED in headers.values()


def test_a_server_that_is_not_there_is_named_before_anything_is_trained() -> None:
    with pytest.raises(CliError, match=r"MLflow at http://127\.0\.0\.1:9 cannot be told: .*refused"):
        of("http://127.0.0.1:9").open("m")
