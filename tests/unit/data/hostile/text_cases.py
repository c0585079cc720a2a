"""Hostile text: cut, binary, of odd encodings, without end, ragged, and with headers that only look right."""

from __future__ import annotations

from tests.unit.data.hostile.case import CSV, GOOD, Case, Named, case, cases, cell, headed, noise, renamed
from tests.unit.data.tables import HEADER, csv_text, rows

LINES = GOOD.splitlines()
ROW = LINES[1]


def _with_line(line: str) -> str:
    return "\n".join([*LINES[:8], line, *LINES[8:]]) + "\n"


def _cut() -> list[Case]:
    starts = [GOOD.index(LINES[number]) for number in (3, 8, 14, 20)]
    inside = [(f"after {at + 14} bytes", CSV[: at + 14], "rows with as many fields") for at in starts]
    header = [(f"after {at} bytes of the header", CSV[:at], "missing") for at in (9, 17, 22)]
    quoted = csv_text([[f'"{row[0]}\n', *row[1:]] for row in rows()]).encode()
    return cases("cut CSV", [*inside, *header, ("in a quoted cell", quoted[:300], "rows with as many fields")])


def _binary() -> list[Case]:
    places = (0, 20, 60, 400, len(CSV) - 1)
    nul = [(f"NUL at {at}", CSV[:at] + b"\0" + CSV[at + 1 :], f"a NUL byte at byte {at}") for at in places]
    random = [(f"noise {seed}", b"%c" % (65 + seed) + noise(seed), "binary data") for seed in range(8)]
    filled = [("zeros", bytes(10_000), "binary data"), ("ones", b"\xff" * 10_000, "not UTF-8")]
    behind = [("noise behind the header", LINES[0].encode() + b"\n" + noise(9), "")]
    refusals = [(name, content, says or "a table as CSV") for name, content, says in behind]
    return cases("binary", [*nul, *random, *filled, *refusals])


def _encodings() -> list[Case]:
    inside = CSV.index(b"C00007") + 1
    spoilt = {
        "overlong slash": b"\xc0\xaf",
        "overlong NUL": b"\xc0\x80",
        "overlong in three bytes": b"\xe0\x80\xaf",
        "surrogate": b"\xed\xa0\x80",
        "surrogate pair (CESU-8)": b"\xed\xa0\xbd\xed\xb8\x80",
        "beyond Unicode": b"\xf4\x90\x80\x80",
        "five bytes": b"\xf8\x88\x80\x80\x80",
        "lone continuation": b"\x80",
        "lone lead": b"\xc3",
        "Latin-1": "é".encode("latin-1"),
        "Shift-JIS": "顧客".encode("shift_jis"),
        "EBCDIC": "Kunde".encode("cp500"),
    }
    table: list[Named] = [
        (name, CSV[:inside] + sign + CSV[inside:], "a byte that is not UTF-8") for name, sign in spoilt.items()
    ]
    wide = GOOD.encode("utf-16")
    table += [
        ("UTF-16 cut within a character", wide[:-1], "text in utf-16-le that breaks"),
        ("UTF-16 with half a pair", wide[:100] + b"\x00\xd8" + wide[100:], "text in utf-16-le that breaks"),
        ("UTF-32", GOOD.encode("utf-32"), "UTF-32"),
        ("UTF-16 without a mark", GOOD.encode("utf-16-be"), "looks like utf-16-be"),
        ("cut within the last character", CSV + "é".encode()[:1], "a byte that is not UTF-8"),
        ("UTF-7", cell("plan", "+AGc-old"), "one of basic, pro"),
    ]
    return cases("encoding", table)


def _lines() -> list[Case]:
    mixed = "".join(line + ("\n", "\r\n", "\r")[i % 3] for i, line in enumerate(LINES))
    breaks = csv_text([[f"{row[0]}\r\nsecond\rthird\n", *row[1:]] for row in rows()], newline="\r\n")
    table = [
        ("three kinds of ends", mixed, ""),
        ("breaks of other kinds in cells", breaks, ""),
        (
            "breaks of other kinds in the header",
            "\n" + csv_text([[*row, 1] for row in rows()], (*HEADER, "a\r\nb")),
            "",
        ),
        ("breaks of other kinds in the first row", cell("customer", "a\r\nb\rc", row=1), ""),
        ("a return at the end only", GOOD.rstrip("\n") + "\r", ""),
        ("a million blank lines", GOOD + "\n" * 1_000_000, ""),
        ("a million blank lines above", "\n" * 1_000_000 + GOOD, ""),
        ("nothing but blank lines", "\r\n" * 1_000_000, "only blank lines"),
        ("a line of 5 MiB", _with_line("C9," + "x" * (5 * 2**20)), "a line of over 4,194,304 bytes"),
        ("a header of 5 MiB", "x" * (5 * 2**20), "a line of over 4,194,304 bytes"),
        ("a cell of 3 MiB", cell("plan", "x" * (3 * 2**20)), "one of basic, pro"),
        ("a quoted cell of 6 MiB in lines", cell("customer", "x\n" * (3 * 2**20)), "4 MiB"),
        ("form feeds and other breaks of Unicode", cell("customer", "a\x0b\x0c\x1c\x85\u2028b"), ""),
        ("escape sequences of a terminal", cell("plan", "\x1b[2Jgold"), r"one of basic, pro"),
    ]
    return cases("lines", table)


