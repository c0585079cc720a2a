"""What a training job is told: the hyperparameters, which SageMaker hands over as texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from retide.domain.tuning_job import TUNED_METRIC, chosen_params
from training.errors import JobError
from training.workspace import Workspace

HYPERPARAMETERS: Final = "input/config/hyperparameters.json"


@dataclass(frozen=True, slots=True)
class Settings:
    """A job that only `scores` leaves no model; `boosting` is the job of several instances whose booster it takes."""

    model: str
    dataset: str
    code_digest: str
    seed: int
    params: Mapping[str, Any]
    scores: bool = False
    boosting: str = ""

    @classmethod
    def read(cls, workspace: Workspace) -> Settings:
        raw = workspace.read_json(HYPERPARAMETERS)
        try:
            params = {**json.loads(raw["params"]), **chosen_params(raw)}
            told = raw["model"], raw["dataset"], raw["code_digest"], int(raw["seed"])
            return cls(*told, params, TUNED_METRIC in raw, raw.get("boosting", ""))
        except (KeyError, ValueError, TypeError) as error:
            raise JobError(f"The hyperparameters cannot be read: {type(error).__name__}: {error}.") from error
