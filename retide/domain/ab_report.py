"""What is known of an A/B test: both versions' answers, where they differ, and which of them were right."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retide.domain.ab_quality import Gain, Prediction, Score, paired, two_samples
from retide.domain.answers import departure
from retide.domain.captured import Captured
from retide.domain.ledger import AbTest
from retide.domain.psi import Shift

Answers = Mapping[str, Prediction]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of requests that both versions answered: `same` labels of so many, or how far apart their values are."""

    answers: int
    same: int | None = None
    mean_difference: float | None = None
    largest_difference: float | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """One version's answers: all that were captured, those of rows that are known, and those whose truth is."""

    version: int
    answers: int
    known: int
    scored: int


@dataclass(frozen=True, slots=True)
class Report:
    """`shift` is how far the challenger's answers as a whole depart from the champion's; None: too few, as for `gain`.

    `unread` are captured answers that are no JSON.
    """

    test: AbTest
    champion: Side
    challenger: Side
    score: str
    agreement: Agreement | None
    shift: Shift | None
    gain: Gain | None
    unread: int = 0


def report(
    test: AbTest,
    lines: Iterable[Captured | None],
    truth: Mapping[str, Any],
    ids: Sequence[str],
    score: Score,
) -> Report:
    """Each row counts once for a version, however often it was asked for: its first answer."""
    found = [line for line in lines if line is None or _during(test, line)]
    seen = [line for line in found if line is not None]
    old, new = (_answers(seen, version) for version in (test.champion, test.challenger))
    before, now = (_keyed(seen, version, ids) for version in (test.champion, test.challenger))
    both = [(before[key], now[key]) for key in before if key in now]
    return Report(
        test,
        _side(test.champion, old, before, truth),
        _side(test.challenger, new, now, truth),
        score.name,
        _agreement(both) if test.shadow and both else None,
        departure(old, new),
        _gain(test, before, now, truth, score),
        len(found) - len(seen),
    )


def _during(test: AbTest, line: Captured) -> bool:
    """SageMaker tells the time to the second."""
    return test.began_at[:19] <= line.at[:19] and (not test.ended_at or line.at[:19] <= test.ended_at[:19])


def _answers(seen: Iterable[Captured], version: int) -> list[Prediction]:
    return [answer for line in seen if line.version == str(version) for answer in line.predictions]


def _keyed(seen: Iterable[Captured], version: int, ids: Sequence[str]) -> dict[str, Prediction]:
    found: dict[str, Prediction] = {}
    for line in sorted((one for one in seen if one.version == str(version)), key=lambda one: one.at):
        for key, answer in zip(line.keys(ids), line.predictions, strict=True):
            if key is not None:
                found.setdefault(key, answer)
    return found


def _side(version: int, answers: Sequence[Prediction], keyed: Answers, truth: Mapping[str, Any]) -> Side:
    return Side(version, len(answers), len(keyed), sum(key in truth for key in keyed))


def _agreement(both: Sequence[tuple[Prediction, Prediction]]) -> Agreement:
    if all("value" in one for pair in both for one in pair):
        apart = [abs(float(new["value"]) - float(old["value"])) for old, new in both]
        return Agreement(len(both), None, math.fsum(apart) / len(apart), max(apart))
    return Agreement(len(both), sum(old.get("label") == new.get("label") for old, new in both))


def _gain(test: AbTest, before: Answers, now: Answers, truth: Mapping[str, Any], score: Score) -> Gain | None:
    """A shadow is compared row by row; of an A/B test a row that both versions answered counts for both."""
    if test.shadow:
        shared = [key for key in before if key in now and key in truth]
        sides = [[score.of(answers[key], truth[key]) for key in shared] for answers in (before, now)]
        return paired(*sides, higher=score.higher)
    sides = [[score.of(answers[key], truth[key]) for key in answers if key in truth] for answers in (before, now)]
    return two_samples(*sides, higher=score.higher)
