"""The image's own `serve` starts a trained model: as nobody, without a network, on a file system that is read-only."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from infra import bundles
from retide.domain.package import SERVING_ENVIRONMENT
from tests.serve import sandbox
from tests.training import generate
from tests.training.container import ROOT, Container
from tests.training.serving import CONTRACT, CSV, GOOD, JSON, LINES
from training.server import integrity

PYTHON: Final = ROOT / ".venv-serve/bin/python"
UNSHARE: Final = ("unshare", "--net", "--mount", "--pid", "--fork")
GIVEN: Final = {"RETIDE_CAPTURE": "100", "RETIDE_MODEL_VERSION": "7"}
REQUESTS: Final = [
    {"body": json.dumps({"records": [GOOD, {**GOOD, "region": "never seen"}]}), "kind": JSON},
    {"body": f"{json.dumps(GOOD)}\n", "kind": LINES},
    {"body": f"{','.join(GOOD)}\n1.5,3,true,north\n", "kind": CSV},
    {"body": json.dumps({**GOOD, "visits": "many"}), "kind": JSON},
    {"body": "", "kind": "text/plain"},
]


def why_not() -> str:
    """What this machine lacks for it, or nothing."""
    if shutil.which("unshare") is None:
        return "there is no `unshare` here: the sandbox is made of Linux's namespaces"
    if os.geteuid() != 0:
        return "the sandbox mounts and drops privileges, which takes root"
    tried = subprocess.run([*UNSHARE, "true"], capture_output=True, text=True, check=False)
    return f"namespaces are forbidden here: {tried.stderr.strip()}" if tried.returncode else ""


pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "nothing is lacking")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a training job leaves, where SageMaker would have unpacked it."""
    container = Container(tmp_path_factory.mktemp("trained") / "ml", CONTRACT, bundles.lay(ROOT).libs)
    container.receive(a=generate.table(CONTRACT, rows=300))
    ended = container.train()
    assert ended.code == 0, ended.log
    return container.base / "model"


@pytest.fixture(scope="module")
def met(model: Path) -> Any:
    """What the sandbox saw of one start of `serve`."""
    if not PYTHON.exists():
        pytest.fail(f"{PYTHON} is missing: `make test-serve` makes its environment")
    variables = {
        "SANDBOX_ENVIRONMENT": json.dumps(
            {**SERVING_ENVIRONMENT, **GIVEN, integrity.VARIABLE: integrity.digest(model)}
        ),
        "SANDBOX_REQUESTS": json.dumps(REQUESTS),
        "PATH": os.environ["PATH"],
    }
    command = [*UNSHARE, sys.executable, sandbox.__file__, str(PYTHON), str(model)]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_it_runs_as_nobody_without_a_network_and_can_write_to_tmp_only(met: dict[str, Any]) -> None:
    assert met["users"] == [sandbox.NOBODY]
    assert met["writable"] == ["/tmp/x"]
    assert met["reaches"] is False


def test_it_answers_in_every_form_and_refuses_in_words(met: dict[str, Any]) -> None:
    assert [answer["status"] for answer in met["answers"]] == [200, 200, 200, 400, 415]
    bodies = [json.loads(answer["body"]) for answer in met["answers"]]
    known, new = bodies[0]["predictions"]
    assert [body["predictions"] for body in bodies[1:3]] == [[known], [known]]
    assert new["label"] in ("no", "yes")
    assert bodies[3]["error"] == {"field": "visits", "value": "many", "reason": "must be a number", "row": 0}
    assert {body["version"] for body in bodies} == {"7"}


def test_what_was_answered_stands_in_its_log_beside_gunicorns_own_lines(met: dict[str, Any]) -> None:
    captured = [json.loads(line) for line in met["log"].splitlines() if line.startswith('{"captureData"')]
    asked = [record["captureData"]["endpointInput"]["data"] for record in captured]
    assert asked == [request["body"] for request in REQUESTS[:3]]
    assert "gevent" in met["log"]
    assert "Traceback" not in met["log"]


def test_nothing_was_installed_and_nothing_left_over(met: dict[str, Any]) -> None:
    assert "pip" not in met["log"]
    assert met["exit"] in (0, -15)
