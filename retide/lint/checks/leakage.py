"""Whether something is fitted where it must not be: before a split, or in build, where there is no data to fit on."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from retide.lint.checks.randomness import FIT
from retide.lint.facts import FACTS, sklearn_name
from retide.lint.findings import Finding
from retide.lint.model import Subject
from retide.lint.scopes import Function

SPLITS: Final = frozenset(
    {
        "train_test_split",
        "cross_val_score",
        "cross_validate",
        "cross_val_predict",
        "learning_curve",
        "validation_curve",
        "permutation_test_score",
    }
)


def fits_in_build(subject: Subject) -> Iterator[Finding]:
    """A fit that no function around it was handed rows for."""
    for call, path in subject.source.calls():
        function = call.func
        if not isinstance(function, ast.Attribute) or function.attr not in FIT or subject.is_given_data(call):
            continue
        if path is None or path.startswith(("sklearn.", "<here>")):
            yield subject.source.at("RT103", call, f"{function.attr}() is called without training rows at hand")


def fits_before_splits(subject: Subject) -> Iterator[Finding]:
    """Rows that were transformed by something fitted on all of them, and are split or cross-validated afterwards."""
    tainted: dict[tuple[Function | None, str], ast.Call] = {}
    fitted: set[tuple[Function | None, str]] = set()
    for node in subject.source.scopes.nodes():
        function = subject.source.scopes.of(node).function
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            call = node.value
            if _transforms(call, {name for around, name in fitted if around is function}):
                tainted.update({(function, name): call for name in _targets(node)})
            elif not _is_split(subject, call):
                for name in _targets(node):
                    tainted.pop((function, name), None)
        if isinstance(node, ast.Call):
            fitted.update((function, name) for name in _fits(node))
            if _is_split(subject, node):
                guilty = {tainted[function, name] for name in _given(node) if (function, name) in tainted}
                yield from (_leak(subject, call, node) for call in sorted(guilty, key=lambda call: call.lineno))


def _leak(subject: Subject, call: ast.Call, split: ast.Call) -> Finding:
    said = f"{ast.unparse(call.func)[:60]}() is fitted on rows that line {split.lineno} splits afterwards"
    return subject.source.at("RT102", call, said)


def _is_split(subject: Subject, call: ast.Call) -> bool:
    path = subject.source.names.path(call.func) or ""
    if sklearn_name(path) in SPLITS:
        return True
    made, _, method = path.rpartition("().")
    return method == "split" and sklearn_name(made) in FACTS.splitters


def _transforms(call: ast.Call, fitted: set[str]) -> bool:
    if not isinstance(call.func, ast.Attribute):
        return False
    receiver = call.func.value.id if isinstance(call.func.value, ast.Name) else ""
    return call.func.attr == "fit_transform" or (call.func.attr == "transform" and receiver in fitted)


def _fits(call: ast.Call) -> Iterator[str]:
    """The name that is fitted by this call."""
    if isinstance(call.func, ast.Attribute) and call.func.attr == "fit" and isinstance(call.func.value, ast.Name):
        yield call.func.value.id


def _targets(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


def _given(call: ast.Call) -> list[str]:
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return [value.id for value in values if isinstance(value, ast.Name)]
