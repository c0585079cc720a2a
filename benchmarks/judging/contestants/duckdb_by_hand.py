"""DuckDB by hand: every rule in one query, exact distinct counts, a summary, and PSI over the reference's deciles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb

from benchmarks.judging.contestant import Found, Task
from benchmarks.judging.contestants.by_hand import findings, psi, steps
from benchmarks.judging.contestants.tables import duckdb_relation
from benchmarks.judging.rules import PSI, Field, Rules


def judge(task: Task, distinct: str = "count(DISTINCT {})") -> tuple[int, Found]:
    rules, reference = task.rules, json.loads(task.prepared.read_text())
    parts = dict(_parts(rules, reference, distinct))
    selected = ", ".join(parts.values())
    with duckdb.connect() as connection:
        try:
            row = connection.execute(f"SELECT {selected} FROM {duckdb_relation(task)}").fetchall()[0]
        except duckdb.Error:
            return 0, {"type": None}
    seen = dict(zip(parts, row, strict=True))
    shifted = [f.name for f in rules.drifting if psi(reference[f.name]["counts"], _spread(f, seen, reference)) > PSI]
    return seen["rows"], findings(rules, seen, shifted)


def _parts(rules: Rules, reference: dict[str, Any], distinct: str) -> Iterator[tuple[str, str]]:
    yield "rows", "count(*)"
    yield "across", f'count(*) FILTER ("{rules.later}" < "{rules.earlier}")'
    for field in rules.fields:
        yield from ((f"{field.name} {part}", sql) for part, sql in _checks(field, distinct))
    for field in rules.drifting:
        for n, edge in enumerate(reference[field.name].get("edges", ())):
            yield f"{field.name} below {n}", f'count(*) FILTER ("{field.name}" <= {edge!r})'


def _checks(field: Field, distinct: str) -> Iterator[tuple[str, str]]:
    column = f'"{field.name}"'
    yield "nulls", f"count(*) - count({column})"
    if field.kind == "timestamp":
        yield "max", f"max({column})"
    if field.numeric:
        yield from ((name, f"{name}({column})") for name in ("min", "max", "avg", "stddev"))
    if field.low is not None:
        yield "range", f"count(*) FILTER ({column} NOT BETWEEN {field.low} AND {field.high})"
    if field.values:
        allowed = ", ".join(f"'{value}'" for value in field.values)
        yield "values", f"count(*) FILTER ({column} NOT IN ({allowed}))"
        yield "histogram", f"histogram({column})"
    if field.pattern:
        yield "pattern", f"count(*) FILTER (NOT regexp_full_match({column}, '{field.pattern}'))"
    if field.unique:
        yield "distinct", distinct.format(column)


def _spread(field: Field, seen: dict[str, Any], reference: dict[str, Any]) -> dict[str, int]:
    if not field.numeric:
        return dict(seen[f"{field.name} histogram"])
    below = [seen[f"{field.name} below {n}"] for n in range(len(reference[field.name]["edges"]))]
    return steps(below, seen["rows"] - seen[f"{field.name} nulls"])


def prepare(task: Task) -> None:
    known: dict[str, Any] = {}
    with duckdb.connect() as connection:
        for field in task.rules.drifting:
            known[field.name] = _known(field, f"read_parquet('{task.reference}')", connection)
    task.prepared.write_text(json.dumps(known))


def _known(field: Field, relation: str, connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    column = f'"{field.name}"'
    if not field.numeric:
        (row,) = connection.execute(f"SELECT histogram({column}) FROM {relation}").fetchall()
        return {"counts": row[0]}
    deciles = f"quantile_disc({column}, {[n / 10 for n in range(1, 10)]})"
    edges = sorted({float(edge) for edge in connection.execute(f"SELECT {deciles} FROM {relation}").fetchall()[0][0]})
    below = ", ".join(f"count(*) FILTER ({column} <= {edge!r})" for edge in edges)
    *counts, present = connection.execute(f"SELECT {below}, count({column}) FROM {relation}").fetchall()[0]
    return {"edges": edges, "counts": steps(counts, present)}
