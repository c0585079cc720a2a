"""A small interpreter of state machines: the very definitions that are deployed, carried out one state at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final

Json = dict[str, Any]
Task = Callable[[str, Json], Any]
WORKFLOWS: Final = Path(__file__).resolve().parents[3] / "infra" / "workflows"
WORDS: Final = re.compile(r"\s*(States\.\w+|\$\$?[\w.]*|'(?:[^'\\]|\\.)*'|-?\d+|true|false|[(),])")
RUNNING: Final = "RUNNING"
ITEM: Final = "$$.Map.Item.Value"
INTOLERABLE: Final = "States.ExceedToleratedFailureThreshold"


class TaskError(Exception):
    """A task failed, under the name that Retry and Catch know."""

    def __init__(self, name: str, cause: str = "") -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name
        self.cause = cause


@cache
def definition(machine: str) -> Json:
    """The definition of a machine as it is deployed, with its substitutions left open."""
    found: Json = json.loads((WORKFLOWS / f"{machine}.asl.json").read_text())
    return found


def tasks(machine: str) -> Mapping[str, Json]:
    """Every Task state by its name, those inside a Map included."""
    return {
        name: state
        for scope in _scopes(definition(machine))
        for name, state in scope["States"].items()
        if state["Type"] == "Task"
    }


def _scopes(scope: Json) -> Iterator[Json]:
    yield scope
    for state in scope["States"].values():
        if "ItemProcessor" in state:
            yield from _scopes(state["ItemProcessor"])


@dataclass
class Execution:
    """One execution: `step` carries out one state, or one of the first item of a Map, or one more attempt at a task.

    An item of a Map is an execution as well, whose `scope` is the Map's own machine; `failed` are the items that failed
    of a Map that spreads them over executions of their own.
    """

    arn: str
    machine: str
    data: Any
    now: Callable[[], str]
    status: str = RUNNING
    error: str = ""
    cause: str = ""
    history: list[str] = field(default_factory=list)
    state: str = ""
    items: list[Execution] | None = None
    tried: dict[int, int] = field(default_factory=dict)
    scope: Json = field(default_factory=dict)
    failed: list[Execution] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scope = self.scope or definition(self.machine)
        self.state = self.state or self.scope["StartAt"]

    @property
    def running(self) -> bool:
        return self.status == RUNNING

    @property
    def at(self) -> str:
        """The state that the next step carries out, inside a Map that of its item."""
        return self.items[0].at if self.items else self.state

    def pending(self) -> tuple[str, Json] | None:
        """The task that the next step calls: its resource and parameters; None where it calls none."""
        if self.items:
            return self.items[0].pending()
        state = self.scope["States"][self.state]
        return (state["Resource"], self._parameters(state, self.data)) if state["Type"] == "Task" else None

    def step(self, call: Task) -> None:
        """One step on; `call` carries out a task."""
        state = self.scope["States"][self.state]
        if not self.tried and self.items is None:
            self.history.append(self.state)
        _KINDS[state["Type"]](self, state, call)

    def end(self, status: str, error: str = "", cause: str = "") -> None:
        self.status, self.error, self.cause = status, error, cause

    def go(self, name: str) -> None:
        self.state, self.items, self.tried = name, None, {}

    def _leave(self, state: Json) -> None:
        if state.get("End"):
            self.end("SUCCEEDED")
        else:
            self.go(state["Next"])

    def task(self, state: Json, call: Task) -> None:
        try:
            result = call(state["Resource"], self._parameters(state, self.data))
        except TaskError as error:
            self._failed(state, error)
            return
        self.data = self._place(state, self.data, self._selected(state, result))
        self._leave(state)

    def map(self, state: Json, call: Task) -> None:
        """The first step only sees what there is to do; each of the others is one of the first item's."""
        if self.items is None:
            self.items = [self._child(state, value) for value in self._items(state, call)]
        elif self.items:
            child = self.items[0]
            child.step(call)
            if child.status == "FAILED":
                self._item_failed(state, child)
                return
            self.items = self.items[not child.running :]
        if not self.items:
            self.go(state["Next"])

    def _item_failed(self, state: Json, child: Execution) -> None:
        """No failure is tolerated; a distributed Map does not say whose, nor why."""
        if state["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED":
            self.failed.append(child)
            self._failed(state, TaskError(INTOLERABLE, "the tolerated failure threshold was exceeded"))
        else:
            self._failed(state, TaskError(child.error, child.cause))

    def wait(self, state: Json, _call: Task) -> None:
        self._leave(state)

    def pass_on(self, state: Json, _call: Task) -> None:
        given = self._resolve(state["InputPath"], self.data) if "InputPath" in state else self.data
        self.data = self._place(state, self.data, self._parameters(state, given))
        self._leave(state)

    def choose(self, state: Json, _call: Task) -> None:
        found = [choice["Next"] for choice in state["Choices"] if self._holds(choice)]
        if not found and "Default" not in state:
            raise AssertionError(f"{self.machine}: no choice of {self.state} fits {self.data}")
        self.go(found[0] if found else state["Default"])

    def succeed(self, _state: Json, _call: Task) -> None:
        self.end("SUCCEEDED")

    def fail(self, state: Json, _call: Task) -> None:
        said = {name: state.get(name) or self._resolve(state[f"{name}Path"], self.data) for name in ("Error", "Cause")}
        self.end("FAILED", said["Error"], said["Cause"])

    def _failed(self, state: Json, error: TaskError) -> None:
        """Again where a retrier has attempts left, else to the catcher, else the end."""
        for place, retrier in enumerate(state.get("Retry", [])):
            if _matches(retrier["ErrorEquals"], error.name):
                self.tried[place] = self.tried.get(place, 0) + 1
                if self.tried[place] <= retrier.get("MaxAttempts", 3):
                    return
                break
        for catcher in state.get("Catch", []):
            if _matches(catcher["ErrorEquals"], error.name):
                said = {"Error": error.name, "Cause": error.cause}
                self.data = self._place(catcher, self.data, said)
                self.go(catcher["Next"])
                return
        self.end("FAILED", error.name, error.cause)

    def _items(self, state: Json, call: Task) -> list[Any]:
        if reader := state.get("ItemReader"):
            found = json.loads(call(reader["Resource"], self._fill(reader["Parameters"], self.data, None)))
        else:
            found = self._resolve(state["ItemsPath"], self.data)
        assert isinstance(found, list)
        return list(found)

    def _child(self, state: Json, value: Any) -> Execution:
        data = self._fill(state["ItemSelector"], self.data, value)
        return Execution(self.arn, self.machine, data, self.now, history=self.history, scope=state["ItemProcessor"])

    def _parameters(self, state: Json, data: Any) -> Any:
        return self._fill(state["Parameters"], data, None) if "Parameters" in state else data

    def _selected(self, state: Json, result: Any) -> Any:
        return self._fill(state["ResultSelector"], result, None) if "ResultSelector" in state else result

    def _fill(self, template: Any, data: Any, item: Any) -> Any:
        if isinstance(template, Mapping):
            return {
                name.removesuffix(".$"): self._filled(name.removesuffix(".$"), (said, name.endswith(".$")), data, item)
                for name, said in template.items()
            }
        return [self._fill(part, data, item) for part in template] if isinstance(template, list) else template

    def _filled(self, _name: str, said: tuple[Any, bool], data: Any, item: Any) -> Any:
        value, dynamic = said
        return (
            _Expression(value, lambda path: self._resolve(path, data, item)).value()
            if dynamic
            else (self._fill(value, data, item))
        )

    def _resolve(self, path: str, data: Any, item: Any = None) -> Any:
        if path.startswith("$$."):
            known = {"Execution.Id": self.arn, "State.EnteredTime": self.now()}
            if path.startswith(ITEM):
                return self._resolve(f"${path.removeprefix(ITEM)}", item)
            return known[path.removeprefix("$$.")]
        found = data
        for name in path.split(".")[1:]:
            if not isinstance(found, Mapping) or name not in found:
                raise AssertionError(f"{self.machine}: {self.state} finds no {path} in {json.dumps(data)}")
            found = found[name]
        return found

    def _place(self, state: Json, data: Any, result: Any) -> Any:
        path = state.get("ResultPath", "$")
        if path is None:
            return data
        if path == "$":
            return result
        return _within(data, path.split(".")[1:], result)

    def _holds(self, rule: Json) -> bool:
        if "And" in rule:
            return all(map(self._holds, rule["And"]))
        if "Or" in rule:
            return any(map(self._holds, rule["Or"]))
        if "Not" in rule:
            return not self._holds(rule["Not"])
        (operator,) = rule.keys() - {"Variable", "Next", "Comment"}
        if operator == "StringMatches":
            return fnmatchcase(str(self._resolve(rule["Variable"], self.data)), rule[operator])
        if operator == "IsPresent":
            return self._is_present(rule["Variable"]) is rule["IsPresent"]
        if operator not in ("StringEquals", "BooleanEquals", "NumericEquals"):
            raise AssertionError(
                f"{self.machine}: the choice {self.state} compares with {operator}: teach this file to"
            )
        return bool(self._resolve(rule["Variable"], self.data) == rule[operator])

    def _is_present(self, path: str) -> bool:
        try:
            self._resolve(path, self.data)
        except AssertionError:
            return False
        return True


_KINDS: Final[Mapping[str, Callable[[Execution, Json, Task], None]]] = {
    "Task": Execution.task,
    "Map": Execution.map,
    "Wait": Execution.wait,
    "Pass": Execution.pass_on,
    "Choice": Execution.choose,
    "Succeed": Execution.succeed,
    "Fail": Execution.fail,
}


def _within(data: Any, path: list[str], result: Any) -> Any:
    """The data with the result at a path."""
    name, *deeper = path
    return {**data, name: _within(data.get(name, {}), deeper, result) if deeper else result}


def _matches(names: list[str], error: str) -> bool:
    return error in names or "States.ALL" in names or ("States.TaskFailed" in names and error != "States.Timeout")


class _Expression:
    """A path or a call of an intrinsic function."""

    def __init__(self, text: str, resolve: Callable[[str], Any]) -> None:
        self._words = [word for word in WORDS.findall(text) if word]
        self._resolve = resolve

    def value(self) -> Any:
        word = self._words.pop(0)
        if word.startswith("States."):
            return self._call(word.removeprefix("States."))
        if word.startswith("'"):
            return re.sub(r"\\(.)", r"\1", word[1:-1])
        if word in ("true", "false"):
            return word == "true"
        return self._resolve(word) if word.startswith("$") else int(word)

    def _call(self, name: str) -> Any:
        assert self._words.pop(0) == "("
        given = []
        while self._words[0] != ")":
            given.append(self.value())
            if self._words[0] == ",":
                self._words.pop(0)
        self._words.pop(0)
        return _INTRINSICS[name](*given)


def _format(template: str, *values: Any) -> str:
    for value in values:
        template = template.replace("{}", str(value), 1)
    return template


def _as_json(text: str) -> Any:
    """An open substitution stands for a number here."""
    return 0 if text.startswith("${") else json.loads(text)


_INTRINSICS: Final[Mapping[str, Callable[..., Any]]] = {
    "Format": _format,
    "Array": lambda *values: list(values),
    "MathAdd": lambda one, other: one + other,
    "JsonToString": json.dumps,
    "JsonMerge": lambda one, other, _deep: {**one, **other},
    "StringToJson": _as_json,
}
