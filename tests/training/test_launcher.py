"""The launcher in the image's own environment: the real bundles, real Parquet, a folder in place of /opt/ml."""

import hashlib
import re
import signal
import subprocess
import zipfile
from pathlib import Path
from typing import Final

import pytest

from tests.patience import SLACK
from tests.training import generate
from tests.training.container import PYTHON, Container
from training import archive, launcher, train
from training.errors import JobError
from training.server.manifest import Manifest
from training.workspace import Workspace

CONTRACT: Final = generate.contract({"type": "boolean"}, metric="roc_auc")


@pytest.fixture
def container(tmp_path: Path, libs: Path) -> Container:
    made = Container(tmp_path / "ml", CONTRACT, libs)
    made.receive(a=generate.table(CONTRACT, seed=1), b=generate.table(CONTRACT, seed=2))
    return made


def temporary(folder: Path) -> dict[str, str]:
    folder.mkdir()
    return {"TMPDIR": str(folder)}


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_model_is_trained_twice_and_its_successor_evaluated_against_it(container: Container) -> None:
    archives = []
    for job in ("job-1", "job-2"):
        trained = container.train(job)
        assert (trained.code, trained.reason) == (0, ""), trained.log
        archives.append(digests(container.base / "model"))
        container.keep_model(job)
    evaluated = container.evaluate("job-2", champion="job-1")
    assert (evaluated.code, evaluated.reason) == (0, ""), evaluated.log
    document = container.output("evaluation.json")
    assert archives[0] == archives[1]
    assert document["gain"]["estimate"] == 0.0
    assert [document[who]["job"] for who in ("challenger", "champion")] == ["job-2", "job-1"]
    assert document["challenger"]["metrics"] == document["champion"]["metrics"]
    assert len(container.output("golden.json")["requests"]) == 20


def test_a_job_of_a_tuning_job_says_its_score_and_leaves_no_model(container: Container) -> None:
    container.configure(**{"_tuning_objective_metric": "score", "params.estimator": '"linear"'})
    scored = container.run("train", container.base / "output/failure", TRAINING_JOB_NAME="job-1")
    assert (scored.code, scored.reason) == (0, ""), scored.log
    (said,) = re.findall(r"score=([-+0-9.e]+);", scored.log)
    assert 0.5 < float(said) <= 1
    assert not (container.base / "model").exists()


def test_an_archive_is_data_a_manifest_and_the_server_that_serves_it(container: Container) -> None:
    assert container.train("job-1").code == 0
    manifest = Manifest.read(container.base / "model/model")
    assert (manifest.dataset, manifest.contract_digest) == ("d1", CONTRACT.digest)
    assert manifest.classes == (False, True)
    assert manifest.versions["onnx"] == "1.23.2"
    names = {path.relative_to(container.base / "model").as_posix() for path in (container.base / "model").rglob("*")}
    assert {"code/server/wsgi.py", "code/onnxruntime/__init__.py", "model/model.onnx"} <= names
    assert {path.suffix for path in (container.base / "model/model").iterdir()} == {".json", ".onnx"}
    assert not [name for name in names if name.endswith((".pkl", ".joblib"))]


def test_an_artefact_digest_covers_every_file_of_the_archive(container: Container, tmp_path: Path) -> None:
    assert container.train().code == 0
    packed = container.keep_model()
    lines = [f"{digest}  {name}\n" for name, digest in digests(container.base / "model").items()]
    expected = hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
    assert archive.unpack_artefact(packed, tmp_path / "out").digest == expected
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == ["manifest.json", "model", "model.onnx"]


def test_a_broken_model_ends_with_its_line_as_the_failure_reason(tmp_path: Path, libs: Path) -> None:
    made = Container(tmp_path / "ml", CONTRACT, libs, model="def build(contract, params):\n    return 1 / 0\n")
    made.receive(a=generate.table(CONTRACT))
    ended = made.train()
    expected = "models/example/model.py, line 2: build() failed: ZeroDivisionError: division by zero"
    assert (ended.code, ended.reason) == (1, expected)
    assert not (made.base / "model").exists()


def test_a_reason_is_one_line_of_at_most_what_sagemaker_keeps(tmp_path: Path, libs: Path) -> None:
    made = Container(tmp_path / "ml", CONTRACT, libs, model="raise ValueError('é\\n' * 5000)\n")
    made.receive(a=generate.table(CONTRACT))
    reason = made.train().reason
    assert len(reason.encode()) <= launcher.REASON_LENGTH
    assert "\n" not in reason
    assert "ValueError: é é" in reason


