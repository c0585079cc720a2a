"""Write down what the linter must know of scikit-learn and skl2onnx, so that it needs neither of them to run.

`python -m scripts.library_facts` after a new version of either; a test compares the file with what is installed.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

TARGET: Final = Path(__file__).resolve().parent.parent / "retide/lint/library_facts.json"
LIBRARIES: Final = ("scikit-learn", "skl2onnx")


def collect() -> dict[str, Any]:
    """What of scikit-learn converts, and what of it draws random numbers; a name is unique within the library."""
    from sklearn.utils.discovery import all_estimators, all_functions

    estimators, functions, splitters = dict(all_estimators()), dict(all_functions()), dict(_splitters())
    drawing = {**estimators, **functions, **splitters}
    return {
        "versions": {library: version(library) for library in LIBRARIES},
        "convertible": sorted(_convertible(estimators)),
        "inconvertible": sorted(estimators.keys() - _convertible(estimators)),
        "splitters": sorted(splitters),
        "random_estimators": _openly_random(estimators),
        "random_others": _openly_random({name: drawing[name] for name in drawing if name not in estimators}),
    }


def _convertible(estimators: dict[str, type]) -> set[str]:
    """The registry itself: `supported_converters()` knows several estimators by the name of one only."""
    from skl2onnx._supported_operators import sklearn_operator_name_map

    return {name for name, kind in estimators.items() if kind in sklearn_operator_name_map}


def _splitters() -> Iterator[tuple[str, type]]:
    from sklearn import model_selection

    for name, kind in vars(model_selection).items():
        if inspect.isclass(kind) and hasattr(kind, "split") and not name.startswith("Base"):
            yield name, kind


def _openly_random(callables: dict[str, Callable[..., Any]]) -> dict[str, dict[str, Any]]:
    """Of what draws differently each time unless told: where `random_state` stands, and whether only when it shuffles.

    `position` is the place among positional arguments, or null where it must be named.
    """
    found = {}
    for name, drawn in sorted(callables.items()):
        parameters = inspect.signature(drawn).parameters
        seed = parameters.get("random_state")
        if seed is not None and seed.default is None:
            shuffle = parameters.get("shuffle")
            found[name] = {
                "position": None if seed.kind is seed.KEYWORD_ONLY else list(parameters).index("random_state"),
                "only_shuffling": shuffle is not None and shuffle.default is False,
            }
    return found


def main() -> None:
    TARGET.write_text(json.dumps(collect(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
