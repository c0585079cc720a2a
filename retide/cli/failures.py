"""Turn whatever goes wrong into one clear line with the next step; a traceback goes to a log file."""

from __future__ import annotations

import contextlib
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from retide.domain.reader import ContractError
from retide.local.interfaces import LocalCloudError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

FAILED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130

EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
UNKNOWN_KEYS: Final = frozenset({"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"})
DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


class CliError(Exception):
    """Something that the user can mend; the message is one line: what, where, and what to do next."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


class UsageProblem(CliError):
    """The command was called wrongly."""

    def __init__(self, message: str) -> None:
        super().__init__(message, USAGE)


def is_interrupt(error: Exception) -> bool:
    """DuckDB makes this of the KeyboardInterrupt that a signal raises while a query runs."""
    return type(error) is RuntimeError and str(error) == "Query interrupted"


def reason(error: Exception) -> str | None:
    """The line for an error that was foreseen, or one for each problem of a contract; None for an unforeseen one."""
    if isinstance(error, ContractError):
        return "\n".join(map(str, error.problems))
    if isinstance(error, CliError | LocalCloudError):
        return str(error)
    if type(error).__module__ == "botocore.exceptions" or _is_client_error(error):
        return _aws_reason(error)
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror.lower()}"
    return None


def _is_client_error(error: Exception) -> bool:
    exceptions = sys.modules.get("botocore.exceptions")
    return exceptions is not None and isinstance(error, exceptions.BotoCoreError | exceptions.ClientError)


def _aws_reason(error: Exception) -> str:
    from botocore import exceptions as aws

    if isinstance(error, aws.NoCredentialsError | aws.PartialCredentialsError):
        return "no AWS credentials were found: set them up (`aws configure`), or start a local cloud with `retide up`"
    if isinstance(error, aws.NoRegionError):
        return "no AWS region is chosen: set AWS_DEFAULT_REGION, or start a local cloud with `retide up`"
    if isinstance(error, aws.EndpointConnectionError | aws.ConnectTimeoutError | aws.ConnectionClosedError):
        url = error.kwargs.get("endpoint_url", "AWS")
        return f"{url} does not answer: is the cloud that you mean running? (`retide status`)"
    if isinstance(error, aws.ClientError):
        return _refusal(error)
    return f"AWS: {_one_line(str(error))}"


def _refusal(error: ClientError) -> str:
    code = error.response["Error"].get("Code", "")
    if code in EXPIRED:
        return "the AWS credentials have expired: renew them (for instance `aws sso login`)"
    if code in UNKNOWN_KEYS:
        return "AWS does not know these credentials: check AWS_PROFILE, or your access key"
    message = _one_line(error.response["Error"].get("Message", "")) or "no reason given"
    hint = "; your credentials lack that permission" if code in DENIED else ""
    return f"AWS refused {error.operation_name} ({code}): {message}{hint}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def unexpected(error: BaseException, folder: Path) -> str:
    """The line for a defect of ours: the traceback goes to a file, whose path is the answer."""
    summary = _one_line(f"{type(error).__name__}: {error}")[:200]
    path = folder / f"error-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        return f"this should not happen ({summary}); the details are in {path}"
    return f"this should not happen ({summary}); no log could be written to {folder}"
