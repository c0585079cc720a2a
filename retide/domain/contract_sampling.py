"""What a contract says of data that is larger than a training machine: which of its rows are learned from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from retide.domain.reader import Place
from retide.domain.settings import Choice, Count, Number

if TYPE_CHECKING:
    from retide.domain.contract import Contract


class Method(StrEnum):
    """`stratified` keeps the shares of the classes, or of tenths of a number; `time_decay` prefers what is newer."""

    STRATIFIED = "stratified"
    TIME_DECAY = "time_decay"


@dataclass(frozen=True, slots=True)
class Sampling:
    """At most `rows` of the training part, chosen by a hash of each row: the same rows give the same sample.

    With `time_decay` a row that is `half_life_days` older than another is half as likely to be taken.
    """

    rows: Annotated[int | None, Count("the most rows that are learned from; without it, all", 100)] = None
    method: Annotated[Method, Choice("how they are chosen", tuple(Method))] = Method.STRATIFIED
    half_life_days: Annotated[float | None, Number("of a row's chance, in days of event time", 0.001, 36_500)] = None


def look_over_sampling(contract: Contract, at: Place) -> None:
    sampling = contract.sampling
    decays = sampling.method is Method.TIME_DECAY
    if decays and sampling.half_life_days is None:
        at.below("half_life_days").problem("is missing: say after how many days a row is half as likely to be taken")
    if not decays and sampling.half_life_days is not None:
        at.below("half_life_days").problem("belongs to `method: time_decay`")
    if decays and not contract.event_time:
        at.below("method").problem("time_decay goes by event time: name the column in `event_time`")
    if sampling.rows is None and sampling != Sampling():
        at.below("rows").problem("is missing: say how many rows are taken")
