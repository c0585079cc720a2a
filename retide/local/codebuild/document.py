"""YAML as a buildspec may use it: known keys only, texts as they were written, and the line of every mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import yaml

YES, NO = ("yes", "true", "on"), ("no", "false", "off")


class BuildspecError(Exception):
    """The buildspec cannot be used; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Part:
    """One value of the document; `path` is how a person would name it: phases.build.commands[0]."""

    node: yaml.Node
    path: str

    @property
    def line(self) -> int:
        return int(self.node.start_mark.line) + 1

    @property
    def is_empty(self) -> bool:
        return isinstance(self.node, yaml.ScalarNode) and self.node.tag == "tag:yaml.org,2002:null"

    def error(self, problem: str) -> BuildspecError:
        return BuildspecError(f"{self.path or 'the buildspec'} at line {self.line} {problem}")

    def mapping(self, known: Iterable[str] | None = None, refused: Iterable[str] = ()) -> dict[str, Part]:
        """The values by key. Raises for a key that comes twice, is not `known`, or is `refused`."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.error(f"must be a mapping, not {_kind(self.node)}")
        found: dict[str, Part] = {}
        for key, value in self.node.value:
            part = self._member(key, value)
            if key.value in found:
                raise part.error("is given twice")
            found[key.value] = part
        _check_keys(self, found, known, tuple(refused))
        return found

    def _member(self, key: yaml.Node, value: yaml.Node) -> Part:
        if not isinstance(key, yaml.ScalarNode):
            raise Part(key, self.path).error(f"has a key that is {_kind(key)}: a key is a word")
        if key.tag == "tag:yaml.org,2002:merge":
            raise Part(key, self.path).error("uses '<<', which no buildspec may")
        return Part(value, f"{self.path}.{key.value}".lstrip("."))

    def items(self) -> tuple[Part, ...]:
        """The values of a sequence."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.error(f"must be a sequence, not {_kind(self.node)}")
        return tuple(Part(node, f"{self.path}[{number}]") for number, node in enumerate(self.node.value))

    def text(self) -> str:
        """A scalar as it was written: 3.10 stays 3.10, yes stays yes."""
        if not isinstance(self.node, yaml.ScalarNode):
            raise self.error(f"must be a text, not {_kind(self.node)}: put it in quotes if it holds ': ' or '['")
        return "" if self.is_empty else str(self.node.value)

    def texts(self) -> tuple[str, ...]:
        return tuple(item.text() for item in self.items())

    def texts_by_key(self) -> dict[str, str]:
        return {key: value.text() for key, value in self.mapping().items()}

    def flag(self) -> bool:
        """Yes or no."""
        said = self.text().lower()
        if said not in YES + NO:
            raise self.error(f"must be yes or no, not {self.text()!r}")
        return said in YES


def parse(text: str) -> Part:
    """The whole document. Raises BuildspecError with the line of what is no YAML."""
    try:
        node = yaml.SafeLoader(text).get_single_node()
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise BuildspecError(f"the buildspec is not valid YAML{where}: {problem.problem}") from problem
    except yaml.YAMLError as problem:
        raise BuildspecError(f"the buildspec is not valid YAML: {' '.join(str(problem).split())}") from problem
    except RecursionError as problem:
        raise BuildspecError("the buildspec is nested too deeply") from problem
    if node is None:
        raise BuildspecError("the buildspec is empty: it needs version: 0.2 and phases")
    return Part(node, "")


def read[T](parts: Mapping[str, Part], key: str, how: Callable[[Part], T], default: T) -> T:
    """What `how` makes of the part, or the default where there is none."""
    return how(parts[key]) if key in parts and not parts[key].is_empty else default


def _check_keys(part: Part, found: Mapping[str, Part], known: Iterable[str] | None, refused: tuple[str, ...]) -> None:
    allowed = None if known is None else tuple(known)
    for key, value in found.items():
        if key in refused:
            raise value.error("is not supported by the local cloud: add it to retide/local/codebuild")
        if allowed is not None and key not in allowed:
            raise value.error(f"is unknown: {part.path or 'a buildspec'} may have {', '.join(allowed)}")


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    return "a sequence" if isinstance(node, yaml.SequenceNode) else "a text"
