"""What a contract says of training on several instances: how many, for how many rounds, and XGBoost's parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from retide.domain.contract_settings import INSTANCE
from retide.domain.names import nearest
from retide.domain.reader import Place, shown
from retide.domain.settings import Count, Text

if TYPE_CHECKING:
    from retide.domain.contract import Contract

MOST_INSTANCES: Final = 8  # as many as the local cloud runs, so that what is deployed can be tried
POLICIES: Final = ("depthwise", "lossguide")


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers that XGBoost takes of a parameter; `above` leaves out the least one, `whole` all fractions."""

    least: float = 0.0
    most: float = math.inf
    above: bool = False
    whole: bool = False

    def take(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return False
        low = value > self.least if self.above else value >= self.least
        return low and value <= self.most and (isinstance(value, int) or not self.whole)

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        low = f"{'above' if self.above else 'of at least'} {self.least:g}"
        return f"{kind} {low}" + (f" and at most {self.most:g}" if self.most < math.inf else "")


SHARE: Final = Limits(0, 1, above=True)
PARAMS: Final[Mapping[str, Limits]] = {
    "eta": SHARE,
    "max_depth": Limits(0, 64, whole=True),
    "max_leaves": Limits(whole=True),
    "max_bin": Limits(2, 65_535, whole=True),
    "min_child_weight": Limits(),
    "gamma": Limits(),
    "lambda": Limits(),
    "alpha": Limits(),
    "max_delta_step": Limits(),
    "scale_pos_weight": Limits(above=True),
    "subsample": SHARE,
    "colsample_bytree": SHARE,
    "colsample_bylevel": SHARE,
    "colsample_bynode": SHARE,
}
GROW_POLICY: Final = "grow_policy"
OTHER_NAMES: Final[Mapping[str, str]] = {
    "learning_rate": "eta",
    "reg_lambda": "lambda",
    "reg_alpha": "alpha",
    "min_split_loss": "gamma",
    "n_estimators": "training.distributed.rounds",
    "num_round": "training.distributed.rounds",
    "seed": "training.seed",
    "random_state": "training.seed",
}


@dataclass(frozen=True, slots=True)
class Distributed:
    """XGBoost learns on all instances together, each from its share of the rows."""

    instances: Annotated[int, Count("how many instances learn together", 2, MOST_INSTANCES)]
    rounds: Annotated[int, Count("how many rounds of boosting", 1, 100_000)] = 100
    instance_type: Annotated[
        str | None,
        Text(
            "of these instances; without it that of training",
            pattern=INSTANCE,
            noun="type of instance",
            like="ml.m5.4xlarge",
        ),
    ] = None


def look_over_distributed(contract: Contract, at: Place) -> None:
    """What does not go together with several instances, and parameters that XGBoost has not."""
    if contract.training.distributed is None:
        return
    here = at.below("training.distributed")
    if contract.training.incremental:
        here.problem("and `incremental` exclude each other: each instance holds its share of the rows")
    if contract.tuning.candidates:
        here.problem("and `tuning` exclude each other: a search trains on one machine")
    for name, value in contract.params.items():
        if said := objection(name, value):
            at.below(f"params.{name}").problem(said)


def objection(name: str, value: Any) -> str | None:
    """Why XGBoost would not take this parameter, or None."""
    if name == GROW_POLICY:
        return None if value in POLICIES else f"must be {' or '.join(POLICIES)}, not {shown(value)}"
    if name in PARAMS:
        return None if PARAMS[name].take(value) else f"must be {PARAMS[name]}, not {shown(value)}"
    known = [*PARAMS, GROW_POLICY]
    near = OTHER_NAMES.get(name) or nearest(name, known)
    hint = f"it is called {near} here" if near else f"known are {', '.join(known)}"
    return f"is no parameter that `training.distributed` hands to XGBoost; {hint}"
