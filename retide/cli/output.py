"""How the command line speaks: results on stdout, the rest on stderr; plain lines where nobody watches a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

MARKS: Final = {"done": "[green]✓[/]", "failed": "[red]✗[/]", "note": "[cyan]•[/]", "warning": "[yellow]![/]"}


def out() -> Console:
    """A console for results: made when asked for, so that it sees the stdout of the moment."""
    return Console(highlight=False, soft_wrap=False)


def err() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)


def tell(text: str) -> None:
    """One line that is not a result: it never disturbs a pipe."""
    err().print(escape(text), style="dim")


def show_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, default=_plain, ensure_ascii=False) + "\n")


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, set | tuple | frozenset):
        return list(value)
    raise TypeError(f"{value!r} has no form in JSON")


def table(*columns: str, title: str = "") -> Table:
    """A table with the house's look; `>` before a column's name sets it to the right. Long cells fold."""
    made = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", title_style="bold", pad_edge=False)
    for name in columns:
        right = name.startswith(">")
        made.add_column(name.removeprefix(">"), justify="right" if right else "left", overflow="fold")
    return made


def seconds(value: float) -> str:
    """0.4 s, 12 s, 3 min 05 s."""
    if value < 10:
        return f"{value:.1f} s"
    if value < 120:
        return f"{value:.0f} s"
    return f"{int(value) // 60} min {int(value) % 60:02} s"


def plain(text: str) -> str:
    """Text that came from outside, as a terminal may show it: nothing in it moves the cursor or turns the line."""
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text)


def shorten(text: str, width: int = 12) -> str:
    return text if len(text) <= width else text[:width]


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(items: Sequence[str], none: str = "none") -> str:
    return ", ".join(items) or none


class Progress:
    """Says what happens while it happens: a finished line each, and a spinner where there is a terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._status: Status | None = None
        self._doing = ""

    @contextmanager
    def running(self) -> Iterator[Progress]:
        """Show the spinner for as long as this lasts."""
        if not self.console.is_terminal:
            yield self
            return
        with self.console.status("", spinner="dots") as self._status:
            yield self
        self._status = None

    def title(self, text: str) -> None:
        self.console.print()
        self.console.print(Text(text, style="bold"))

    def headline(self, text: str) -> None:
        self.console.print(Text(f"  {text}", style="cyan"))

    def line(self, mark: str, text: str, detail: str = "", took: float | None = None) -> None:
        """One finished line: mark, text, seconds, detail."""
        spent = seconds(took) if took is not None else ""
        row = Table.grid(padding=(0, 1))
        row.add_column(width=1)
        row.add_column(width=22, overflow="fold")
        row.add_column(width=9, justify="right", style="dim")
        row.add_column(overflow="fold", ratio=1)
        row.add_row(MARKS[mark], Text(text), spent, Text(detail, style="" if mark != "done" else "dim"))
        self.console.print(row)

    def show(self, *lines: Text) -> None:
        """More about the line before, set in under it."""
        for line in lines:
            self.console.print(Padding(line, (0, 0, 0, 4)))

    def doing(self, text: str) -> None:
        """What runs right now; costs nothing where nobody watches."""
        if self._status is not None and text != self._doing:
            self._status.update(escape(text))
        self._doing = text
