"""Judge a file that is not sound in every cell: which rows break which rule, as they stand in the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from pathlib import Path
from typing import Any, Final

import duckdb

from retide.data.columns import Scan
from retide.data.engine import name, path
from retide.data.expected import expected, no_rows
from retide.data.findings import Refused, mend
from retide.data.leakage import leakage, sampled
from retide.data.outputs import Outputs, own_columns, taken_out
from retide.data.rules import Rule, breaks, rules
from retide.data.shape import Ragged, quote_amiss, refuse_hopeless, shape_finding
from retide.data.source import Source
from retide.data.stage import ROW, Staged, stage
from retide.data.statistics import measure, public
from retide.data.uniqueness import everywhere, later_ones, repeats, seen_before
from retide.data.wording import Broken, repeated, said_before
from retide.domain.context import Context
from retide.domain.contract import Contract
from retide.domain.dataset import rules_digest
from retide.domain.severity import Severity
from retide.domain.verdict import EXAMPLES, Finding, Verdict

BAD: Final = "bad_rows"
_NAMED: Final = 3  # rules, in one line
_AT_ONCE: Final = 500  # rules asked in one query: the time to plan one grows with the square of them


@dataclass(frozen=True, slots=True)
class Case:
    """A staged file with all that its rows are held to."""

    file: Path
    scan: Scan
    contract: Contract
    context: Context
    outputs: Outputs
    staged: Staged
    connection: duckdb.DuckDBPyConnection

    @property
    def source(self) -> Source:
        return self.scan.source

    @property
    def ragged(self) -> Ragged:
        return self.staged.ragged

    @property
    def bad(self) -> Path:
        return self.outputs.scratch / "bad.parquet"


def judge_with_care(
    file: Path,
    scan: Scan,
    contract: Contract,
    context: Context,
    outputs: Outputs,
    connection: duckdb.DuckDBPyConnection,
) -> Verdict:
    """Every rule is asked of every row; what is taken out is taken out before the rest is profiled."""
    refuse_hopeless(scan.source, connection)
    staged = _staged(file, scan.source, scan, contract, outputs)
    case = Case(file, scan, contract, context, outputs, staged, connection)
    shape = (shape_finding(case.ragged, contract),) if case.ragged.rows else ()
    if any(finding.severity is Severity.REFUSE for finding in shape):
        raise Refused(*shape)  # such a row shifts its values: nothing in the file can be trusted until it is mended
    (rows,) = connection.execute(f"SELECT count(*) FROM {staged.relation}").fetchall()[0]
    if not rows:
        raise Refused(*shape, no_rows(), *scan.findings)
    broken = examine(case)
    taken = _taken(case) + len(case.ragged.rows)
    spoilt = scan.absent | {finding.column for finding in broken if finding.rule == "type"}
    profile = measure(staying(case), contract, connection).profile
    findings = (*shape, *broken, *_too_many(case, taken, rows + len(case.ragged.rows)), *scan.findings)
    if profile.rows:
        findings += expected(profile, spoilt, contract, context)
        findings += leakage(sampled(staying(case), contract, connection), contract)
    verdict = Verdict(profile.rows, rules_digest(contract), findings, None, public(profile, contract), taken)
    if not verdict.accepted:
        return replace(verdict, rows=rows + len(case.ragged.rows), profile=None, rejected=0)
    return _deliver(case, verdict)


def _staged(file: Path, source: Source, scan: Scan, contract: Contract, outputs: Outputs) -> Staged:
    try:
        return stage(file, source, scan, contract, outputs.scratch)
    except duckdb.InvalidInputException:
        amiss = quote_amiss(source)
        if amiss is None:
            raise
        raise Refused(amiss) from None


def _deliver(case: Case, verdict: Verdict) -> Verdict:
    case.outputs.write_keys(staying(case), case.contract, case.connection)
    case.outputs.deliver_keys()
    if verdict.rejected:
        header, cells = own_columns(case.source, case.connection)
        taken = taken_out(case.scan.relation, cells, case.bad, case.ragged, case.connection)
        case.outputs.deliver_rejected(header, taken)
    if case.outputs.keep is None:
        return verdict
    case.outputs.write_rows(staying(case), case.contract, case.file)
    return replace(verdict, curated=case.outputs.deliver_rows())


def _taken(case: Case) -> int:
    return int(case.connection.execute(f"SELECT count(DISTINCT {ROW}) FROM {BAD}").fetchall()[0][0])


def _too_many(case: Case, taken: int, rows: int) -> Iterator[Finding]:
    most = case.contract.policy.reject_rows
    if taken > most * rows or taken == rows:
        seen = f"{taken:,} of {rows:,} rows ({taken / rows:.2%}), most of them for {_usual(case)}"
        severity = case.contract.severity("reject_rows")
        advice = f"{mend('rows', severity)} So many of them are a matter of the file, not of rows."
        yield Finding("reject_rows", "", f"at most {most:.2%} of rows to take out", seen, advice, taken, (), severity)


def _usual(case: Case) -> str:
    """The rules that take most rows out, the first the first."""
    query = f"SELECT rule, count(*) AS n FROM {BAD} GROUP BY rule ORDER BY n DESC, rule"
    counts = [(rule, n) for rule, n in case.connection.execute(query).fetchall()]
    counts += [("shape", len(case.ragged.rows))] if case.ragged.rows else []
    return ", ".join(f"{rule} ({n:,})" for rule, n in sorted(counts, key=lambda found: -found[1])[:_NAMED])


def examine(case: Case) -> tuple[Finding, ...]:
    """Apply every rule: a person wants all the reasons at once. The rows to take out are then in the file `bad`."""
    case.connection.execute(f"CREATE OR REPLACE TEMP TABLE {BAD} ({ROW} BIGINT, rule VARCHAR)")
    findings = (*_broken(case), *_repeated(case), *_before(case))
    case.connection.execute(f"COPY {BAD} TO {path(case.bad)} (FORMAT parquet)")
    return findings


def staying(case: Case) -> str:
    """SQL for the typed rows that are not taken out, in their order."""
    columns = ", ".join(name(column.name) for column in case.contract.columns)
    if not _taken(case):
        return f"(SELECT {columns} FROM {case.staged.relation})"
    out = f"(SELECT DISTINCT {ROW} FROM read_parquet({path(case.bad)}))"
    return f"(SELECT {columns} FROM {case.staged.relation} ANTI JOIN {out} USING ({ROW}) ORDER BY {ROW})"


def _broken(case: Case) -> Iterator[Finding]:
    held = (*case.staged.types, *_rules(case))
    counts = _asked(case, [breaks(rule) for rule in held])
    wrong = [(rule, count) for rule, count in zip(held, counts, strict=True) if count]
    first = _asked(case, [f"min({ROW}, {EXAMPLES}) FILTER ({rule.condition})" for rule, _ in wrong])
    values = _values(case, [rule for rule, _ in wrong], first)
    for (rule, count), shown in zip(wrong, values, strict=True):
        if rule.severity is Severity.QUARANTINE:
            _take(case, f"SELECT {ROW} FROM {case.staged.relation} WHERE {rule.condition}", rule.rule, rule.subject)
        yield Broken(case.contract, rule, count, shown).finding()


def _rules(case: Case) -> Iterator[Rule]:
    """What is missing since it does not fit is told once, as that."""
    flags = {rule.subject: rule.condition for rule in case.staged.types}
    for rule in rules(case.contract):
        if rule.rule != "required":
            yield rule
        elif rule.subject not in case.scan.absent:
            fits = f" AND NOT {flags[rule.subject]}" if rule.subject in flags else ""
            yield Rule(rule.rule, rule.subject, rule.columns, rule.condition + fits, rule.severity)


def _asked(case: Case, aggregates: Sequence[str]) -> list[Any]:
    """What these SQL aggregates are over all typed rows."""
    return [
        value
        for some in batched(aggregates, _AT_ONCE)
        for value in case.connection.execute(f"SELECT {', '.join(some)} FROM {case.staged.relation}").fetchall()[0]
    ]


def _values(case: Case, broken: Sequence[Rule], first: Sequence[list[int]]) -> list[list[tuple[int, str | None]]]:
    """For each rule, its first rows with what stands in the file, in one more pass over it."""
    wanted = sorted({row for rows in first for row in rows})
    if not wanted:
        return []
    sources = {cell.column.name: cell.source for cell in case.scan.cells}
    used = list(dict.fromkeys(column for rule in broken for column in rule.columns))
    texts = ", ".join([ROW, *(f"CAST({sources[column]} AS VARCHAR)" for column in used)])
    numbered = f"(SELECT row_number() OVER () AS {ROW}, * FROM {case.scan.relation})"
    query = f"SELECT {texts} FROM {numbered} WHERE {ROW} IN ({', '.join(map(str, wanted))})"
    found = {row: dict(zip(used, values, strict=True)) for row, *values in case.connection.execute(query).fetchall()}
    return [
        [(case.ragged.number(row), _shown(rule, found[row])) for row in rows]
        for rule, rows in zip(broken, first, strict=True)
    ]


def _shown(rule: Rule, values: dict[str, str | None]) -> str | None:
    if rule.rule == "required":
        return None
    if len(rule.columns) == 1 and not rule.rule.startswith("check:"):
        return values[rule.columns[0]]
    return ", ".join(f"{column} {values[column] or '(missing)'}" for column in rule.columns)


def _repeated(case: Case) -> Iterator[Finding]:
    for unique in case.contract.uniques:
        found = repeats(case.staged.relation, unique, EXAMPLES, case.connection)
        if found:
            if case.contract.severity("unique", unique.label) is Severity.QUARANTINE:
                _take(case, later_ones(case.staged.relation, unique), "unique", unique.label)
            yield repeated(found, case.contract, case.ragged)


def _before(case: Case) -> Iterator[Finding]:
    """What must be unique everywhere and was in an earlier object."""
    for unique in everywhere(case.contract) if case.context.earlier_keys else ():
        query = seen_before(case.staged.relation, unique, case.context.earlier_keys)
        (count,) = case.connection.execute(f"SELECT count(*) FROM ({query})").fetchall()[0]
        if count:
            if case.contract.severity("unique", unique.label) is Severity.QUARANTINE:
                _take(case, f"SELECT {ROW} FROM ({query})", "unique", unique.label)
            first = case.connection.execute(f"{query} ORDER BY {ROW} LIMIT {EXAMPLES}").fetchall()
            yield said_before(unique, count, first, case.contract, case.ragged)


def _take(case: Case, rows: str, rule: str, subject: str) -> None:
    what = f"{rule} {subject}" if not rule.startswith("check:") else rule
    case.connection.execute(f"INSERT INTO {BAD} SELECT {ROW}, ? FROM ({rows})", [what])
