"""What the ledger remembers, as values: objects, requests, the head of a model, runs, its endpoint, releases."""

from retide.domain.ledger.objects import AcceptedObject, Arrival, ClaimedObject, ObjectRecord, ObjectState, Refusal
from retide.domain.ledger.requests import Announced, Answer, Cause, Comparison, Request, Waiting
from retide.domain.ledger.rollouts import EndpointRecord, Release, Withdrawal
from retide.domain.ledger.runs import Champion, Claim, Head, RunRecord, Step

__all__ = [
    "AcceptedObject",
    "Announced",
    "Answer",
    "Arrival",
    "Cause",
    "Champion",
    "Claim",
    "ClaimedObject",
    "Comparison",
    "EndpointRecord",
    "Head",
    "ObjectRecord",
    "ObjectState",
    "Refusal",
    "Release",
    "Request",
    "RunRecord",
    "Step",
    "Waiting",
    "Withdrawal",
]
