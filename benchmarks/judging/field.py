"""Who takes part: the limit, ours, by hand, and the libraries; each in an environment of what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Contestant:
    """`module` is in benchmarks/judging/contestants; without `requirements` it runs in this project's environment.

    `python` is the version of Python that its wheels are for, `largest` the rows beyond which it is not asked.
    """

    name: str
    module: str
    requirements: tuple[str, ...] = ()
    python: str = ""
    largest: int = 10_000_000

    @property
    def limit(self) -> bool:
        return self.name.startswith("limit")


FIELD: Final = (
    Contestant("limit: DuckDB", "limit_duckdb"),
    Contestant("limit: Polars", "limit_polars", ("polars",)),
    Contestant("ours", "ours"),
    Contestant("ours, rows kept", "ours_keep"),
    Contestant("Polars by hand", "polars_by_hand", ("polars",)),
    Contestant("DuckDB by hand, approximate", "duckdb_approximate"),
    Contestant("DuckDB by hand", "duckdb_by_hand"),
    Contestant("pandera[polars]", "pandera_with_polars", ("pandera[polars]",)),
    Contestant("pandera[pandas]", "pandera_with_pandas", ("pandera[pandas]", "pyarrow")),
    Contestant("Great Expectations", "great", ("great-expectations", "pandas", "pyarrow")),
    Contestant("TFDV", "tfdv", ("tensorflow-data-validation", "dill"), python="3.11"),
    Contestant("whylogs", "with_whylogs", ("whylogs[viz]", "numpy<2", "pandas<3", "pyarrow<20"), largest=1_000_000),
    Contestant("evidently", "with_evidently", ("evidently", "pandas<3", "pyarrow"), largest=1_000_000),
)


def chosen(words: tuple[str, ...]) -> tuple[Contestant, ...]:
    """Those whose name begins with one of the words, or all; raises ValueError for a word of nobody."""
    for word in words:
        if not any(_called(contestant, word) for contestant in FIELD):
            raise ValueError(f"{word!r} is the beginning of no contestant's name: {', '.join(c.name for c in FIELD)}")
    return tuple(c for c in FIELD if not words or any(_called(c, word) for word in words))


def _called(contestant: Contestant, word: str) -> bool:
    return contestant.name.lower().startswith(word.strip().lower())
