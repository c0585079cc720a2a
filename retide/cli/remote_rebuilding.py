"""Train a model again as a job of its stage: the very zips, data and settings that its certificate names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from botocore.exceptions import ClientError

from retide.aws.clients import code
from retide.cli.experiments import deployed, fresh_name, places
from retide.cli.failures import CliError
from retide.cli.jobs import JobFailed, stop, wait_for_training
from retide.cli.rebuilding import Rebuilt
from retide.cli.stage import Stage
from retide.domain import layout
from retide.domain.artefact import inspect
from retide.domain.certificate import Certificate
from retide.domain.contract import Contract
from retide.domain.job_requests import Asked, Places, job_name, training_job

ABSENT = frozenset({"NoSuchKey", "NoSuchBucket", "404"})


def train_there(stage: Stage, certificate: Certificate, folder: Path, tell: Callable[[str], None]) -> Rebuilt:
    """The job's archive, in `folder`; raises CliError with the job's own reason. An interrupt stops the job."""
    if certificate.boosting:
        raise CliError(
            f"{certificate.boosting.made.instances} instances trained {certificate.job} together, and --job starts "
            "one: leave it out, and as many processes of this machine train it again"
        )
    model, where = certificate.model, as_then(places(stage), certificate)
    job = job_name(stage.name, model, fresh_name())
    asked = Asked(job, model, layout.dataset(model, certificate.data.id, ""), certificate.hyperparameters)
    tell(f"training {model} again as the job {job} in {stage.target}")
    _run(stage, training_job(asked, _contract(stage, certificate), where))
    archive = folder / "rebuilt.tar.gz"
    stage.objects.download(f"{layout.experiments(model)}/{job}/output/model.tar.gz", None, archive)
    with archive.open("rb") as packed:
        return Rebuilt(archive, inspect(packed).members)


def as_then(now: Places, certificate: Certificate) -> Places:
    """The stage's places, with the image and the zips that the model was made by."""
    made = certificate.code
    registry = now.image.rpartition("/")[0]
    image = f"{registry}/{made.image}" if registry else made.image
    return replace(now, image=image, code=made.code_uri, libs=made.libs_uri)


def _contract(stage: Stage, certificate: Certificate) -> Contract:
    """Of the code of then: it names the instance."""
    try:
        return deployed(stage, certificate.model, certificate.code.code_uri).contract
    except ClientError as error:
        if code(error) not in ABSENT:
            raise
        raise CliError(
            f"the code that {certificate.job} ran is not there any more ({certificate.code.code_uri}): "
            "without --job it is taken from git"
        ) from None


def _run(stage: Stage, request: dict[str, object]) -> None:
    sagemaker, job = stage.clients.sagemaker, str(request["TrainingJobName"])
    sagemaker.create_training_job(**request)  # type: ignore[arg-type] # checked against the state Train in a test
    try:
        wait_for_training(sagemaker, job)
    except JobFailed as failure:
        raise CliError(str(failure)) from None
    except KeyboardInterrupt:
        stop(sagemaker, job)
        raise
