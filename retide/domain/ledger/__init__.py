"""What the ledger remembers, as values: objects, requests, the head of a model, runs, its endpoint, releases."""

from retide.domain.ledger.ab_tests import AbEnding, AbTest
from retide.domain.ledger.approvals import Approval, Means, Standing
from retide.domain.ledger.batches import BatchRecord
from retide.domain.ledger.objects import AcceptedObject, Arrival, ClaimedObject, ObjectRecord, ObjectState, Refusal
from retide.domain.ledger.requests import Announced, Answer, Cause, Comparison, Request, Waiting
from retide.domain.ledger.rollouts import EndpointRecord, Release, Withdrawal
from retide.domain.ledger.runs import Champion, Claim, Head, RunRecord, Step

__all__ = [
    "AbEnding",
    "AbTest",
    "AcceptedObject",
    "Announced",
    "Answer",
    "Approval",
    "Arrival",
    "BatchRecord",
    "Cause",
    "Champion",
    "Claim",
    "ClaimedObject",
    "Comparison",
    "EndpointRecord",
    "Head",
    "Means",
    "ObjectRecord",
    "ObjectState",
    "Refusal",
    "Release",
    "Request",
    "RunRecord",
    "Standing",
    "Step",
    "Waiting",
    "Withdrawal",
]
