"""What an expression stands for: the dotted path of what it names, and the constants that it holds."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass
from typing import Final

from retide.lint.scopes import Imported, Scope, Scopes

DEEPEST: Final = 40
MOST: Final = 10_000
LOCAL: Final = "<here>"


@dataclass(frozen=True, slots=True)
class Names:
    """Answers for the nodes of one tree; every answer that only running the code could give is None."""

    scopes: Scopes

    def path(self, node: ast.AST, depth: int = 0) -> str | None:
        """`np.random.rand` → "numpy.random.rand"; a call's result → "…()"; one's own class or function → "<here>.…"."""
        if depth > DEEPEST:
            return None
        match node:
            case ast.Name(id=name):
                return self._named(name, self.scopes.of(node), depth)
            case ast.Attribute(value=value, attr=attribute):
                base = self.path(value, depth + 1)
                return f"{base}.{attribute}" if base else None
            case ast.Call(func=function):
                called = self.path(function, depth + 1)
                return f"{called}()" if called else None
        return None

    def _named(self, name: str, scope: Scope, depth: int) -> str | None:
        found = scope.lookup(name)
        if found is None:
            return f"builtins.{name}" if hasattr(builtins, name) else self._starred(name)
        binding, _ = found
        if isinstance(binding, Imported):
            return binding.path
        if isinstance(binding, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return f"{LOCAL}.{name}"
        return self.path(binding, depth + 1) if isinstance(binding, ast.expr) else None

    def _starred(self, name: str) -> str | None:
        """What `from module import *` must have brought, where there is only one of these."""
        found = self.scopes.module.names.get("*", [])
        if len(found) != 1 or not isinstance(found[0], Imported):
            return None
        return f"{found[0].path.removesuffix('.*')}.{name}"

    def value(self, node: ast.expr, depth: int = 0) -> ast.expr:
        """The expression that a name was assigned, where it was assigned once; the node itself otherwise."""
        if not isinstance(node, ast.Name) or depth > DEEPEST:
            return node
        found = self.scopes.of(node).lookup(node.id)
        if found is None or not isinstance(found[0], ast.expr):
            return node
        return self.value(found[0], depth + 1)

    def items(self, node: ast.expr) -> list[ast.expr] | None:
        """The elements of a literal list, tuple or set, `+` and `*` within it followed; None for anything else."""
        found: list[ast.expr] = []
        pending = [(node, True)]  # with whether it is to be taken apart, or an element
        for _ in range(MOST):
            if not pending:
                return found
            taken, apart = pending.pop()
            if not apart:
                found.append(taken)
                continue
            parts = _parts(self.value(taken))
            if parts is None:
                return None
            pending.extend(reversed(parts))
        return None

    def text(self, node: ast.expr) -> str | None:
        found = self.value(node)
        return found.value if isinstance(found, ast.Constant) and isinstance(found.value, str) else None


def _parts(node: ast.expr) -> list[tuple[ast.expr, bool]] | None:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [(node.left, True), (node.right, True)]
    if not isinstance(node, ast.List | ast.Tuple | ast.Set):
        return None
    return [(e.value, True) if isinstance(e, ast.Starred) else (e, False) for e in node.elts]


def argument(call: ast.Call, name: str, position: int | None = None) -> ast.expr | None:
    """The argument of that name, or at that place where no `*` comes before it."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if position is None or position >= len(call.args):
        return None
    before = call.args[: position + 1]
    return None if any(isinstance(given, ast.Starred) for given in before) else call.args[position]


def is_open(call: ast.Call) -> bool:
    """Whether a `**` hides which arguments are given."""
    return any(keyword.arg is None for keyword in call.keywords)
