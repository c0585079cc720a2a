"""Who takes part in the race of servers, each with one worker: how it is laid, started and asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.serving_peers.model import FEATURES

ROOT: Final = Path(__file__).parents[2]
PEERS: Final = "benchmarks.serving_peers"
# As the image's `serve` starts gunicorn, but for the address and for nginx, which is off.
IMAGE: Final = ("--timeout", "60", "-k", "gevent", "--worker-connections", "1000", "-w", "1", "--log-level", "info")

type Row = Sequence[float]


def records(row: Row) -> Any:
    return {"records": [dict(zip(FEATURES, row, strict=True))]}


def tensor(row: Row) -> Any:
    """The Open Inference Protocol, version 2."""
    asked = {"name": "predict", "shape": [1, len(row)], "datatype": "FP32", "data": list(row)}
    return {"inputs": [asked], "outputs": [{"name": "predict_proba"}]}


@dataclass(frozen=True, slots=True)
class Server:
    """`words` follow the Python of its environment; without `requirements` that is the one of jobs, the image's.

    `{port}` and `{folder}` stand for what the race gives; `lay` writes what else it needs into its folder.
    """

    name: str
    words: tuple[str, ...]
    ready: str = "/ping"
    path: str = "/invocations"
    requirements: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    document: Callable[[Row], Any] = records
    lay: Callable[[Path, int], None] = lambda _folder, _port: None
    here: bool = True
    """Whether its module is one of this project: ours is not, it travels with its model."""


def _mlserver(folder: Path, port: int) -> None:
    settings = {"parallel_workers": 0, "http_port": port, "grpc_port": port + 1, "metrics_port": port + 2}
    model = {
        "name": "raced",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(folder / "model.joblib")},
    }
    for name, content in (("settings", settings), ("model-settings", model)):
        (folder / f"{name}.json").write_text(json.dumps({**content, "debug": False} if name == "settings" else content))


def _gunicorn(module: str) -> tuple[str, ...]:
    return ("-m", "gunicorn", *IMAGE, "--bind", "127.0.0.1:{port}", "--no-control-socket", module)


OURS: Final = Server("ours", _gunicorn("server.wsgi:app"), environment={"RETIDE_CAPTURE": "100"}, here=False)
FIELD: Final = (
    OURS,
    Server("ours, nothing captured", _gunicorn("server.wsgi:app"), here=False),
    Server("scikit-learn in the image's layout", _gunicorn(f"{PEERS}.flask_app:app")),
    Server(
        "MLServer",
        ("-c", "from mlserver.cli import main; main()", "start", "{folder}"),
        ready="/v2/health/ready",
        path="/v2/models/raced/infer",
        requirements=("mlserver", "mlserver-sklearn", "scikit-learn", "joblib"),
        document=tensor,
        lay=_mlserver,
    ),
    Server(
        "BentoML",
        ("-m", "bentoml", "serve", f"{PEERS}.bento_app:Classifier", "--host", "127.0.0.1", "--port", "{port}"),
        ready="/readyz",
        requirements=("bentoml", "scikit-learn"),
        environment={"BENTOML_DO_NOT_TRACK": "True"},
    ),
    Server(
        "FastAPI + ONNX",
        ("-m", "uvicorn", f"{PEERS}.fastapi_app:app", "--host", "127.0.0.1", "--port", "{port}", "--no-access-log"),
        requirements=("fastapi", "uvicorn[standard]", "onnxruntime", "numpy"),
    ),
)
SKLEARN: Final = frozenset({"scikit-learn in the image's layout", "MLServer", "BentoML"})
