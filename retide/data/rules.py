"""The rules for single rows, each as SQL that is true for a row that breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from retide.data.engine import name, text, texts
from retide.data.globs import glob
from retide.domain.contract import Column, Contract
from retide.domain.contract_parts import Check
from retide.domain.expression import compile_sql
from retide.domain.severity import CHECK, Severity

_BY_PROFILE: Final = frozenset({"range", "values"})


@dataclass(frozen=True, slots=True)
class Rule:
    """`subject` is what a finding calls its column, `columns` are those whose values show what is wrong."""

    rule: str
    subject: str
    columns: tuple[str, ...]
    condition: str
    severity: Severity


def rules(contract: Contract) -> tuple[Rule, ...]:
    """Over typed rows; `type`, `shape` and `unique` are found elsewhere."""
    return tuple(rule for column in contract.columns for rule in _column(column, contract)) + tuple(
        _check(check, contract) for check in contract.checks
    )


def _column(column: Column, contract: Contract) -> Iterator[Rule]:
    value = name(column.name)
    if not column.nullable:
        yield _rule("required", column, f"{value} IS NULL", contract)
    if bounds := _bounds(column):
        yield _rule("range", column, " OR ".join(bounds), contract)
    if column.values:
        unknown = f"{value} NOT IN ({texts(column.values)})"
        severity = Severity.WARN if column.open else contract.severity("values", column.name)
        yield Rule("values", column.name, (column.name,), unknown, severity)
    if column.pattern is not None:
        yield _rule("pattern", column, breaks_pattern(column), contract)


def untold(contract: Contract) -> tuple[Rule, ...]:
    """Those that a profile does not tell, since it has no such thing, or none of ids and of what is sensitive."""
    hidden = {*contract.id, *(column.name for column in contract.columns if column.pii)}
    told = (rule for rule in rules(contract) if rule.rule != "required")
    return tuple(rule for rule in told if rule.subject in hidden or rule.rule not in _BY_PROFILE)


def breaks(rule: Rule) -> str:
    """SQL for an aggregate: how many rows break it."""
    return f"count_if({rule.condition})"


def breaks_pattern(column: Column) -> str:
    value, simple = f"CAST({name(column.name)} AS VARCHAR)", glob(column.pattern or "")
    matches = f"{value} GLOB {text(simple)}" if simple else f"regexp_full_match({value}, {text(column.pattern)})"
    return f"NOT ({matches})"


def breaks_check(check: Check) -> str:
    return f"NOT ({compile_sql(check.tree, name)})"


def _bounds(column: Column) -> list[str]:
    value = name(column.name)
    bounds = [f"{value} < {column.minimum!r}"] if column.minimum is not None else []
    return bounds + ([f"{value} > {column.maximum!r}"] if column.maximum is not None else [])


def _rule(rule: str, column: Column, condition: str, contract: Contract) -> Rule:
    return Rule(rule, column.name, (column.name,), condition, contract.severity(rule, column.name))


def _check(check: Check, contract: Contract) -> Rule:
    rule = f"{CHECK}{check.name}"
    return Rule(rule, check.name, check.columns, breaks_check(check), contract.severity(rule))
