"""The documents are true: what they name exists, and what exists is named in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Final

import pytest
import typer

from retide.cli.app import app
from retide.domain.contract import METRICS, ColumnType, Metric, Policy, Serving, Training, Window
from tests.architecture.tree import ROOT, files, shown

PAGES: Final = [path for path in files() if path.suffix == ".md"]
TEXT: Final = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
MODELS: Final = (ROOT / "docs/models.md").read_text(encoding="utf-8")
REFERENCE: Final = (ROOT / "docs/reference.md").read_text(encoding="utf-8")


def commands() -> set[str]:
    group = typer.main.get_command(app)
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


@pytest.mark.parametrize("section", [Metric, Policy, Serving, Training, Window], ids=lambda kind: kind.__name__)
def test_every_setting_of_a_contract_is_described(section: type) -> None:
    derived = {"direction"}  # follows from the metric's name
    assert {field.name for field in fields(section)} - derived - set(re.findall(r"[a-z_]+", MODELS)) == set()


def test_every_metric_and_column_type_is_described() -> None:
    names = {name for metrics in METRICS.values() for name in metrics} | {kind.value for kind in ColumnType}
    assert {name for name in names if f"`{name}`" not in MODELS} == set()


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_link_of_a_document_leads_somewhere(page: Path) -> None:
    assert [target for target in links(page) if not (page.parent / target).exists()] == []
