"""The refusals that CodePipeline words."""

from __future__ import annotations

from typing import Final

from retide.local import errors
from retide.local.errors import ApiError

FOLDER: Final = "retide/local/codepipeline"


def structure(message: str) -> ApiError:
    """The parts of a pipeline do not fit together."""
    return ApiError("InvalidStructureException", message)


def stage_declaration(message: str) -> ApiError:
    return ApiError("InvalidStageDeclarationException", message)


def action_declaration(message: str) -> ApiError:
    return ApiError("InvalidActionDeclarationException", message)


def no_pipeline(name: str) -> ApiError:
    return ApiError("PipelineNotFoundException", f"Account '000000000000' does not have a pipeline with name '{name}'")


def no_execution(pipeline: str, execution: str) -> ApiError:
    return ApiError(
        "PipelineExecutionNotFoundException", f"The pipeline {pipeline} has no execution with the id {execution}"
    )


def no_stage(pipeline: str, stage: str) -> ApiError:
    return ApiError("StageNotFoundException", f"The pipeline {pipeline} has no stage with the name {stage}")


def conflict(code: str, message: str) -> ApiError:
    """What was asked does not fit the state that things are in."""
    return ApiError(code, message)


def not_supported(what: str) -> ApiError:
    return errors.not_supported(what, FOLDER)
