"""The gate's decisions as curves: of how many challengers of a true gain are accepted, by metric, rows and evidence.

python gate_curve.py curves.json gate.svg
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib import pyplot as plt

NAMES: Final = {"rmse": "RMSE", "roc_auc": "ROC AUC"}
COLOURS: Final = {"non_inferior": "#1f6feb", "superior": "#d1570a"}
DASHES: Final = ("solid", "dashed", "dotted")


def panel(axes: Any, curves: list[Mapping[str, Any]]) -> None:
    """The curves of one metric; more rows first."""
    for style, curve in zip(DASHES, sorted(curves, key=lambda one: -one["rows"]), strict=False):
        gains = [point["gain"] for point in curve["points"]]
        for evidence, colour in COLOURS.items():
            accepted = [100 * point[evidence] for point in curve["points"]]
            label = f"{evidence}, {curve['rows']} rows"
            axes.plot(gains, accepted, color=colour, linestyle=style, marker="o", markersize=3, label=label)
    for height, words in ((5, "5 %: false accepts"), (80, "80 %: power")):
        axes.axhline(height, color="grey", linewidth=0.8)
        axes.text(-2.05, height + 1.5, words, fontsize=8, color="grey")
    for place in (-1, 1, 2):
        axes.axvline(place, color="lightgrey", linewidth=0.8, zorder=0)
    trials = {curve["trials"] for curve in curves}
    axes.set_title(
        f"{NAMES[curves[0]['metric']]}, {' and '.join(f'{count:,}' for count in sorted(trials))} trials a point"
    )
    axes.set_xlabel("true gain of the challenger, in margins")
    axes.grid(visible=True, axis="y", linewidth=0.3)


def main() -> None:
    source, target = map(Path, sys.argv[1:3])
    found = list(json.loads(source.read_text(encoding="utf-8")).values())
    mpl.rcParams.update({"svg.hashsalt": "retide", "font.size": 9})  # the same bytes for the same curves
    metrics = [name for name in NAMES if any(one["metric"] == name for one in found)]
    figure, axes = plt.subplots(1, len(metrics), figsize=(5.2 * len(metrics), 4), sharey=True, squeeze=False)
    for place, name in zip(axes[0], metrics, strict=True):
        panel(place, [one for one in found if one["metric"] == name])
    axes[0][0].set_ylabel("accepted, %")
    axes[0][0].legend(loc="center left", fontsize=7)
    figure.tight_layout()
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    main()
