"""Hostile values in files of sound shape: what only looks like a number or a time, or like a formula or a statement."""

from __future__ import annotations

from collections.abc import Mapping

from tests.unit.data.hostile.case import Case, case, cases, cell
from tests.unit.data.tables import contract

ANY_PLAN = contract(plan={"values": []})

FORMULAS = (
    '=HYPERLINK("http://example.com","x")',
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "=1+1\r\n=2",
)
STATEMENTS = (
    "'; DROP TABLE data; --",
    "') ; COPY (SELECT 1) TO '/tmp/owned'; --",
    "' UNION SELECT content FROM read_text('/etc/passwd') --",
    "$$; ATTACH 'x'; $$",
    'x" OR "1"="1',
    "\\'; SELECT error('x'); --",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "__import__('os').system('id')",
    "%s%n%x{0.__class__}",
)
NO_FLOATS = (
    "inf",
    "-Infinity",
    "1e400",
    "-1e309",
    "3.5e38",
    "1_000",
    "0x1F",
    "1,5",
    "1e",
    "١٢",
    "1.2.3",
    "--1",
    "9" * 400,
)
NO_INTEGERS = (
    "99999999999999999999",
    "9" * 100_000,
    "1.5",
    "1e400",
    "0x10",
    "0b1",
    "1_000",
    "1,000",
    "\uff11\uff12",
    "½",
    "nan%",
    "+-1",
    "2 3",
)
NO_TIMES = (
    "2026-02-30",
    "2026-13-01",
    "2026-01-01T25:00:00Z",
    "2026-01-01T12:60:00Z",
    "0000-00-00",
    "10000-01-01",
    "99999999-01-01",
    "-2026-01-01",
    "infinity",
    "epoch",
    "today",
    "now()",
    "01/02/2026",
    "1767225600",
    "2026-W01-1",
    "2026-001",
    "290000-01-01 00:00:00",
)
NO_BOOLEANS = ("2", "on", "maybe", "truee", "-1", "\uff54rue")


def _refused(column: str, values: tuple[str, ...], says: str) -> list[Case]:
    return cases(f"{column}", [(value[:30], cell(column, value), says) for value in values])


def _taken(column: str, values: Mapping[str, str]) -> list[Case]:
    return cases(f"{column}", [(name, cell(column, value), "") for name, value in values.items()])


def value_cases() -> list[Case]:
    texts = [case(f"kept as text: {value[:30]}", cell("plan", value), "", ANY_PLAN) for value in FORMULAS + STATEMENTS]
    texts += [case(f"as an id: {value[:30]}", cell("customer", value), "") for value in STATEMENTS]
    return [
        *texts,
        *_refused("plan", STATEMENTS[:3], "one of basic, pro"),
        *_refused("spend", NO_FLOATS, "a number such as 12.5"),
        *_refused("months", NO_INTEGERS, "a whole number"),
        *_refused("seen_at", NO_TIMES, "a time like"),
        *_refused("left", NO_BOOLEANS, "true or false"),
        case(
            "spend beside an underscore: 1e400",
            cell("spend", "1e400").replace("C00001", "C_1"),
            "a number such as 12.5",
        ),
        *_taken(
            "spend", {"tiny": "1e-400", "many digits": "0." + "1" * 10_000, "leading zeros": "000001", "point": ".5"}
        ),
        *_taken("months", {"zeros": "0" * 50 + "7", "signed": "+7", "with a point": "7."}),
        *_taken(
            "seen_at",
            {"leap day": "2024-02-29", "offset": "2026-01-01T23:59:59.999999+14:00", "year one": "0001-01-01"},
        ),
    ]
