"""Which columns the code names, and whether the contract hands them to the estimator."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from retide.domain.contract import ColumnType, Contract
from retide.lint.facts import is_estimator, sklearn_name
from retide.lint.findings import Finding
from retide.lint.model import BUILD, Subject
from retide.lint.names import argument, is_open
from retide.lint.scopes import Comprehension, Function, parameters

FRAMES: Final = frozenset({"X", "Xt", "X_train", "X_test", "df", "frame", "rows", "table", "features", "data"})
TAKING_NAMES: Final = frozenset({"drop", "filter", "get", "pop", "dropna", "fillna", "groupby", "sort_values"})
MAKES_COLUMNS: Final = frozenset({"ColumnTransformer", "make_column_transformer"})
ENCODERS: Final = frozenset({"OneHotEncoder", "OrdinalEncoder", "TargetEncoder", "CountVectorizer", "TfidfVectorizer"})
UNSEEN: Final = {"OneHotEncoder": "ignore", "OrdinalEncoder": "use_encoded_value"}


@dataclass(frozen=True, slots=True)
class Named:
    """A column that the code names, and where."""

    name: str
    node: ast.expr


def columns(subject: Subject) -> Iterator[Finding]:
    """Every name of a column against the contract."""
    contract = subject.contract
    if contract is None:
        return
    made = _made_here(subject)
    named = [*(column for spec in _specs(subject) for column in _names_in(subject, spec)), *_of_frames(subject)]
    for column in named:
        if column.name not in made and "__" not in column.name:
            yield from _judged(subject, contract, column)


def _judged(subject: Subject, contract: Contract, column: Named) -> Iterator[Finding]:
    known = [found.name for found in contract.columns]
    if column.name == contract.target:
        yield subject.source.at("RT101", column.node, f"{column.name!r} is the target")
    elif column.name not in known:
        close = get_close_matches(column.name, known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        yield subject.source.at("RT301", column.node, f"the contract has no column {column.name!r}{hint}")
    elif column.name not in {feature.name for feature in contract.features}:
        yield subject.source.at("RT302", column.node, f"{column.name!r} is {_role(contract, column.name)}, no feature")


def _role(contract: Contract, name: str) -> str:
    if name in contract.id:
        return "an id"
    if name == contract.event_time:
        return "the event time"
    found = contract.column(name)
    return f"of type {found.type.value}" if found.feature else "marked `feature: false`"


def _specs(subject: Subject) -> Iterator[ast.expr]:
    """The columns' argument of every part of every ColumnTransformer."""
    for call, path in subject.source.calls():
        yield from (spec for _, spec in _parts(subject, call, path))


def _parts(subject: Subject, call: ast.Call, path: str | None) -> list[tuple[ast.expr, ast.expr]]:
    """(transformer, columns) of a ColumnTransformer; what is built at run time is left out."""
    name = sklearn_name(path)
    if name == "make_column_transformer":
        parts, size = list(call.args), 2
    elif name == "ColumnTransformer":
        given = argument(call, "transformers", 0)
        parts, size = (subject.source.names.items(given) or [] if given is not None else []), 3
    else:
        return []
    tuples = (subject.source.names.value(part) for part in parts)
    return [(t.elts[-2], t.elts[-1]) for t in tuples if isinstance(t, ast.Tuple) and len(t.elts) == size]


def _names_in(subject: Subject, spec: ast.expr) -> Iterator[Named]:
    """The texts among a part's columns, whichever way they are written."""
    text = subject.source.names.text(spec)
    if text is not None:
        yield Named(text, spec)
        return
    for element in subject.source.names.items(spec) or []:
        found = subject.source.names.text(element)
        if found is not None:
            yield Named(found, element)


def _of_frames(subject: Subject) -> Iterator[Named]:
    """`frame["age"]`, `frame[["age", "bmi"]]`, `frame.drop(columns=["age"])`, where a function is handed the frame."""
    for node in subject.source.scopes.nodes():
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and _is_frame(subject, node.value):
            yield from _names_in(subject, node.slice)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TAKING_NAMES:
            given = argument(node, "columns", 0 if node.func.attr in {"get", "pop"} else None)
            if given is not None and _is_frame(subject, node.func.value):
                yield from _names_in(subject, given)


def _is_frame(subject: Subject, node: ast.expr) -> bool:
    """A parameter that by its annotation or its name is a table; never one of build's own."""
    if not isinstance(node, ast.Name):
        return False
    found = subject.source.scopes.of(node).lookup(node.id)
    function = found[1].node if found else None
    if not isinstance(function, Function) or function is subject.build:
        return False
    notes = [given.annotation for given in parameters(function) if given.arg == node.id]
    if not notes:
        return False
    annotated = ast.unparse(notes[0]) if notes[0] is not None else ""
    return "DataFrame" in annotated or (not annotated and node.id in FRAMES)


