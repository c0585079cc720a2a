"""Begin or end an A/B test: the ledger says what is to answer beside the deployed version, and a rollout sees to it."""

from __future__ import annotations

from typing import Final

from retide.domain.environment import package_group_name
from retide.domain.events import AbTestAsked, AbTestEnded
from retide.domain.ledger import AbEnding, AbTest, Means, Standing
from retide.domain.untrusted import UnknownMessage
from retide.steps.challengers import why_not_begun
from retide.steps.dispatcher import Dispatcher
from retide.steps.ensure_rollout import KNOWN, serve_newest
from retide.steps.settle_approval import Decision, settle_approval

BEGUN: Final = "A/B test"
ENDED: Final = "A/B test end"


def begin_ab_test(asked: AbTestAsked, parts: Dispatcher) -> str:
    """The wish alone decides: a rollout that is lost after it is started by the reconciler. Raises UnknownMessage.

    A second delivery finds the test known, and only looks after what may be lost.
    """
    known = parts.ledger.ab_test(asked.model, asked.key)
    if known is None:
        test = AbTest(
            name=asked.key,
            champion=asked.champion,
            challenger=asked.challenger,
            package=_fit(asked, parts),
            percent=asked.percent,
            by=asked.by,
            reason=asked.reason,
            asked_at=parts.now(),
        )
        if not parts.ledger.start_ab_test(asked.model, test):
            raise RuntimeError(f"what {asked.model} serves changed as an A/B test was to begin; looking again later")
    serve_newest(asked.model, parts)
    return KNOWN if known else BEGUN


def _fit(asked: AbTestAsked, parts: Dispatcher) -> str:
    """The ARN of the challenger's package; raises UnknownMessage where it cannot be tried."""
    stands = parts.ledger.endpoint(asked.model)
    if stands.standing != asked.champion:
        raise UnknownMessage(f"version {stands.standing} serves now, and not {asked.champion} as when this was asked")
    versions = parts.registry.versions(package_group_name(parts.stage, asked.model))
    arn = next((found for version, found, _ in versions if version == asked.challenger), None)
    if arn is None:
        raise UnknownMessage(f"{asked.model} has no version {asked.challenger}")
    try:
        why = why_not_begun(parts.registry.describe(arn), parts.stage, asked.model, stands)
    except LookupError as error:
        raise UnknownMessage(str(error)) from None
    if why:
        raise UnknownMessage(f"version {asked.challenger} cannot be tried: {why}")
    return arn


def finish_ab_test(asked: AbTestEnded, parts: Dispatcher) -> str:
    """The challenger answers nobody any more; with `promote` it is approved, and comes as any approved version does.

    Raises UnknownMessage. A second delivery does again what may have been lost after the first write.
    """
    outcome = AbEnding.PROMOTED if asked.promote else AbEnding.STOPPED
    ended = parts.ledger.end_ab_test(asked.model, asked.test, outcome, f"{asked.reason} ({asked.by})")
    test = parts.ledger.ab_test(asked.model, asked.test)
    if test is None:
        raise UnknownMessage(f"{asked.model} has no A/B test {asked.test!r}")
    if test.outcome != outcome:
        raise UnknownMessage(f"the A/B test {test.name} ended before that, as {test.outcome}: {test.why}")
    if asked.promote:
        _approve(test, asked, parts)
    serve_newest(asked.model, parts)
    return ENDED if ended else KNOWN


def _approve(test: AbTest, asked: AbTestEnded, parts: Dispatcher) -> None:
    decision = Decision(
        asked.model, test.challenger, test.package, Standing.APPROVED, Means.COMMAND, asked.by, asked.reason
    )
    settle_approval(decision, ledger=parts.ledger, registry=parts.registry)
