"""The ledger: what happened to every object, request, run and release, and who may act now; rules over one table.

Every delivery may come twice and every function may be retried, so each method here can be repeated with the same
arguments and leaves the same state. What a run or a rollout writes is conditional on the fencing token of its lease.
"""

from retide.ledger.announcements import Announcements
from retide.ledger.approvals import Approvals
from retide.ledger.bases import Bases
from retide.ledger.batches import Batches
from retide.ledger.books import Bookkeeping
from retide.ledger.erasures import Erasures
from retide.ledger.heads import Heads
from retide.ledger.intake import Intake
from retide.ledger.predictions import Predictions
from retide.ledger.receipts import Receipts
from retide.ledger.reconciliations import Reconciliations
from retide.ledger.rollouts import Rollouts
from retide.ledger.runs import Runs
from retide.ledger.work import Work


class Ledger(
    Intake,
    Batches,
    Receipts,
    Erasures,
    Heads,
    Work,
    Bases,
    Runs,
    Rollouts,
    Approvals,
    Announcements,
    Reconciliations,
    Bookkeeping,
    Predictions,
):
    """All of the ledger over one table; see the bases, one for each thing that is remembered."""


__all__ = ["Ledger"]
