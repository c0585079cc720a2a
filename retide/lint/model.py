"""A model as the checks of its code see it: the contract, the file at hand, and what `build` is given."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from retide.domain.contract import Contract
from retide.lint.findings import Finding
from retide.lint.scopes import Function, parameters
from retide.lint.source import Source

BUILD: Final = "build"
MODEL_FILE: Final = "model.py"


@dataclass(frozen=True, slots=True)
class Subject:
    """One file of a model's folder; `contract` is None where it could not be read, and checks that need it pass."""

    source: Source
    contract: Contract | None
    folder: Path

    @property
    def build(self) -> ast.FunctionDef | None:
        """The function at the top of the file that training calls."""
        if self.source.file.name != MODEL_FILE:
            return None
        named = [n for n in self.source.tree.body if isinstance(n, ast.FunctionDef) and n.name == BUILD]
        return named[-1] if named else None

    @property
    def contract_name(self) -> str | None:
        """What `build` calls its first parameter."""
        given = parameters(self.build) if self.build else []
        return given[0].arg if given else None

    def is_given_data(self, node: ast.AST) -> bool:
        """Whether a function around the node, other than `build`, has parameters: its data may be the training rows."""
        return any(
            isinstance(scope.node, Function) and scope.node is not self.build and parameters(scope.node)
            for scope in self.source.scopes.of(node).chain()
        )


type Check = Callable[[Subject], Iterator[Finding]]
