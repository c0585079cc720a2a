"""Several instances that learn together as SageMaker jobs: how many, of which type, and under which name."""

from __future__ import annotations

from dataclasses import dataclass

from retide.domain.contract import Contract


@dataclass(frozen=True, slots=True)
class BoostingJob:
    """`job` names two jobs: the one that lays the shards out, and the one whose instances learn from them."""

    job: str
    instances: int
    instance_type: str


def boosting_job(contract: Contract, name: str) -> BoostingJob | None:
    """None where one machine trains the model."""
    training = contract.training
    if training.distributed is None:
        return None
    kind = training.distributed.instance_type or training.instance_type
    return BoostingJob(name, training.distributed.instances, kind)
