"""Decide: is a retrain worth it, and what would its jobs work on?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from retide.domain import layout, retrain
from retide.domain.boosting_job import BoostingJob, boosting_job
from retide.domain.catalogue import Entry
from retide.domain.codec import parse
from retide.domain.comparison import newest
from retide.domain.contract_tuning import Where
from retide.domain.dataset import Part
from retide.domain.layout import RunId
from retide.domain.ledger import Cause, RunRecord
from retide.domain.profile import Profile
from retide.domain.record import DIED, UNFINISHED, WAITING_FOR_QUOTA, Plan
from retide.domain.retrain import Ingredients, Outcome, Question, Recipe
from retide.domain.tuning_job import ENTRY, ENTRY_TEXT, TuningJob, tuning_job, tuning_name
from retide.ledger import Ledger
from retide.ports import Jobs, ObjectGone, Objects
from retide.steps import documents

LOOK_BACK: Final = 20  # broken-off runs, whose plans are read
INSTANCES: Final = "instances"  # that learn together come first


@dataclass(frozen=True, slots=True)
class DecideRequest:
    run: str
    fence: int
    dataset: str


@dataclass(frozen=True, slots=True)
class DecideResult:
    """What the state machine hands to both jobs; `champion_job` is empty where there is no champion.

    `job` names the training job, which an earlier run may have begun; `evaluation` the processing job. `tuning` is the
    tuning job that comes before, where `search` says `jobs`; an earlier run may have begun it as well. So it may have
    begun the jobs of `boosting`, which come before where it says `instances`.
    """

    outcome: Outcome
    job: str
    evaluation: str
    hyperparameters: Mapping[str, str]
    instance_type: str
    volume_gib: int
    max_runtime_seconds: int
    champion_job: str
    code_uri: str
    code_file: str
    libs_uri: str
    search: str
    tuning: TuningJob | None
    boosting: BoostingJob | None


@dataclass(frozen=True, slots=True)
class Deployment:
    """`name` is one that no other deployment has: see `retrain.job_name`; `image` is repository:tag.

    The zips that the jobs run come from here and not from the state machine: an execution keeps the definition that it
    was started with, while a function is always of the newest deployment, and so is the digest that it writes down.
    """

    stage: str
    name: str
    code_uri: str
    libs_uri: str
    image: str
    boosting_image: str
    commit: str


def decide(
    request: DecideRequest, *, ledger: Ledger, objects: Objects, jobs: Jobs, entry: Entry, deployment: Deployment
) -> DecideResult:
    run, contract = RunId.parse(request.run), entry.contract
    ledger.check(run.model, request.fence)
    profile = _profile(objects, run.model, request.dataset)
    champion = ledger.head(run.model).champion
    recipe = Recipe(entry.code_digest, entry.contract_digest, deployment.image, entry.libs_digest)
    ingredients = Ingredients(request.dataset, recipe)
    question = Question(
        ingredients,
        profile.rows,
        profile.columns.get(contract.target),
        ledger.claimed(run).causes,
        champion,
        ledger.runs(run.model),
    )
    answer = retrain.decide(question, contract)
    own = retrain.job_name(deployment.stage, request.run, deployment.name)
    job, boosted = _begun(run, question, objects, jobs) or _trained(run, question, objects, jobs) or (own, "")
    told = dict(retrain.hyperparameters(ingredients, contract))
    boosting = boosting_job(contract, _boosting(run, question, objects, jobs, deployment)) if job == own else None
    if boosted or boosting:
        told["boosting"] = boosting.job if boosting else boosted
    name = _searched(run, question, objects, jobs) or tuning_name(deployment.stage, request.run, deployment.name)
    tuning = tuning_job(contract, name, told) if job == own else None  # who has a job already has its parameters
    compared = champion.dataset if champion and contract.drift.multivariate is not None else ""
    reference = _reference(compared if compared != request.dataset else "", run.model, objects)
    plan = _plan(answer, (job, own), question, deployment, told)
    plan = replace(plan, tuning=tuning.name if tuning else "")
    if contract.training.distributed:
        plan = replace(plan, boosting=told.get("boosting", ""), boosting_image=deployment.boosting_image)
    _write(objects, run, plan, reference)
    if tuning:
        objects.put(layout.run(str(run), run.model, f"entry/{ENTRY}"), ENTRY_TEXT.encode())
    training = contract.training
    return DecideResult(
        outcome=answer.outcome,
        job=job,
        evaluation=own,
        hyperparameters=told,
        instance_type=training.instance_type,
        volume_gib=training.volume_gib,
        max_runtime_seconds=training.max_runtime_seconds,
        champion_job=champion.job if champion else "",
        code_uri=deployment.code_uri,
        code_file=deployment.code_uri.rpartition("/")[2],
        libs_uri=deployment.libs_uri,
        search=INSTANCES if boosting else (Where.JOBS if tuning else Where.JOB).value,
        tuning=tuning,
        boosting=boosting,
    )


def _profile(objects: Objects, model: str, dataset: str) -> Profile:
    return Profile.from_dict(json.loads(objects.get(layout.dataset(model, dataset, "profile.json"))))


def _begun(run: RunId, question: Question, objects: Objects, jobs: Jobs) -> tuple[str, str] | None:
    """The training job that a broken-off run began with the very same ingredients, if it may still be of use.

    And the job of the instances whose booster it takes, if there was one.
    """
    for plan in _plans(run, question, objects):
        if _useful(run.model, plan.job, objects, jobs):
            return plan.job, plan.boosting
    return None


def _boosting(run: RunId, question: Question, objects: Objects, jobs: Jobs, deployment: Deployment) -> str:
    """The job of instances that a broken-off run began with the same ingredients, if it may be of use, or a new one."""
    for plan in _plans(run, question, objects):
        status = jobs.training_status(plan.boosting) if plan.boosting else None
        left = status == "Completed" and objects.exists(layout.booster(run.model, plan.boosting))
        if status == "InProgress" or left:
            return plan.boosting
    return retrain.boosting_name(deployment.stage, str(run), deployment.name)


def _searched(run: RunId, question: Question, objects: Objects, jobs: Jobs) -> str | None:
    """The tuning job of a broken-off run with the very same ingredients, if it may still bring parameters or did."""
    for plan in _plans(run, question, objects):
        if plan.tuning and jobs.tuning_status(plan.tuning) in {"InProgress", "Completed"}:
            return plan.tuning
    return None


def _plans(run: RunId, question: Question, objects: Objects) -> Iterator[Plan]:
    """Those of broken-off runs that were to train from the very same ingredients, the newest first."""
    broken_off = (earlier for earlier in reversed(question.earlier) if _broken_off(earlier, run, question))
    for earlier in islice(broken_off, LOOK_BACK):
        plan = documents.find(Plan, objects, RunId.parse(earlier.run), "plan.json")
        if plan and plan.outcome == Outcome.RETRAIN and _ingredients(plan) == question.ingredients:
            yield plan


def _trained(run: RunId, question: Question, objects: Objects, jobs: Jobs) -> tuple[str, str] | None:
    """The training job of a run that met another champion with the very same ingredients: it is only judged anew."""
    if Cause.PERSON in question.causes:
        return None
    decided = (earlier for earlier in reversed(question.earlier) if earlier.outcome in retrain.DECIDED)
    for earlier in decided:
        same = retrain.ingredients_of(earlier) == question.ingredients
        if same and earlier.job and _useful(run.model, earlier.job, objects, jobs):
            plan = documents.find(Plan, objects, RunId.parse(earlier.run), "plan.json")
            return earlier.job, plan.boosting if plan else ""
    return None


def _useful(model: str, job: str, objects: Objects, jobs: Jobs) -> bool:
    """Whether a job may still bring a model, or has brought one that nobody has deleted since."""
    status = jobs.training_status(job)
    return status == "InProgress" or (status == "Completed" and objects.exists(layout.artefact(model, job)))


def _broken_off(earlier: RunRecord, run: RunId, question: Question) -> bool:
    """Whether its job may be good. A person who asks again after a failure wants another one."""
    same = RunId.parse(earlier.run).generation == run.generation
    if same and (earlier.state == DIED or earlier.outcome == WAITING_FOR_QUOTA):
        return True
    return (earlier.state == DIED or earlier.outcome in UNFINISHED) and Cause.PERSON not in question.causes


def _ingredients(plan: Plan) -> Ingredients:
    return Ingredients(plan.dataset, Recipe(plan.code_digest, plan.contract_digest, plan.image, plan.libs_digest))


def _plan(
    answer: retrain.Answer,
    names: tuple[str, str],
    question: Question,
    deployment: Deployment,
    told: Mapping[str, str],
) -> Plan:
    made, champion = question.ingredients, question.champion
    return Plan(
        answer.outcome.value,
        answer.reason,
        names[0],
        made.dataset,
        question.rows,
        made.recipe.code_digest,
        made.recipe.contract_digest,
        champion.version if champion else 0,
        champion.job if champion else "",
        made.recipe.image,
        made.recipe.libs_digest,
        deployment.commit,
        names[1],
        deployment.code_uri,
        deployment.libs_uri,
        told,
    )


def _reference(dataset: str, model: str, objects: Objects) -> tuple[str, ...]:
    """The champion's data, for the job to compare new data with: its manifest, and the newest of its files."""
    if not dataset:
        return ()
    manifest = layout.dataset(model, dataset, "manifest.json")
    try:
        parts = [parse(Part, raw) for raw in json.loads(objects.get(manifest))["objects"]]
    except ObjectGone:
        return ()
    return (manifest, *(layout.curated(model, part.curated) for part in newest(parts)))


def _write(objects: Objects, run: RunId, plan: Plan, reference: tuple[str, ...]) -> None:
    """The plan, and the list of what the evaluation job is given to compare: artefacts, and the champion's data.

    The list's prefix is as long as it can be: whether SageMaker lists it, and so must be allowed to, AWS does not say.
    """
    documents.write(objects, run, "plan.json", plan)
    names = [layout.artefact(run.model, job) for job in (plan.job, plan.champion_job) if job]
    prefix = "" if reference else f"{layout.models_prefix(run.model)}/"
    listed = [{"prefix": objects.uri(prefix)}, *(name.removeprefix(prefix) for name in (*names, *reference))]
    objects.put(layout.run(str(run), run.model, "candidates.manifest"), json.dumps(listed).encode())