def _made_here(subject: Subject) -> set[str]:
    """The columns that the code itself adds: `frame["ratio"] = …`, `frame.assign(ratio=…)`."""
    made: set[str] = set()
    for node in subject.source.scopes.nodes():
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            made.update(named.name for named in _names_in(subject, node.slice))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "assign":
            made.update(keyword.arg for keyword in node.keywords if keyword.arg)
    return made


def targets_by_role(subject: Subject) -> Iterator[Finding]:
    """`contract.target`, or all of `contract.columns`, among a part's columns."""
    name = subject.contract_name
    for spec in _specs(subject) if name else ():
        value = subject.source.names.value(spec)
        told = {ast.unparse(node) for node in ast.walk(value) if isinstance(node, ast.Attribute)}
        loops = [loop for node in ast.walk(value) if isinstance(node, Comprehension) for loop in node.generators]
        if f"{name}.target" in told and not loops:
            yield subject.source.at("RT101", value, f"{name}.target is among the columns")
        for loop in loops:
            conditions = " ".join(ast.unparse(condition) for condition in loop.ifs)
            if (
                ast.unparse(loop.iter) == f"{name}.columns"
                and "target" not in conditions
                and "feature" not in conditions
            ):
                yield subject.source.at(
                    "RT101", loop.iter, f"{name}.columns holds the target too: take {name}.features"
                )


def positions(subject: Subject) -> Iterator[Finding]:
    for spec in _specs(subject):
        value = subject.source.names.value(spec)
        elements = subject.source.names.items(value) or [value]
        numbers = [e for e in elements if isinstance(e, ast.Constant) and type(e.value) is int]
        is_slice = isinstance(value, ast.Call) and subject.source.names.path(value.func) == "builtins.slice"
        if numbers or is_slice:
            yield subject.source.at("RT303", spec, "columns are chosen by position, which follows the contract's order")


def unused_features(subject: Subject) -> Iterator[Finding]:
    """Only where every column that is used is written out, and nothing else passes through."""
    contract, source = subject.contract, subject.source
    made = [(call, path) for call, path in source.calls() if sklearn_name(path) in MAKES_COLUMNS]
    if contract is None or not made or not all(_is_written_out(subject, call, path) for call, path in made):
        return
    texts = {node.value for node in ast.walk(source.tree) if isinstance(node, ast.Constant) and type(node.value) is str}
    unused = [feature.name for feature in contract.features if feature.name not in texts]
    if unused:
        few = ", ".join(repr(name) for name in unused[:5]) + (f" and {len(unused) - 5} more" if len(unused) > 5 else "")
        yield source.at("RT304", made[0][0], f"no step uses {few}")


def _is_written_out(subject: Subject, call: ast.Call, path: str | None) -> bool:
    remainder = argument(call, "remainder")
    dropped = remainder is None or subject.source.names.text(remainder) == "drop"
    parts = _parts(subject, call, path)
    given = call.args if sklearn_name(path) == "make_column_transformer" else _transformers(subject, call)
    known = [isinstance(e, ast.Constant) for _, spec in parts for e in _elements(subject, spec)]
    return dropped and not is_open(call) and bool(parts) and len(parts) == len(given) and all(known)


def _transformers(subject: Subject, call: ast.Call) -> list[ast.expr]:
    given = argument(call, "transformers", 0)
    return (subject.source.names.items(given) or []) if given is not None else []


def _elements(subject: Subject, spec: ast.expr) -> list[ast.expr]:
    value = subject.source.names.value(spec)
    if isinstance(value, ast.Constant):
        return [value]
    return [subject.source.names.value(element) for element in subject.source.names.items(value) or [value]]


def unencoded_categories(subject: Subject) -> Iterator[Finding]:
    """Estimators of scikit-learn alone, and nothing among them that reads texts or chooses columns."""
    contract, build = subject.contract, subject.build
    texts = [f.name for f in contract.features if f.type is ColumnType.CATEGORY] if contract else []
    called = [path for _, path in subject.source.calls()]
    names = {sklearn_name(path) for path in called}
    helped = names & (ENCODERS | MAKES_COLUMNS | {"FunctionTransformer"})
    foreign = any(path.startswith("training.") for _, path in subject.source.imports())
    own = any(isinstance(node, ast.ClassDef) for node in subject.source.scopes.nodes())
    if texts and build is not None and any(map(is_estimator, called)) and not (helped or foreign or own):
        said = f"{', '.join(map(repr, texts[:3]))} hold texts, and no step of {BUILD} encodes them"
        yield subject.source.at("RT305", build, said)


def unseen_categories(subject: Subject) -> Iterator[Finding]:
    for call, path in subject.source.calls():
        name = sklearn_name(path)
        if name not in UNSEEN or is_open(call):
            continue
        given = argument(call, "handle_unknown")
        text = None if given is None else subject.source.names.text(given)
        if given is None or text == "error":
            yield subject.source.at("RT306", call, f"{name} without handle_unknown={UNSEEN[name]!r}")
