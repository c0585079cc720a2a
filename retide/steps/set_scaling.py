"""Set scaling: say how many instances the endpoint may have, as the contract wants it, or that it is a fixed number."""

from __future__ import annotations

from dataclasses import dataclass

from retide.domain import hosting
from retide.domain.contract import Serving
from retide.domain.hosting import VARIANT
from retide.ledger import Ledger
from retide.ports import Endpoints, Scalers


@dataclass(frozen=True, slots=True)
class SetScalingRequest:
    """With `hold`, nothing scales any more: SageMaker changes the type of no instances that do."""

    model: str
    fence: int
    endpoint: str
    hold: bool = False


@dataclass(frozen=True, slots=True)
class ScalingSet:
    outcome: str


@dataclass(frozen=True, slots=True)
class SettingScaling:
    """The ports that it works with, and how the model is served."""

    ledger: Ledger
    endpoints: Endpoints
    scalers: Scalers
    serving: Serving


def set_scaling(request: SetScalingRequest, parts: SettingScaling) -> ScalingSet:
    """To be called by whoever holds the endpoint; repeated, it says the same. Raises Fenced."""
    parts.ledger.check_endpoint(request.model, request.fence)
    scaling = None if request.hold else hosting.scaling(parts.serving)
    if scaling is None or parts.endpoints.describe(request.endpoint) is None:
        parts.scalers.stop(request.endpoint, VARIANT)
        return ScalingSet("held" if request.hold else "fixed")
    parts.scalers.keep(request.endpoint, VARIANT, scaling)
    return ScalingSet(f"{scaling.least} to {scaling.most} instances")
