"""Errors of AWS that pass by themselves, under the one name that the state machines know."""

from __future__ import annotations

from typing import Final

from boto3.exceptions import RetriesExceededError, S3UploadFailedError
from botocore import exceptions
from botocore.exceptions import ClientError

from retide.aws.clients import code, detail

# botocore has a class of its own only for errors that a service's model lists; most throttling is a bare ClientError.
BUSY: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "ModelNotReadyException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
COLLISIONS: Final = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
UNREACHED: Final = (
    exceptions.ConnectionError,
    exceptions.HTTPClientError,
    exceptions.IncompleteReadError,
    RetriesExceededError,
)


class TransientError(Exception):
    """AWS was busy or out of reach, also after botocore's own attempts; the same call may succeed later."""


def passes(error: BaseException | None) -> bool:
    """Whether the same call may succeed later."""
    if isinstance(error, S3UploadFailedError):
        return passes(error.__context__)
    if isinstance(error, ClientError):
        return code(error) in BUSY or _status(error) >= 500 or collided(error)
    return isinstance(error, UNREACHED)


def collided(error: ClientError) -> bool:
    """Whether a transaction met another one, and nothing is wrong with it otherwise."""
    reasons = detail(error, "CancellationReasons") or ()
    return code(error) == "TransactionCanceledException" and any(reason.get("Code") in COLLISIONS for reason in reasons)


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
