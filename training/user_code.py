"""Run a user's `model.py`, and say in plain words which of its lines went wrong."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from retide.domain.contract import Contract, Task
from training.errors import JobError

MODULE: Final = "retide_user_model"
PREDICTION: Final = {Task.CLASSIFICATION: "predict_proba", Task.REGRESSION: "predict"}


def build(file: Path, contract: Contract, params: Mapping[str, Any]) -> Any:
    """The estimator of `model.py`; raises JobError, with file and line where the code itself fails."""
    with explained(file, "cannot be loaded"):
        module = _load(file)
    if not callable(getattr(module, "build", None)):
        raise JobError(f"{shown(file)} has no function build(contract, params) that returns an estimator; add one.")
    with explained(file, "build() failed"):
        estimator = module.build(contract, params)
    for method in ("fit", PREDICTION[contract.task]):
        if not callable(getattr(estimator, method, None)):
            kind = type(estimator).__name__
            raise JobError(f"build() in {shown(file)} returned {kind}; {contract.task} needs one with {method}().")
    if contract.task is Task.REGRESSION and _tells_classes_apart(estimator):
        kind = type(estimator).__name__
        raise JobError(
            f"build() in {shown(file)} returned {kind}, a classifier; regression needs one that predicts numbers."
        )
    return estimator


def _tells_classes_apart(estimator: Any) -> bool:
    return any(callable(getattr(estimator, method, None)) for method in ("predict_proba", "decision_function"))


@contextmanager
def explained(file: Path, what: str) -> Iterator[None]:
    """Turn any error of the user's code into one sentence that names the line, and keep its traceback in the log."""
    try:
        yield
    except JobError:
        raise
    except (Exception, SystemExit) as error:
        traceback.print_exception(error, file=sys.stderr)
        raise JobError(f"{shown(file)}{_line(file, error)}: {what}: {type(error).__name__}: {_text(error)}") from error


def shown(file: Path) -> str:
    """The file as its owner knows it; a model without one has the default estimator."""
    model = file.parent.name
    return f"models/{model}/{file.name}" if file.is_file() else f"The default estimator of model {model!r}"


def _load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(MODULE, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    spec.loader.exec_module(module)
    return module


def _text(error: Exception | SystemExit) -> str:
    return error.msg if isinstance(error, SyntaxError) else str(error)


def _line(file: Path, error: Exception | SystemExit) -> str:
    """The deepest line of the file that took part, or nothing where the error arose elsewhere."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return f", line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return f", line {lines[-1]}" if lines else ""
