"""Which version may be tried beside the one that serves, and why another one may not: pure rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from retide.domain.ledger import EndpointRecord

PENDING: Final = "PendingManualApproval"
APPROVED: Final = "Approved"
MOST_PERCENT: Final = 50


@dataclass(frozen=True, slots=True)
class Challenger:
    """A version that is to answer beside the champion: its approval in SageMaker's words, and its gate's decision."""

    version: int
    status: str
    decision: str
    judged_against: int


def why_not(challenger: Challenger, stands: EndpointRecord, *, on_instances: bool) -> str:
    """Why this version cannot be tried beside the one that serves, and what to do; empty where it can."""
    found = (*_of_the_endpoint(stands, on_instances=on_instances), *_of_the_version(challenger, stands))
    return next(iter(found), "")


def _of_the_endpoint(stands: EndpointRecord, *, on_instances: bool) -> Iterator[str]:
    if not stands.standing:
        yield "no version serves that it could be compared with"
    elif not on_instances:
        yield (
            "the model is served without servers, and SageMaker gives a serverless endpoint one variant and no shadow: "
            "set `serving: {profile: instance}` in the contract and deploy, or compare offline with `retide batch`"
        )


def _of_the_version(challenger: Challenger, stands: EndpointRecord) -> Iterator[str]:
    version, champion = challenger.version, stands.standing
    if version <= champion:
        yield f"version {champion} serves: a challenger is newer than that"
    if version in stands.withdrawn:
        yield f"version {version} was withdrawn; it never serves again"
    if challenger.decision == "rejected":
        yield f"version {version} failed its gate; nobody can be asked to trust its answers"
    if challenger.status == APPROVED:
        yield (
            f"version {version} is approved, and on its way to all requests: say `approval: manual` under `policy` in "
            "the contract, so that the next one waits and can be tried first"
        )
    elif challenger.status != PENDING:
        yield f"version {version} was rejected"
    if challenger.judged_against != champion:
        yield f"its gate compared version {version} with version {challenger.judged_against}, and {champion} serves"


def busy(stands: EndpointRecord) -> str:
    """Why no test can begin now, whatever the challenger; empty where one can."""
    if stands.ab_test:
        return f"the A/B test {stands.ab_test} is not over: `retide ab stop` ends it"
    return ""
