"""How CodeBuild refuses a request, and why a phase of a build fails."""

from __future__ import annotations

from typing import Final

from retide.local import errors
from retide.local.errors import ApiError

FOLDER: Final = "retide/local/codebuild"

COMMAND_ERROR: Final = "COMMAND_EXECUTION_ERROR"
CLIENT_ERROR: Final = "CLIENT_ERROR"
YAML_ERROR: Final = "YAML_FILE_ERROR"
PARAMETER_ERROR: Final = "Decrypted Variables Error"
SECRET_ERROR: Final = "Secrets Manager Error Message"  # noqa: S105 - AWS's code for it
INTERNAL_ERROR: Final = "INTERNAL_SERVICE_ERROR"


class PhaseFailed(Exception):
    """A phase ends as FAILED, with AWS's code and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def invalid_input(message: str) -> ApiError:
    return ApiError("InvalidInputException", message)


def missing(message: str) -> ApiError:
    return ApiError("ResourceNotFoundException", message)


def taken(message: str) -> ApiError:
    return ApiError("ResourceAlreadyExistsException", message)


def limit_exceeded(message: str) -> ApiError:
    return ApiError("AccountLimitExceededException", message)


def not_supported(what: str) -> ApiError:
    return errors.not_supported(what, FOLDER)
