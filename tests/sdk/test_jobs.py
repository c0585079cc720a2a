"""The SageMaker SDK, which knows nothing of the local cloud, runs jobs on it as it does on AWS."""

import io
import logging
import tarfile
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.resources import ProcessingJob, TrainingJob
from sagemaker.core.shapes.shapes import (
    AppSpecification,
    ProcessingClusterConfig,
    ProcessingInput,
    ProcessingOutput,
    ProcessingOutputConfig,
    ProcessingResources,
    ProcessingS3Input,
    ProcessingS3Output,
)
from sagemaker.core.training.configs import Compute, InputData, SourceCode
from sagemaker.core.utils.exceptions import FailedStatusError
from sagemaker.train.model_trainer import ModelTrainer

from tests.sdk.conftest import BUCKET
from tests.sdk.parts import IMAGE, ROLE, train

SCRIPT: Final = """
import argparse, os, pathlib

parser = argparse.ArgumentParser()
parser.add_argument("--factor", type=float)
rows = [line.split(",") for line in (pathlib.Path(os.environ["SM_CHANNEL_TRAIN"]) / "rows.csv").read_text().split()]
slope = sum(float(y) for _, y in rows) / sum(float(x) for x, _ in rows) * parser.parse_args().factor
(pathlib.Path(os.environ["SM_MODEL_DIR"]) / "slope.txt").write_text(str(slope))
"""


def test_the_sdk_trains_and_finds_the_model_on_s3(session: boto3.Session) -> None:
    job = train(session, "sdk-fit", hyper_parameters={"factor": "2"})
    job.wait(poll=1, timeout=60)
    job.refresh()
    key = job.model_artifacts.s3_model_artifacts.removeprefix(f"s3://{BUCKET}/")
    body = session.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        slope = tar.extractfile("slope.txt")
        assert slope is not None
        assert slope.read() == b"6.000"


def test_the_sdk_raises_the_reason_that_a_failed_job_gave(session: boto3.Session) -> None:
    with pytest.raises(FailedStatusError, match="there are no rows to learn from"):
        train(session, "sdk-fails", "none").wait(poll=1, timeout=60)


def test_the_sdk_shows_the_log_of_the_job_that_it_waits_for(
    session: boto3.Session, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    train(session, "sdk-talks").wait(poll=1, timeout=60, logs=True)

    assert "the slope is 3.000" in caplog.text


def test_the_sdk_lists_jobs_and_deletes_them(session: boto3.Session) -> None:
    for name in ("sdk-list-1", "sdk-list-2"):
        train(session, name).wait(poll=1, timeout=60)
    found = list(TrainingJob.get_all(name_contains="sdk-list", status_equals="Completed", session=session))
    assert {job.training_job_name for job in found} == {"sdk-list-1", "sdk-list-2"}

    for job in found:
        job.delete()
        job.wait_for_delete(poll=1, timeout=60)

    assert list(TrainingJob.get_all(name_contains="sdk-list", session=session)) == []


def test_the_sdk_runs_a_processing_job(session: boto3.Session) -> None:
    code = ProcessingS3Input(
        s3_uri=f"s3://{BUCKET}/code/",
        s3_data_type="S3Prefix",
        s3_input_mode="File",
        local_path="/opt/ml/processing/input/code",
    )
    said = ProcessingS3Output(
        s3_uri=f"s3://{BUCKET}/said/", local_path="/opt/ml/processing/output", s3_upload_mode="EndOfJob"
    )
    cluster = ProcessingClusterConfig(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=10)
    job = ProcessingJob.create(
        processing_job_name="sdk-capitals",
        role_arn=ROLE,
        app_specification=AppSpecification(
            image_uri=IMAGE, container_entrypoint=["python3", "/opt/ml/processing/input/code/capitals.py"]
        ),
        processing_resources=ProcessingResources(cluster_config=cluster),
        processing_inputs=[ProcessingInput(input_name="code", s3_input=code)],
        processing_output_config=ProcessingOutputConfig(outputs=[ProcessingOutput(output_name="said", s3_output=said)]),
        session=session,
    )
    assert isinstance(job, ProcessingJob)
    job.wait(poll=1, timeout=60)

    assert session.client("s3").get_object(Bucket=BUCKET, Key="said/said.txt")["Body"].read() == b"TIDE"


def trainer(session: boto3.Session, name: str, code: SourceCode, **more: Any) -> ModelTrainer:
    return ModelTrainer(
        training_image=IMAGE,
        role=ROLE,
        base_job_name=name,
        source_code=code,
        compute=Compute(instance_type="ml.m5.large", instance_count=1),
        sagemaker_session=Session(boto_session=session, default_bucket=BUCKET),
        **more,
    )


def written(folder: Path, text: str) -> str:
    """A folder of source code with one script."""
    folder.mkdir()
    (folder / "fit_slope.py").write_text(text)
    return str(folder)


def left(session: boto3.Session, job: TrainingJob) -> dict[str, bytes]:
    """The files of the model that a job left."""
    job.refresh()
    key = job.model_artifacts.s3_model_artifacts.removeprefix(f"s3://{BUCKET}/")
    body = session.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        files = {member.name.removeprefix("./"): tar.extractfile(member) for member in tar if member.isfile()}
        return {name: file.read() for name, file in files.items() if file is not None}


@pytest.mark.parametrize("how", [{"entry_script": "fit_slope.py"}, {"command": "python3 fit_slope.py --factor 10"}])
def test_the_sdks_trainer_runs_a_script_with_its_channels_and_hyperparameters(
    session: boto3.Session, tmp_path: Path, how: dict[str, str]
) -> None:
    code = SourceCode(source_dir=written(tmp_path / "source", SCRIPT), **how)
    made = trainer(session, "sdk-trainer", code, hyperparameters={"factor": 10})

    made.train(input_data_config=[InputData(channel_name="train", data_source=f"s3://{BUCKET}/rows/")], logs=False)

    assert left(session, made._latest_training_job)["slope.txt"] == b"30.0"


def test_the_sdks_trainer_raises_what_a_script_died_of(session: boto3.Session, tmp_path: Path) -> None:
    code = SourceCode(
        source_dir=written(tmp_path / "source", "raise ValueError('no rows')"), entry_script="fit_slope.py"
    )
    with pytest.raises(FailedStatusError, match=r"fit_slope\.py"):
        trainer(session, "sdk-dies", code).train(logs=False)
