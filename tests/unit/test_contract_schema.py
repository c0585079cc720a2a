"""The schema for editors says what reading a contract says, as far as a schema can."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.contracts.schema import FILE, contract_schema, text
from retide.domain.contract import Contract
from retide.domain.reader import Place
from retide.domain.sections import read_values

ROOT = Path(__file__).parents[2]
SCHEMA = jsonschema.Draft202012Validator(contract_schema())
FULL: dict[str, Any] = {
    "task": "classification",
    "target": "left",
    "id": ["customer"],
    "segments": "plan",
    "missing": ["", "NA"],
    "holdout": 0.2,
    "event_time": "seen",
    "columns": {
        "customer": {"type": "string", "pattern": "[A-Z]+", "pii": True, "unique": "everywhere"},
        "plan": {"type": "category", "values": ["a", "b"], "grows": True, "severity": "warn", "unique": False},
        "spend": {"type": "float", "min": 0, "max": 9.5, "max_missing": 0.1, "severity": {"range": "warn"}},
        "seen": {"type": "timestamp", "nullable": True, "feature": False},
        "left": {"type": "boolean"},
    },
    "metric": {
        "name": "roc_auc",
        "floor": None,
        "evidence": "superior",
        "margin": 0.1,
        "confidence": 0.9,
        "segment_loss": 0.2,
        "segment_rows": 20,
        "threshold": "youden",
        "interval": 0.8,
    },
    "budgets": {"latency_ms": 5, "size_mib": 10, "calibration_error": None},
    "unique": [{"columns": ["plan", "seen"], "scope": "object", "severity": "quarantine"}],
    "checks": [{"name": "sane", "rule": "spend > 0", "advice": "look", "severity": "refuse"}],
    "rows": {"min": 1, "max": 10, "fall": 0.5, "rise": 2, "last": 3, "severity": "refuse"},
    "freshness": {"max_age_hours": 48, "max_future_hours": 0.5},
    "label": {"min_share": 0.01, "max_shift": None},
    "leakage": {"limit": 0.9},
    "drift": {"psi": None, "vanished": False, "min_rows": 10, "multivariate": 0.7},
    "window": {"batches": 3},
    "policy": {"reject_rows": 0.1, "approval": "manual", "min_rows": 10},
    "training": {"instance_type": "ml.m5.large", "seed": 0},
    "serving": {"memory_mib": 1024, "latency_ms": None},
    "tuning": {"candidates": 9, "rows": 1000, "space": {"depth": [1, "a"], "C": {"min": 0.1, "max": 2, "log": True}}},
    "params": {"depth": [1, {"deep": None}]},
}


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in inside for place in places(inner, (*path, key)))]


def changed(path: tuple[str | int, ...], value: Any) -> Any:
    if not path:
        return value
    raw = deepcopy(FULL)
    place: Any = raw
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return raw


plain = (
    st.none()
    | st.booleans()
    | st.integers(-5, 7000)
    | st.floats(-2, 12)
    | st.sampled_from(
        ["refuse", "quarantine", "warn", "object", "everywhere", "float", "manual", "rmse", "sane", "ml.x.y"]
    )
    | st.sampled_from(["", " a", "a ", "a b", "__a", "a\n", "\n", "ml.m5.large\n", "1a", "日本"])
)
values = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "min", "columns", "name", "range", "missing", "__a", "x "]), inner)
    ),
    max_leaves=4,
)


def shape_is_read(raw: Any) -> bool:
    """Whether every setting alone can be read; what they mean together is another question."""
    place = Place()
    read_values(Contract, {"model": "m", **raw} if isinstance(raw, dict) else raw, place)
    return not place.problems


def test_the_published_schema_is_the_one_that_is_made() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "run `python -m retide.contracts.schema`"


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(contract_schema())


@pytest.mark.parametrize(
    "file", sorted(ROOT.glob("training/models/*/contract.yaml")), ids=lambda file: file.parent.name
)
def test_a_shipped_contract_names_the_schema_and_is_valid_by_it(file: Path) -> None:
    first, _, rest = file.read_text(encoding="utf-8").partition("\n")
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert (file.parent / named).resolve() == FILE
    SCHEMA.validate(yaml.safe_load(rest))


def test_a_contract_with_every_section_is_valid_and_read() -> None:
    assert shape_is_read(FULL)
    SCHEMA.validate(FULL)


def test_every_setting_of_the_schema_has_a_description() -> None:
    def described(schema: Any) -> list[str]:
        known = schema.get("properties", {}) if isinstance(schema, dict) else {}
        return [name for name, inner in known.items() if not inner.get("description") and "enum" not in inner] + [
            name for inner in known.values() for name in described(inner)
        ]

    assert described(contract_schema()) == []


@settings(max_examples=400, deadline=None)
@given(path=st.sampled_from(places(FULL)), value=values)
def test_an_editor_finds_wrong_exactly_what_reading_finds_wrong(path: tuple[str | int, ...], value: Any) -> None:
    raw = changed(path, value)
    assert SCHEMA.is_valid(raw) == shape_is_read(raw)


@settings(max_examples=100, deadline=None)
@given(path=st.sampled_from([place for place in places(FULL) if place]))
def test_a_setting_that_is_left_out_is_missed_by_both_or_by_neither(path: tuple[str | int, ...]) -> None:
    raw = deepcopy(FULL)
    place: Any = raw
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    assert SCHEMA.is_valid(raw) == shape_is_read(raw)
