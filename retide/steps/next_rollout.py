"""Next rollout: whoever frees an endpoint asks for the version that found it taken meanwhile."""

from __future__ import annotations

from retide.domain.environment import package_group_name
from retide.domain.events import rollout_message
from retide.domain.rollout import Verdict
from retide.ledger import Ledger
from retide.ports import Queue, Registry, Status


def ask_for_next(
    model: str, version: int, attempt: int, *, ledger: Ledger, registry: Registry, queue: Queue, stage: str
) -> None:
    """The newest approved version that may serve, unless it is deployed or `version`, whose attempt ends here.

    It may be a newer one that was approved meanwhile, or an older one, where `version` was withdrawn; or the deployed
    one, beside which another challenger was asked for meanwhile, or none.
    """
    stands = ledger.endpoint(model)
    if stands.standing and not stands.as_asked and _may_ask(model, version, attempt, ledger):
        queue.send(rollout_message(model, f"after-v{version}-{attempt}"))
        return
    for found, _, status in registry.versions(package_group_name(stage, model)):
        if found <= stands.standing:
            return
        if status is Status.APPROVED and found not in stands.withdrawn:
            if found != version:
                queue.send(rollout_message(model, f"after-v{version}-{attempt}"))
            return


def _may_ask(model: str, version: int, attempt: int, ledger: Ledger) -> bool:
    """Whoever has just failed to bring a challenger, or to take it off, is followed by the reconciler, not at once."""
    ended = ledger.release(model, version, attempt)
    return version != ledger.endpoint(model).version or ended is None or ended.verdict == Verdict.PROMOTED