def _ragged() -> list[Case]:
    odd = {
        "too few fields": "C9,2026-01-01,pro",
        "too many fields": ROW + ",1,2,3",
        "one field": "C9",
        "text behind a quote": '"C9"x,2026-01-01,pro,1,1,true',
        "an escape that is none": '"C\\"9",2026-01-01,pro,1,1,true',
        "another delimiter": ROW.replace(",", ";"),
    }
    table = [(name, _with_line(line), "rows with as many fields as the header") for name, line in odd.items()]
    table.append(("a million empty fields", _with_line("," * 1_000_000), "a value in every row"))
    open_quote = '"C9,2026-01-01,pro,1,1,true'
    table += [
        ("a quote that is never closed", _with_line(open_quote), "rows with as many fields"),
        ("a quote open at the end", GOOD + open_quote, "rows with as many fields"),
        ("nothing but quotes", '"' * 100_001, "none of them"),
        ("nothing but commas", "," * 100_000, "only blank lines or empty cells"),
        ("the header a second time", _with_line(LINES[0]), "a whole number"),
        ("a comment", _with_line("# exported by hand"), "rows with as many fields"),
        ("signs of a merge", _with_line("<<<<<<< HEAD"), "rows with as many fields"),
    ]
    return cases("ragged", table)


def _headers() -> list[Case]:
    tricks = {
        "zero width space": "pl\u200ban",
        "zero width joiner": "plan\u200d",
        "soft hyphen": "pl\u00adan",
        "homoglyph": "pl\u0430n",
        "full width": "\uff50lan",
        "right to left override": "\u202enalp",
        "isolate": "\u2066plan\u2069",
        "combining mark": "pla\u0301n",
        "byte order mark inside": "pl\ufeffan",
        "variation selector": "plan\ufe0f",
        "tag characters": "plan\U000e0061",
    }
    table = [(name, renamed("plan", trick), ascii(trick).strip("'")) for name, trick in tricks.items()]
    table += [
        ("two byte order marks", "\ufeff\ufeff" + GOOD, "customer"),
        ("a column twice", headed([*HEADER[:-1], "months"]), "one column of this name"),
        ("all columns of one name", headed(["plan"] * 6), "6 of them"),
        ("upper case", headed([name.upper() for name in HEADER]), "Rename"),
        ("empty names", headed([""] * 6), ""),
        ("SQL as a name", renamed("plan", 'plan"); DROP TABLE x; --'), "plan missing"),
        ("SQL as a further column", "\n".join(line + ",x" for line in LINES).replace(",x", ",c0') OR 1=1 --", 1), ""),
        ("a path as a further column", "\n".join(line + ",x" for line in LINES).replace(",x", ",/etc/passwd", 1), ""),
        ("10,001 columns", ",".join(f"c{i}" for i in range(10_001)), "more than the 10,000"),
        ("100,000 columns", ",".join(f"c{i}" for i in range(100_000)), "more than the 10,000"),
        ("a name of a megabyte", "x" * 2**20 + "\n", "a first line of over"),
        ("a name of 200,000 characters", "x" * 200_000 + ",plan\n1,2\n", "field larger than field limit"),
        ("names in quotes that never end", '"' + LINES[0] + "\n" * 200_000, "CSV"),
    ]
    return cases("header", table)


def _wide() -> list[Case]:
    header = ",".join([*HEADER, *(f"x{i}" for i in range(5_000))])
    table = "\n".join([header, *(line + ",1" * 5_000 for line in LINES[1:])])
    return [case("header: 5,006 columns, of which six are wanted", table, "")]


def text_cases() -> list[Case]:
    return [*_cut(), *_binary(), *_encodings(), *_lines(), *_ragged(), *_headers(), *_wide()]
