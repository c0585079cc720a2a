"""Which of two versions is better: the arithmetic, and that its bounds hold however often somebody looks."""

from __future__ import annotations

import math
import random
from statistics import fmean, variance

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.domain.ab_quality import CONFIDENCE, FEWEST, half_width, paired, score_for, two_samples

SCORES = st.lists(st.floats(-1e6, 1e6), min_size=FEWEST, max_size=80)
PAIRS = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=FEWEST, max_size=80)


@pytest.mark.parametrize(
    ("metric", "prediction", "truth", "name", "score"),
    [
        ("roc_auc", {"label": "yes"}, "yes", "accuracy", 1.0),
        ("f1", {"label": "yes"}, "no", "accuracy", 0.0),
        ("accuracy", {"label": True}, True, "accuracy", 1.0),
        ("accuracy", {"label": 3}, 3, "accuracy", 1.0),
        ("log_loss", {"probabilities": {"yes": 0.25, "no": 0.75}}, "yes", "log loss", math.log(4)),
        ("brier", {"probabilities": {"true": 0.25, "false": 0.75}}, True, "Brier score", 0.5625),
        ("mae", {"value": 3}, 5, "absolute error", 2.0),
        ("rmse", {"value": 3}, 5, "squared error", 4.0),
    ],
)
def test_an_answer_is_scored_as_near_to_the_metric_as_one_answer_can_be(
    metric: str, prediction: dict[str, object], truth: object, name: str, score: float
) -> None:
    found = score_for(metric)
    assert found.name == name
    assert found.of(prediction, truth) == pytest.approx(score)


def test_a_certain_error_has_a_finite_loss() -> None:
    assert math.isfinite(score_for("log_loss").of({"probabilities": {"no": 1.0}}, "yes"))


def test_too_few_rows_say_nothing() -> None:
    few = [1.0] * (FEWEST - 1)
    assert paired(few, few, higher=True) is None
    assert two_samples(few, [1.0] * 1000, higher=True) is None


def test_the_width_is_that_of_the_theorem_by_hand() -> None:
    """With l = -2 log 0.05 = 5.99146, r² t = l + log l + 1 = 8.78180: sqrt(2 9.7818 / 8.7818 4.13600 / 1000)."""
    assert half_width(1 / 1000, 1000) == pytest.approx(0.0959892, rel=1e-4)


def test_the_bounds_are_wider_than_those_for_one_look_and_narrow_with_the_rows() -> None:
    widths = [half_width(1 / count, count) for count in (50, 500, 5_000, 50_000)]
    assert widths == sorted(widths, reverse=True)
    assert all(width > 1.96 / math.sqrt(count) for width, count in zip(widths, (50, 500, 5_000, 50_000), strict=True))


@settings(max_examples=30)
@given(PAIRS, st.booleans())
def test_who_changes_places_turns_the_gain_round(pairs: list[tuple[float, float]], higher: bool) -> None:
    old, new = zip(*pairs, strict=True)
    there, back = paired(old, new, higher=higher), paired(new, old, higher=higher)
    assert there
    assert back
    assert (there.estimate, there.low, there.high) == pytest.approx((-back.estimate, -back.high, -back.low))


@settings(max_examples=30)
@given(SCORES, SCORES, st.booleans())
def test_the_gain_of_two_samples_is_the_difference_of_their_means(
    old: list[float], new: list[float], higher: bool
) -> None:
    found = two_samples(old, new, higher=higher)
    assert found
    assert found.low <= found.estimate <= found.high
    assert found.estimate == pytest.approx((fmean(new) - fmean(old)) * (1 if higher else -1))
    error = variance(old) / len(old) + variance(new) / len(new)
    assert found.high - found.estimate == pytest.approx(half_width(error, len(old) + len(new)), rel=1e-6, abs=1e-6)


@settings(max_examples=30)
@given(SCORES)
def test_a_version_is_neither_better_nor_worse_than_itself(scores: list[float]) -> None:
    found = paired(scores, scores, higher=True)
    assert found
    assert (found.estimate, found.verdict) == (0, "undecided")


def test_pairs_see_what_two_samples_cannot() -> None:
    """A small gain on every row, under differences between rows that are a hundred times larger."""
    chance = random.Random(7)
    old = [chance.gauss(0, 1) for _ in range(400)]
    new = [score + 0.05 + chance.gauss(0, 0.01) for score in old]
    pairs, samples = paired(old, new, higher=True), two_samples(old, new, higher=True)
    assert pairs
    assert samples
    assert (pairs.verdict, samples.verdict) == ("better", "undecided")
    worse = paired(old, new, higher=False)
    assert worse
    assert worse.verdict == "worse"


def test_who_looks_all_the_time_is_misled_no_more_often_than_promised() -> None:
    """1 in 20 at most over all looks together; bounds for one look would mislead every third."""
    chance, misled, naive, tests = random.Random(11), 0, 0, 300
    for _ in range(tests):
        total = squares = 0.0
        once = always = False
        for count in range(1, 2001):
            gain = float(chance.random() < 0.1) - float(chance.random() < 0.1)
            total, squares = total + gain, squares + gain * gain
            if count >= FEWEST:
                error = (squares - total * total / count) / (count - 1) / count
                once = once or abs(total / count) > 1.96 * math.sqrt(error)
                always = always or abs(total / count) > half_width(error, count)
        misled, naive = misled + always, naive + once
    assert misled / tests <= 1 - CONFIDENCE
    assert naive / tests > 4 * (1 - CONFIDENCE)
