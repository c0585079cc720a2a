"""Where each setting of a contract stands in its file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from retide.lint.findings import Finding


@dataclass(frozen=True, slots=True)
class Places:
    """Line and column, from 1, by dotted path (`columns.age.min`)."""

    file: Path
    of: Mapping[str, tuple[int, int]]

    def at(self, code: str, path: str, message: str) -> Finding:
        """A finding at the setting, or at the closest thing above it that the file holds."""
        while path and path not in self.of:
            path = path.rpartition(".")[0]
        return Finding(self.file, *self.of.get(path, (1, 1)), code, message)


def read(file: Path) -> Places:
    """No places at all where the file is no YAML: that is said elsewhere."""
    try:
        root = yaml.compose(file.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, RecursionError, yaml.YAMLError):
        return Places(file, {})
    return Places(file, dict(_walk(root, "", frozenset())))


def _walk(node: yaml.Node | None, path: str, above: frozenset[int]) -> Iterator[tuple[str, tuple[int, int]]]:
    if not isinstance(node, yaml.MappingNode) or id(node) in above:
        return
    for key, value in node.value:
        name = f"{path}.{key.value}" if path else str(key.value)
        yield name, (key.start_mark.line + 1, key.start_mark.column + 1)
        yield from _walk(value, name, above | {id(node)})
