"""The estimators that parameters make: a user's own, or the default ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retide.domain.contract import Contract
from retide.domain.tuning import Space
from training import boosting, defaults, fitting, user_code
from training.errors import JobError


@dataclass(frozen=True, slots=True)
class Option:
    """An estimator that can be fitted, and exactly the parameters that it was built with."""

    name: str
    params: Mapping[str, Any]
    estimator: Any


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the estimators of parameters: the user's own, or the default ones; `empty` are features without a value."""

    file: Path
    contract: Contract
    names: list[str]
    seed: int
    empty: list[str]

    @property
    def space(self) -> Space:
        """What is tried where there is a search; raises JobError where that is for the contract to say."""
        tuning = self.contract.tuning
        if self.file.is_file() and not tuning.space:
            raise JobError(
                f"tuning.candidates is {tuning.candidates}, and tuning.space is empty: say there which of the params "
                f"that {user_code.shown(self.file)} reads are to be tried, and between which values."
            )
        return tuning.space or defaults.space(self.contract)

    def make(self, params: Mapping[str, Any]) -> list[Option]:
        if self.contract.training.distributed:
            return [self._option(boosting.NAME, params, boosting.pipeline(self.contract, params))]
        if self.file.is_file():
            return [self._option(self.file.name, params, user_code.build(self.file, self.contract, dict(params)))]
        made = defaults.candidates(self.contract, params, self.empty)
        return [self._option(name, defaults.narrowed(params, name), estimator) for name, estimator in made.items()]

    def _option(self, name: str, params: Mapping[str, Any], estimator: Any) -> Option:
        return Option(name, params, fitting.prepare(estimator, self.names, self.seed))