def workspace(container: Container) -> Workspace:
    """The inputs as the launcher hands them over, for what is refused before anything is trained."""
    code = container.base / "unpacked"
    launcher.unpack(container.channels["train"] / "code/code.zip", code)
    return Workspace(container.base, code, container.base / "runtime", {})


def test_a_dataset_other_than_the_one_asked_for_is_refused(container: Container) -> None:
    container.configure(dataset="d2")
    with pytest.raises(JobError, match="The channel holds dataset d1, the job was asked for d2"):
        train.run(workspace(container))


def test_code_other_than_the_one_asked_for_is_refused(container: Container) -> None:
    container.configure(code_digest="newer")
    with pytest.raises(JobError, match=r"holds code c, the job was asked for newer: .* in the middle of a deployment"):
        train.run(workspace(container))


def test_settings_that_cannot_be_read_are_named(container: Container) -> None:
    inputs = workspace(container)
    with pytest.raises(JobError, match=r"input/config/hyperparameters\.json cannot be read"):
        train.run(inputs)
    container.configure(params="not json")
    with pytest.raises(JobError, match="The hyperparameters cannot be read: JSONDecodeError"):
        train.run(inputs)
    container.configure(model="other")
    with pytest.raises(JobError, match="has no model 'other'"):
        train.run(inputs)


def test_a_challenger_that_is_not_there_is_named_in_the_exit_message(container: Container) -> None:
    ended = container.evaluate("job-7")
    assert ended.code == 1
    assert ended.reason.startswith("The model of job job-7 cannot be used:")


def test_missing_libraries_are_named(container: Container) -> None:
    (container.channels["train"] / "libs/libs.zip").unlink()
    assert "must hold one zip of libraries; it holds 0" in container.train().reason
    (container.channels["train"] / "libs/libs.zip").write_bytes(b"no zip")
    assert container.train().reason.startswith("The archive libs.zip cannot be unpacked:")


def test_an_archive_without_what_a_job_needs_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "libs.zip", "w") as packed:
        packed.writestr("runtime/x.py", "")
    with pytest.raises(JobError, match="holds nothing under 'convert/'"):
        launcher.unpack(tmp_path / "libs.zip", tmp_path, "convert/")


def test_an_unknown_job_is_refused_with_what_there_is(container: Container) -> None:
    command = [*container.command("train")[:-1], "serve"]
    ended = subprocess.run(command, env=container.environment({}), capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "train|shard|evaluate|validate|agree (given: ['serve'])" in ended.stderr


def test_a_job_that_is_asked_to_stop_says_so_and_leaves_nothing_behind(tmp_path: Path, libs: Path) -> None:
    text = "import sys\ndef build(contract, params):\n    print('building', flush=True)\n    sys.stdin.read()\n"
    made = Container(tmp_path / "ml", CONTRACT, libs, model=text)
    made.receive(a=generate.table(CONTRACT))
    made.configure()
    environment = made.environment({"TRAINING_JOB_NAME": "job-1", **temporary(tmp_path / "tmp")})
    pipe = subprocess.PIPE
    with subprocess.Popen(made.command("train"), env=environment, text=True, stdin=pipe, stdout=pipe) as job:
        assert job.stdout is not None
        assert job.stdout.readline() == "building\n"
        job.send_signal(signal.SIGTERM)
        assert job.wait(timeout=60 * SLACK) == 143
    assert (made.base / "output/failure").read_text() == "The job was asked to stop before it had finished."
    assert list((tmp_path / "tmp").iterdir()) == []


def test_jobs_leave_no_temporary_files(container: Container, tmp_path: Path) -> None:
    folder = temporary(tmp_path / "tmp")
    assert container.run("evaluate", container.base / "output/message", **folder).code == 1
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_interpreter_is_the_images_with_its_old_protobuf() -> None:
    asked = "from importlib.metadata import version; print(version('protobuf'), version('scikit-learn'))"
    answer = subprocess.run([PYTHON, "-c", asked], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["3.20.2", "1.9.0"]


def test_a_job_that_never_ends_is_stopped_and_says_so(tmp_path: Path, libs: Path) -> None:
    text = "import threading\ndef build(contract, params):\n    threading.Event().wait()\n"
    made = Container(tmp_path / "ml", CONTRACT, libs, model=text, limit_seconds=2)
    made.receive(a=generate.table(CONTRACT, rows=60))
    ended = made.train()
    assert (ended.code, ended.reason) == (124, "The job was stopped: it did not end within 2 seconds.")
