"""Decide whether a retrain is worth it and what its jobs are told: pure rules over a dataset and earlier runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from retide.domain.contract import Contract, Task
from retide.domain.ledger import Cause, Champion, RunRecord
from retide.domain.profile import ColumnProfile

JOB_NAME_LIMIT: Final = 63
HYPERPARAMETER_LIMIT: Final = 2500
DECIDED: Final = frozenset({"approved", "awaiting approval", "kept", "rejected"})


class Outcome(StrEnum):
    RETRAIN = "retrain"
    UNCHANGED = "unchanged"
    INSUFFICIENT = "insufficient"


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a deployment brings to a model; `image` is repository:tag, `libs_digest` that of the jobs' locks."""

    code_digest: str
    contract_digest: str
    image: str
    libs_digest: str

    @property
    def mark(self) -> str:
        """A short name that no other recipe has."""
        parts = (self.code_digest, self.contract_digest, self.image, self.libs_digest)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    def news(self, before: Recipe) -> tuple[str, ...]:
        """What differs, in words."""
        parts = {
            "code": self.code_digest != before.code_digest,
            "contract": self.contract_digest != before.contract_digest,
            "image": self.image != before.image,
            "packages": self.libs_digest != before.libs_digest,
        }
        return tuple(name for name, new in parts.items() if new)


@dataclass(frozen=True, slots=True)
class Ingredients:
    """All that a model follows from: equal ingredients train an equal model."""

    dataset: str
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be decided; `label` is the profile of the target, `causes` why the run was started."""

    ingredients: Ingredients
    rows: int
    label: ColumnProfile | None
    causes: tuple[Cause, ...]
    champion: Champion | None
    earlier: Sequence[RunRecord] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    outcome: Outcome
    reason: str


def decide(question: Question, contract: Contract) -> Answer:
    """A person who asks is obeyed where there is enough data; all others must bring something new."""
    shortage = _shortage(question, contract)
    if shortage:
        return Answer(Outcome.INSUFFICIENT, shortage)
    repeated = None if Cause.PERSON in question.causes else _repeated(question)
    if repeated:
        return Answer(Outcome.UNCHANGED, repeated)
    return Answer(Outcome.RETRAIN, _news(question))


def _shortage(question: Question, contract: Contract) -> str | None:
    least = contract.policy.min_rows
    if question.rows < least:
        return f"the dataset has {question.rows} rows; the contract asks for at least {least} (policy.min_rows)"
    if contract.task is Task.CLASSIFICATION and question.label is not None and _classes(question.label) < 2:
        return f"every row has the same {contract.target}: a classifier needs at least two classes to tell apart"
    return None


def _classes(label: ColumnProfile) -> int:
    """How many classes there are, as far as it matters: none, one, or at least two."""
    if label.categories is not None:
        return sum(count > 0 for count in label.categories.counts.values()) + bool(label.categories.others)
    return 0 if label.numbers is None else 1 + (label.numbers.minimum < label.numbers.maximum)


def _repeated(question: Question) -> str | None:
    """Who learned the same already: the champion, or a run that was judged against this very champion."""
    champion = question.champion
    if champion and question.ingredients == ingredients_of(champion):
        return f"the champion, version {champion.version}, learned from the same data by the same code and contract"
    for run in question.earlier:
        if judged(run, champion) and ingredients_of(run) == question.ingredients:
            return f"run {run.run} learned from the same data by the same code and contract; it was {run.outcome}"
    return None


def judged(run: RunRecord, champion: Champion | None) -> bool:
    """Whether the run's challenger met this very champion (or, both, nobody) and was decided about."""
    return run.outcome in DECIDED and (run.champion or 0) == (champion.version if champion else 0)


def recipe_of(made: Champion | RunRecord) -> Recipe:
    return Recipe(made.code_digest or "", made.contract_digest or "", made.image or "", made.libs_digest or "")


def ingredients_of(made: Champion | RunRecord) -> Ingredients:
    return Ingredients(made.dataset or "", recipe_of(made))


def _news(question: Question) -> str:
    if question.champion is None:
        return "there is no champion yet"
    now, before = question.ingredients, ingredients_of(question.champion)
    data = ("data",) if now.dataset != before.dataset else ()
    changed = data + now.recipe.news(before.recipe)
    return f"new against the champion: {', '.join(changed)}" if changed else "a person asked for it"


def job_name(stage: str, run: str, deployment: str) -> str:
    """The name of both of a run's jobs, at most 63 letters, digits and dashes.

    Job names are unique in an account for ever, while a stage that was destroyed and deployed again counts its runs
    from 1: `deployment`, a name that no other deployment ever had, tells the two apart.
    """
    mark = hashlib.sha256(f"{deployment}/{stage}/{run}".encode()).hexdigest()[:6]
    return f"{f'retide-{stage}-{run}'[: JOB_NAME_LIMIT - 7].rstrip('-')}-{mark}"


def boosting_name(stage: str, run: str, deployment: str) -> str:
    """The name of the jobs that shard and boost for a run, as unique as that of its training job."""
    mark = hashlib.sha256(f"{deployment}/{stage}/{run}".encode()).hexdigest()[:6]
    return f"{f'retide-{stage}-{run}'[: JOB_NAME_LIMIT - 13].rstrip('-')}-boost-{mark}"


def hyperparameters(ingredients: Ingredients, contract: Contract) -> Mapping[str, str]:
    """What the training job is told, all of it text; raises ValueError where SageMaker takes no text so long."""
    params = json.dumps(dict(contract.params), sort_keys=True)
    if len(params) > HYPERPARAMETER_LIMIT:
        raise ValueError(
            f"the contract of {contract.model} has {len(params)} characters of params; "
            f"SageMaker takes {HYPERPARAMETER_LIMIT}: keep large settings in model.py"
        )
    return {
        "model": contract.model,
        "dataset": ingredients.dataset,
        "code_digest": ingredients.recipe.code_digest,
        "seed": str(contract.training.seed),
        "params": params,
    }
