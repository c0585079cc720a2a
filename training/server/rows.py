"""Answer many rows of which some are wrong: each has a prediction, or says in its own place why it has none."""

# Beside a model this package is called `server`, here `training.server`.
# ruff: noqa: TID252

from __future__ import annotations

from collections.abc import Callable, Sequence

from .answers import Prediction
from .errors import RequestError

type Predict = Callable[[bytes], Sequence[Prediction]]


def answered(body: bytes, predict: Predict) -> list[Prediction]:
    """JSON Lines in, one answer a line out. Where one line is refused, the lines are asked in halves."""
    lines = [line for line in body.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]
    if not lines:
        raise RequestError("send one record on each line")
    return _halves(lines, predict)


def _halves(lines: Sequence[bytes], predict: Predict) -> list[Prediction]:
    try:
        return list(predict(b"\n".join(lines)))
    except RequestError as error:
        if len(lines) == 1:
            return [{"error": error.to_dict()}]
    middle = len(lines) // 2
    return _halves(lines[:middle], predict) + _halves(lines[middle:], predict)
