"""How much of the target one column gives away, and what a constant answer scores: plain sums over a small sample."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

type Pairs = Sequence[tuple[object, object]]


def is_renaming(pairs: Pairs) -> bool:
    """Whether each value stands for one label and each label for one value."""
    there, back = dict(pairs), {label: value for value, label in pairs}
    return len(there) == len(back) and all(there[value] == label and back[label] == value for value, label in pairs)


def skill(pairs: Pairs) -> float:
    """How much better than the most frequent label the other rows with the same value foretell each row's: 1 is all."""
    groups: dict[object, Counter[object]] = defaultdict(Counter)
    for value, label in pairs:
        groups[value][label] += 1
    hits = sum(_foretold(groups[value], label) for value, label in pairs) / len(pairs)
    most = max(Counter(label for _, label in pairs).values()) / len(pairs)
    return (hits - most) / (1 - most) if most < 1 else 0.0


def _foretold(group: Counter[object], label: object) -> bool:
    others = group - Counter([label])
    return bool(others) and others.most_common(1)[0][0] == label


def separation(pairs: Sequence[tuple[float, object]], label: object) -> float:
    """The area under the curve of one number for one label, whichever way it points: 1 separates wholly."""
    order = sorted(pairs, key=lambda pair: pair[0])
    ranks = _ranks([value for value, _ in order])
    own = [rank for rank, (_, seen) in zip(ranks, order, strict=True) if seen == label]
    rest = len(order) - len(own)
    if not own or not rest:
        return 0.5
    area = (sum(own) - len(own) * (len(own) + 1) / 2) / (len(own) * rest)
    return max(area, 1 - area)


def rank_correlation(pairs: Sequence[tuple[float, float]]) -> float:
    """Spearman's, without its sign; 0 where one side does not vary."""
    return abs(correlation(list(zip(_ranked([x for x, _ in pairs]), _ranked([y for _, y in pairs]), strict=True))))


def correlation(pairs: Sequence[tuple[float, float]]) -> float:
    """Pearson's; 0 where one side does not vary."""
    mean_x, mean_y = (sum(side) / len(pairs) for side in zip(*pairs, strict=True))
    spread_x = sum((x - mean_x) * (x - mean_x) for x, _ in pairs)
    spread_y = sum((y - mean_y) * (y - mean_y) for _, y in pairs)
    shared = sum((x - mean_x) * (y - mean_y) for x, y in pairs)
    spread = math.sqrt(spread_x) * math.sqrt(spread_y)
    return shared / spread if spread > 0 else 0.0


def _ranked(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = _ranks([values[i] for i in order])
    placed = dict(zip(order, ranks, strict=True))
    return [placed[i] for i in range(len(values))]


def _ranks(ordered: Sequence[float]) -> list[float]:
    """Ranks from 1 of ordered values; equal ones share the mean of theirs."""
    ranks: list[float] = []
    while len(ranks) < len(ordered):
        start = len(ranks)
        end = start
        while end < len(ordered) and ordered[end] == ordered[start]:
            end += 1
        ranks.extend([(start + 1 + end) / 2] * (end - start))
    return ranks


def constant_classification(metric: str, shares: Mapping[object, float], positive: object) -> float | None:
    """What saying the same shares of every row scores; `positive` is the second of two labels."""
    most = max(shares.values())
    known = {
        "roc_auc": 0.5,
        "accuracy": most,
        "pr_auc": shares.get(positive, 0.0) if len(shares) == 2 else 1 / len(shares),
        "log_loss": -sum(share * math.log(share) for share in shares.values()),
        "brier": (1 - sum(share**2 for share in shares.values())) / 2,
    }
    return known.get(metric)


def constant_regression(metric: str, values: Sequence[float]) -> float | None:
    """What always saying the mean scores."""
    mean = sum(values) / len(values)
    squares = sum((value - mean) * (value - mean) for value in values) / len(values)
    known = {"rmse": math.sqrt(squares), "mae": sum(abs(value - mean) for value in values) / len(values), "r2": 0.0}
    return known.get(metric)
