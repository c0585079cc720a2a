"""Whether two trainings on the same data give the same bytes: seeds, shuffles, threads, the order of sets."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from retide.lint.facts import FACTS, Randomness, sklearn_name
from retide.lint.findings import Finding
from retide.lint.model import Subject
from retide.lint.names import argument, is_open
from retide.lint.source import Source

FIT: Final = frozenset({"fit", "fit_transform", "partial_fit", "fit_predict"})
GENERATORS: Final = "default_rng|RandomState|SeedSequence|PCG64|PCG64DXSM|Philox|MT19937|SFC64"
GENERATOR: Final = re.compile(rf"numpy\.random\.({GENERATORS})|random\.Random")
GLOBAL: Final = re.compile(
    rf"numpy\.random\.(?!({GENERATORS}|Generator|BitGenerator|seed|[gs]et_state)$)[a-z]\w*"
    r"|random\.(?!(seed|getstate|setstate)$)[a-z]\w*"
    r"|random\.SystemRandom|secrets\.\w+|uuid\.uuid[14]|os\.urandom|os\.getrandom"
)
CHANGING: Final = re.compile(
    rf"{GLOBAL.pattern}|time\.\w+|datetime\.(datetime|date)\.(now|utcnow|today)|os\.getpid|builtins\.(id|hash)"
)
SEEDED: Final = re.compile(rf"{GENERATOR.pattern}|(numpy\.)?random\.seed")
ORDERED: Final = frozenset({"builtins.list", "builtins.tuple", "builtins.enumerate", "numpy.array", "pandas.Index"})


def global_random(subject: Subject) -> Iterator[Finding]:
    """`build` runs before training seeds the global generators, and nobody seeds the others."""
    source = subject.source
    seeds = {inner for seed in _seeds(source) for inner in ast.walk(seed)}
    for node, path in source.references():
        if GLOBAL.fullmatch(path) and node not in seeds:
            yield source.at("RT201", node, f"{path} draws from a generator that nobody seeds")
    for call, called in source.calls():
        if called and GENERATOR.fullmatch(called) and _is_none(source, argument(call, "seed", 0)) and not is_open(call):
            yield source.at("RT201", call, f"{called} is given no seed")
        elif _samples(call, called) and argument(call, "random_state") is None and not is_open(call):
            yield source.at("RT201", call, f"{ast.unparse(call.func)}() is given no random_state")


def _samples(call: ast.Call, called: str | None) -> bool:
    """`frame.sample(frac=0.5)`, told by its arguments from other things that sample, and scipy's distributions."""
    named = {keyword.arg for keyword in call.keywords}
    of_rows = isinstance(call.func, ast.Attribute) and call.func.attr == "sample" and bool(named & {"n", "frac"})
    return of_rows or bool(called and called.startswith("scipy.stats.") and called.endswith(".rvs"))


def unseeded_splits(subject: Subject) -> Iterator[Finding]:
    """Training fixes every open `random_state` of what `build` returns; splitters and what is fitted here it cannot."""
    source = subject.source
    fitted = _fitted_here(source)
    for call, path in source.calls():
        name = sklearn_name(path)
        found = FACTS.random_others.get(name) or (FACTS.random_estimators.get(name) if call in fitted else None)
        if found is None or is_open(call) or not _draws(source, call, found):
            continue
        if _is_none(source, argument(call, "random_state", found.position)):
            yield source.at("RT202", call, f"{name} is given no random_state")


def _draws(source: Source, call: ast.Call, found: Randomness) -> bool:
    shuffle = argument(call, "shuffle")
    value = None if shuffle is None else source.names.value(shuffle)
    if found.only_shuffling:
        return isinstance(value, ast.Constant) and value.value is True
    return not (isinstance(value, ast.Constant) and value.value is False)


def _fitted_here(source: Source) -> set[ast.AST]:
    """The expressions that are fitted where they are made: `KMeans().fit(X)`, or by the name that they were given."""
    receivers = (
        call.func.value for call, _ in source.calls() if _is_fit(call) and isinstance(call.func, ast.Attribute)
    )
    return {source.names.value(receiver) for receiver in receivers}


def _is_fit(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in FIT


def changing_seeds(subject: Subject) -> Iterator[Finding]:
    source = subject.source
    for seed in _seeds(source):
        value = source.names.value(seed)
        for node in ast.walk(value):
            path = source.names.path(node) if isinstance(node, ast.Name | ast.Attribute) else None
            if path and CHANGING.fullmatch(path):
                yield source.at("RT203", seed, f"the seed comes from {path}")
                break


def _seeds(source: Source) -> Iterator[ast.expr]:
    """What is given as a seed, anywhere."""
    for call, path in source.calls():
        for keyword in call.keywords:
            if keyword.arg and (keyword.arg == "seed" or keyword.arg.endswith("random_state")):
                yield keyword.value
        if path and SEEDED.fullmatch(path) and call.args:
            yield call.args[0]


def _is_none(source: Source, given: ast.expr | None) -> bool:
    value = None if given is None else source.names.value(given)
    return value is None or (isinstance(value, ast.Constant) and value.value is None)


def parallel_fits(subject: Subject) -> Iterator[Finding]:
    for call, _ in subject.source.calls():
        for keyword in call.keywords:
            if keyword.arg and keyword.arg.endswith("n_jobs"):
                value = subject.source.names.value(keyword.value)
                if isinstance(value, ast.Constant | ast.UnaryOp) and ast.unparse(value) not in {"None", "1"}:
                    yield subject.source.at("RT204", keyword.value, f"n_jobs={ast.unparse(value)}")


def sets_in_order(subject: Subject) -> Iterator[Finding]:
    """Texts hash differently in every process, so a set of names comes in another order each time."""
    source = subject.source
    for call, path in source.calls():
        if path in ORDERED and call.args and _is_set(source, call.args[0]):
            yield source.at("RT205", call, f"{path.rpartition('.')[2]}() of a set")
    for node in source.scopes.nodes():
        if isinstance(node, ast.ListComp) and _is_set(source, node.generators[0].iter):
            yield source.at("RT205", node, "a list built in the order of a set")


def _is_set(source: Source, node: ast.expr) -> bool:
    value = source.names.value(node)
    if isinstance(value, ast.Set | ast.SetComp):
        return True
    return isinstance(value, ast.Call) and source.names.path(value.func) in {"builtins.set", "builtins.frozenset"}
