"""The metrics agree with scikit-learn's, weights count rows, and the bootstrap is fair."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve

from retide.domain.contract import METRICS, Task
from retide.domain.contract_metric import REPORTED
from training import bootstrap, metrics

Case = tuple[NDArray[Any], NDArray[Any]]


@st.composite
def binary(draw: st.DrawFn) -> Case:
    """Both classes occur; scores are coarse, so that many are tied."""
    labels = [0, 1, *draw(st.lists(st.integers(0, 1), min_size=2, max_size=40))]
    ticks = draw(st.lists(st.integers(0, 16), min_size=len(labels), max_size=len(labels)))
    positive = np.array(ticks) / 16
    return np.array(labels), np.column_stack([1 - positive, positive])


@st.composite
def regression(draw: st.DrawFn) -> Case:
    number = st.integers(-1000, 1000)
    pairs = draw(st.lists(st.tuples(number, number), min_size=3, max_size=40))
    truth, scores = np.array([(0, 1), *pairs], dtype=float).T
    truth[1] = truth[0] + 1
    truth[truth == 0] = 2000  # a share of 0 is not defined
    return truth, scores[:, None]


def calibration_error(truth: Any, scores: Any) -> float:
    """From scikit-learn's reliability curve, whose bins hold their upper edges."""
    came, said = calibration_curve(truth, scores[:, 1], n_bins=10)
    counts = np.bincount(np.searchsorted(np.linspace(0, 1, 11)[1:-1], scores[:, 1]))
    return float(np.average(np.abs(came - said), weights=counts[counts > 0]))


REFERENCES: Final[dict[str, Callable[[Any, Any], float]]] = {
    "roc_auc": lambda truth, scores: reference.roc_auc_score(truth, scores[:, 1]),
    "pr_auc": lambda truth, scores: reference.average_precision_score(truth, scores[:, 1]),
    "accuracy": lambda truth, scores: reference.accuracy_score(truth, scores.argmax(axis=1)),
    "f1": lambda truth, scores: reference.f1_score(truth, scores.argmax(axis=1), zero_division=0),
    "log_loss": lambda truth, scores: reference.log_loss(truth, np.clip(scores, 1e-15, 1), labels=[0, 1]),
    "brier": lambda truth, scores: reference.brier_score_loss(truth, scores[:, 1]),
    "calibration_error": calibration_error,
    "rmse": lambda truth, scores: reference.root_mean_squared_error(truth, scores[:, 0]),
    "mae": lambda truth, scores: reference.mean_absolute_error(truth, scores[:, 0]),
    "mape": lambda truth, scores: reference.mean_absolute_percentage_error(truth, scores[:, 0]),
    "r2": lambda truth, scores: reference.r2_score(truth, scores[:, 0]),
    "coverage": lambda truth, scores: float(
        np.mean([low <= y <= high for y, (_, low, high) in zip(truth, scores, strict=True)])
    ),
}


def test_every_metric_of_a_contract_is_there() -> None:
    known = {name for task in Task for name in (*METRICS[task], *REPORTED[task])}
    assert set(metrics.MEASURES) == known == set(REFERENCES)


@pytest.mark.parametrize("name", [*METRICS[Task.CLASSIFICATION], "calibration_error"])
@settings(max_examples=60, deadline=None)
@given(case=binary())
def test_a_metric_of_two_classes_is_scikit_learns(name: str, case: Case) -> None:
    assert metrics.score(name, *case) == pytest.approx(REFERENCES[name](*case), abs=1e-9)


@pytest.mark.parametrize("name", METRICS[Task.REGRESSION])
@settings(max_examples=60, deadline=None)
@given(case=regression())
def test_a_metric_of_values_is_scikit_learns(name: str, case: Case) -> None:
    assert metrics.score(name, *case) == pytest.approx(REFERENCES[name](*case), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", [*METRICS[Task.CLASSIFICATION], "calibration_error"])
@settings(max_examples=30, deadline=None)
@given(case=binary(), seed=st.integers(0, 99))
def test_a_weight_counts_as_so_many_rows(name: str, case: Case, seed: int) -> None:
    truth, scores = case
    drawn = np.concatenate([[0, 1], np.random.default_rng(seed).integers(0, len(truth), len(truth))])
    weights = np.bincount(drawn, minlength=len(truth))[None].astype(float)
    weighted = float(metrics.MEASURES[name](truth, scores, weights)[0])
    assert weighted == pytest.approx(metrics.score(name, truth[drawn], scores[drawn]), abs=1e-9)


def test_more_classes_are_averaged_as_scikit_learn_averages_them() -> None:
    generator = np.random.default_rng(0)
    scores = generator.dirichlet(np.ones(4), 200)
    truth = generator.integers(0, 4, 200)
    area = reference.roc_auc_score(truth, scores, multi_class="ovr", average="macro")
    assert metrics.score("roc_auc", truth, scores) == pytest.approx(area)
    score = reference.f1_score(truth, scores.argmax(axis=1), average="macro")
    assert metrics.score("f1", truth, scores) == pytest.approx(score)


@pytest.mark.parametrize("name", ["f1", "accuracy"])
@settings(max_examples=60, deadline=None)
@given(case=binary(), tick=st.integers(1, 15))
def test_labels_that_are_said_from_a_threshold_on_are_judged_as_scikit_learn_judges_labels(
    name: str, case: Case, tick: int
) -> None:
    truth, scores = case
    said = (scores[:, 1] >= tick / 16).astype(int)
    expected = {
        "f1": reference.f1_score(truth, said, zero_division=0),
        "accuracy": reference.accuracy_score(truth, said),
    }
    assert metrics.score(name, truth, scores, metrics.Cutoff(tick / 16)) == pytest.approx(expected[name], abs=1e-9)


def test_a_threshold_moves_no_metric_of_probabilities() -> None:
    truth, scores = np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6]])
    plain, cut = (metrics.scores_of(Task.CLASSIFICATION, truth, scores, c) for c in (None, metrics.Cutoff(0.15)))
    assert {name for name in plain if plain[name] != cut[name]} == {"f1", "accuracy"}


