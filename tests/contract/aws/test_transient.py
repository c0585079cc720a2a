"""Which errors pass by themselves, and that a state machine can tell them by their class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from botocore.stub import Stubber

from retide.aws.clients import Clients
from retide.aws.logs import observed
from retide.aws.objects import S3Objects
from retide.aws.transient import TransientError, passes


def _error(code: str, status: int = 400, **more: Any) -> ClientError:
    answer = {"Error": {"Code": code, "Message": "…"}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(answer, "Call")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "error",
    [
        _error("ThrottlingException"),
        _error("SlowDown", 503),
        _error("InternalServerError", 500),
        _error("ServiceUnavailable", 503),
        _error("TransactionInProgressException"),
        _error("TransactionCanceledException", CancellationReasons=[{"Code": "None"}, {"Code": "TransactionConflict"}]),
        EndpointConnectionError(endpoint_url="https://s3"),
        ReadTimeoutError(endpoint_url="https://s3"),
    ],
    ids=str,
)
def test_what_passes_by_itself_is_raised_under_one_name(error: Exception) -> None:
    @observed("step")
    def handler(_event: dict[str, Any], _context: object) -> None:
        raise error

    with pytest.raises(TransientError, match=type(error).__name__) as raised:
        handler({}, None)
    assert raised.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        _error("AccessDeniedException"),
        _error("ValidationException"),
        _error("TransactionCanceledException", CancellationReasons=[{"Code": "ValidationError"}]),
        NoCredentialsError(),
        ValueError("a file nobody can read"),
    ],
    ids=str,
)
def test_what_will_fail_again_keeps_its_own_name(error: Exception) -> None:
    @observed("step")
    def handler(_event: dict[str, Any], _context: object) -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        handler({}, None)
    assert raised.value is error


def test_an_upload_passes_where_what_stopped_it_does(clients: Clients, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"1")
    for code, expected in (("SlowDown", True), ("AccessDenied", False)):
        with Stubber(clients.s3) as service:
            service.add_client_error("put_object", code, http_status_code=403)
            with pytest.raises(S3UploadFailedError) as failed:
                S3Objects(clients.s3, "bucket").upload(file, "key")
        assert passes(failed.value) is expected
