"""Whether `model.py` offers what training calls: build(contract, params)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from retide.lint.findings import Finding
from retide.lint.model import BUILD, MODEL_FILE, Subject


def build_is_there(subject: Subject) -> Iterator[Finding]:
    """A function that takes two positional arguments; a name that is imported or assigned gets the benefit of doubt."""
    source = subject.source
    if source.file.name != MODEL_FILE:
        return
    build = subject.build
    if build is None:
        if BUILD not in source.scopes.module.names:
            yield Finding(source.file, 1, 1, "RT003", "there is no function build(contract, params)")
        yield from _asynchronous(subject)
        return
    if not _takes_two(build.args):
        yield source.at(
            "RT003", build, f"build takes {_told(build.args)}; it is called with the contract and the params"
        )
    elif not any(_returns(node) for node in _own(build)):
        yield source.at("RT003", build, "build returns nothing")


def _asynchronous(subject: Subject) -> Iterator[Finding]:
    for node in subject.source.tree.body:
        if isinstance(node, ast.AsyncFunctionDef) and node.name == BUILD:
            yield subject.source.at("RT003", node, "build is asynchronous; its call returns no estimator")


def _takes_two(given: ast.arguments) -> bool:
    positional = len(given.posonlyargs) + len(given.args)
    required = positional - len(given.defaults)
    named = [name for name, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default is None]
    return required <= 2 <= (positional if given.vararg is None else max(positional, 2)) and not named


def _told(given: ast.arguments) -> str:
    names = [name.arg for name in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return f"({', '.join(names)})" if names else "no argument"


def _returns(node: ast.AST) -> bool:
    return (isinstance(node, ast.Return) and node.value is not None) or isinstance(node, ast.Raise)


def _own(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """What of a function's body is its own, not that of a function or class within."""
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))