def test_coverage_is_the_share_of_values_within_their_intervals_and_needs_these() -> None:
    truth = np.array([1.0, 2.0, 3.0, 4.0])
    scores = np.array([[1.0, 0.0, 2.0], [2.0, 2.0, 2.0], [9.0, 8.0, 10.0], [4.0, 3.0, 4.0]])
    assert metrics.score("coverage", truth, scores) == REFERENCES["coverage"](truth, scores) == 0.75
    assert "coverage" not in metrics.scores_of(Task.REGRESSION, truth, scores[:, :1])


def test_an_area_is_not_defined_on_one_class_and_is_left_out() -> None:
    scores = np.array([[0.4, 0.6], [0.3, 0.7]])
    found = metrics.scores_of(Task.CLASSIFICATION, np.array([1, 1]), scores)
    assert set(found) == {"accuracy", "f1", "log_loss", "brier", "pr_auc", "calibration_error"}


def test_an_error_in_percent_is_not_defined_where_a_value_is_0() -> None:
    found = metrics.scores_of(Task.REGRESSION, np.array([0.0, 2.0, 3.0]), np.array([[1.0], [2.0], [3.0]]))
    assert set(found) == {"rmse", "mae", "r2"}


def test_more_classes_are_calibrated_where_the_class_that_is_said_comes_as_often_as_it_is_said() -> None:
    scores = np.array([[0.72, 0.18, 0.1]] * 3 + [[0.05, 0.05, 0.9]])
    truth = np.array([0, 0, 1, 1])
    assert metrics.score("calibration_error", truth, scores) == pytest.approx(3 / 4 * abs(2 / 3 - 0.72) + 1 / 4 * 0.9)


def test_a_perfect_model_stays_within_its_noise_as_often_as_is_said_and_one_that_is_off_does_not() -> None:
    generator = np.random.default_rng(5)
    positive = generator.beta(2, 2, 300)
    scores = np.column_stack([1 - positive, positive])
    noise = bootstrap.calibration_noise(scores, seed=0)
    drawn = [(generator.random(300) < positive).astype(int) for _ in range(100)]
    assert 88 <= sum(metrics.score("calibration_error", truth, scores) <= noise for truth in drawn) <= 100
    off = np.column_stack([1 - positive**2, positive**2])
    assert metrics.score("calibration_error", drawn[0], off) > bootstrap.calibration_noise(off, seed=0)


def test_a_class_that_a_model_does_not_know_counts_as_wrong() -> None:
    scores = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert metrics.score("accuracy", np.array([0, -1]), scores) == 0.5
    assert metrics.score("log_loss", np.array([-1]), scores[:1]) == pytest.approx(-np.log(metrics.SMALLEST))


def differences(first: NDArray[Any], second: NDArray[Any], truth: NDArray[Any], **options: Any) -> NDArray[Any]:
    return bootstrap.paired_differences("rmse", truth, first, second, **{"count": 400, "seed": 1, **options})


def test_a_model_gains_nothing_over_itself_on_any_resample() -> None:
    truth, scores = np.arange(30.0), np.arange(30.0)[:, None] + 1
    assert not differences(scores, scores, truth).any()


def test_the_bootstrap_is_the_same_for_the_same_seed_and_draws_as_many_rows_as_there_are() -> None:
    generator = np.random.default_rng(3)
    truth, first, second = generator.normal(size=50), generator.normal(size=(50, 1)), generator.normal(size=(50, 1))
    np.testing.assert_array_equal(differences(first, second, truth), differences(first, second, truth))
    assert next(bootstrap.resamples(50, 7, 0)).sum(axis=1).tolist() == [50.0] * 7


def test_the_interval_covers_the_true_gain_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(60):
        generator = np.random.default_rng(seed)
        noise = generator.normal(size=150)
        first, second = noise[:, None], 1.5 * np.roll(noise, 1)[:, None]
        estimate = metrics.score("rmse", np.zeros(150), first) - metrics.score("rmse", np.zeros(150), second)
        found = bootstrap.gain(estimate, differences(first, second, np.zeros(150), seed=seed), 0.95, 150)
        covered += found.low <= -0.5 <= found.high
    assert 47 <= covered <= 60


def test_resamples_stay_small_however_many_rows_there_are() -> None:
    first = next(bootstrap.resamples(1_000_000, 1000, 0))
    assert first.shape == (2, 1_000_000)
