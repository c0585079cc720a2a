"""The documents are true: what they name exists, and what exists is named in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import typer

from retide.cli.app import app
from retide.domain.contract import METRICS, ColumnType, Contract
from retide.domain.expression_types import FUNCTIONS
from retide.domain.sections import Entry, Items, Section, Sections, entries
from retide.domain.severity import CHECK, OBJECT_RULES, ROW_RULES, Severity
from tests.architecture.tree import ROOT, files, shown

PAGES: Final = [path for path in files() if path.suffix == ".md"]
TEXT: Final = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
MODELS: Final = (ROOT / "docs/models.md").read_text(encoding="utf-8")
REFERENCE: Final = (ROOT / "docs/reference.md").read_text(encoding="utf-8")


def commands() -> set[str]:
    group = typer.main.get_command(app())
    return set(getattr(group, "commands", {}))


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


def links(page: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            yield target


def test_every_command_has_a_line_in_the_reference() -> None:
    assert commands()
    assert {name for name in commands() if f"`retide {name}" not in REFERENCE} == set()


def test_no_document_names_a_command_that_does_not_exist() -> None:
    named = set(re.findall(r"(?:`|\$ |^    )retide ([a-z]+)", TEXT, flags=re.MULTILINE))
    assert named
    assert named - commands() == set()


def test_every_make_target_has_a_line_in_the_reference() -> None:
    assert {name for name in targets() if f"`make {name}" not in REFERENCE} == set()


def test_no_document_names_a_make_target_that_does_not_exist() -> None:
    named = set(re.findall(r"(?:`|\$ |^    )make ([a-z][a-z-]*)", TEXT, flags=re.MULTILINE))
    assert named
    assert named - targets() == set()


def settings(section: type) -> Iterator[Entry]:
    """Those of a section of a contract, and of the sections within it."""
    for entry in entries(section):
        yield entry
        inner = entry.setting.item if isinstance(entry.setting, Items) else entry.setting
        if isinstance(inner, Section | Sections):
            yield from settings(inner.of)


def test_every_setting_of_a_contract_is_described() -> None:
    names = {entry.name for entry in settings(Contract)} - {"model"}  # the folder's name
    assert {"max_missing", "multivariate", "scope", "seed"} <= names
    code = " ".join(re.findall(r"```.*?```|`[^`\n]+`", MODELS, re.DOTALL))
    assert names - set(re.findall(r"[a-z_]+", code)) == set()


def test_every_rule_about_data_is_described_with_its_default() -> None:
    told = dict(re.findall(r"^\| `([a-z_:]+)(?:<name>)?` \| (?:rows|object) \| (\w+) \|", MODELS, re.MULTILINE))
    assert told == {**dict.fromkeys([*ROW_RULES, CHECK], Severity.REFUSE), **OBJECT_RULES}


def test_every_function_of_a_rule_is_described() -> None:
    assert {name for name in FUNCTIONS if f"`{name}" not in MODELS} == set()


def test_every_metric_and_column_type_is_described() -> None:
    names = {name for metrics in METRICS.values() for name in metrics} | {kind.value for kind in ColumnType}
    assert {name for name in names if f"`{name}`" not in MODELS} == set()


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_link_of_a_document_leads_somewhere(page: Path) -> None:
    assert [target for target in links(page) if not (page.parent / target).exists()] == []
