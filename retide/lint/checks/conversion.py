"""Whether skl2onnx has a converter for every step: what cannot be converted cannot be served."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from retide.lint.facts import FACTS, is_estimator, sklearn_name
from retide.lint.findings import Finding
from retide.lint.model import Subject
from retide.lint.names import argument

REGISTERS: Final = "update_registered_converter"
BASES: Final = ("sklearn.base.",)
METHODS: Final = frozenset({"transform", "fit_transform", "predict", "predict_proba"})


def steps_without_converter(subject: Subject) -> Iterator[Finding]:
    for call, path in subject.source.calls():
        if sklearn_name(path) in FACTS.inconvertible:
            yield subject.source.at("RT401", call, f"{sklearn_name(path)} has no converter in skl2onnx")


def python_functions(subject: Subject) -> Iterator[Finding]:
    source = subject.source
    for call, path in source.calls():
        if sklearn_name(path) != "FunctionTransformer":
            continue
        given = argument(call, "func", 0)
        value = None if given is None else source.names.value(given)
        if value is not None and not (isinstance(value, ast.Constant) and value.value is None):
            yield source.at("RT402", call, f"FunctionTransformer is given {ast.unparse(value)[:40]}")


def own_estimators(subject: Subject) -> Iterator[Finding]:
    """A class that is a step by its base or by its methods; whoever registers a converter knows what they do."""
    source = subject.source
    if any(path.endswith(f".{REGISTERS}") for _, path in source.references()):
        return
    for node in source.scopes.nodes():
        if isinstance(node, ast.ClassDef) and _is_step(subject, node):
            yield source.at("RT403", node, f"class {node.name} is a step of its own")


def _is_step(subject: Subject, node: ast.ClassDef) -> bool:
    bases = [subject.source.names.path(base) or "" for base in node.bases]
    if any(base.startswith(BASES) or is_estimator(base) for base in bases):
        return True
    methods = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
    return "fit" in methods and bool(methods & METHODS)
