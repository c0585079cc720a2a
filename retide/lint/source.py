"""One Python file as the checks see it: its tree, who is who in it, and where each part stands."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retide.lint.findings import Finding
from retide.lint.names import Names
from retide.lint.scopes import Scopes

UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read; `calls` and `references` come in the order of the text."""

    file: Path
    lines: tuple[str, ...]
    tree: ast.Module
    scopes: Scopes
    names: Names

    def at(self, code: str, node: ast.expr | ast.stmt | ast.arg, message: str) -> Finding:
        """A finding where the node begins: Python counts bytes, people count characters."""
        line = self.lines[node.lineno - 1] if node.lineno <= len(self.lines) else ""
        before = line.encode()[: node.col_offset].decode(errors="ignore")
        return Finding(self.file, node.lineno, len(before) + 1, code, message)

    def calls(self) -> Iterator[tuple[ast.Call, str | None]]:
        """Every call with the dotted path of what is called; `partial(f, …)` counts as a call of f."""
        for node in self.scopes.nodes():
            if isinstance(node, ast.Call):
                call = self._unwrapped(node)
                yield call, self.names.path(call.func)

    def _unwrapped(self, node: ast.Call) -> ast.Call:
        if self.names.path(node.func) != "functools.partial" or not node.args:
            return node
        call = ast.copy_location(ast.Call(node.args[0], node.args[1:], node.keywords), node)
        self.scopes.adopt(call, node)
        return call

    def references(self) -> Iterator[tuple[ast.expr, str]]:
        """Every name and attribute that is read and whose dotted path is known."""
        for node in self.scopes.nodes():
            if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
                path = self.names.path(node)
                if path is not None:
                    yield node, path

    def imports(self) -> Iterator[tuple[ast.Import | ast.ImportFrom, str]]:
        """Every import with the dotted path of each module or thing; a relative one starts with its dots."""
        for node in self.scopes.nodes():
            if isinstance(node, ast.Import):
                yield from ((node, name.name) for name in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((node, f"{'.' * node.level}{node.module or ''}.{name.name}") for name in node.names)


def read(file: Path) -> Source | Finding:
    """Parse a file; what cannot be parsed is a finding with its line."""
    try:
        data = file.read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
        tree = ast.parse(data, filename=str(file))
        scopes = Scopes(tree)
        return Source(file, tuple(re.split(r"\r\n|\r|\n", text)), tree, scopes, Names(scopes))
    except OSError as error:
        return Finding(file, 1, 1, "RT002", f"cannot be read: {error.strerror}")
    except UNREADABLE as error:
        line, column = getattr(error, "lineno", None), getattr(error, "offset", None)
        said = getattr(error, "msg", None) or str(error) or type(error).__name__
        return Finding(file, line or 1, max(column or 1, 1), "RT002", f"is not Python that can be read: {said}")
