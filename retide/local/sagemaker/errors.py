"""The refusals that only SageMaker words."""

from __future__ import annotations

from typing import Final

from retide.local import errors
from retide.local.errors import ApiError

FOLDER: Final = "retide/local/sagemaker"


def in_use(message: str) -> ApiError:
    return ApiError("ResourceInUse", message)


def conflict(message: str) -> ApiError:
    return ApiError("ConflictException", message)


def not_supported(what: str) -> ApiError:
    return errors.not_supported(what, FOLDER)
