"""How much of a file is taken, and what each bound protects: a file beyond one is refused, and the bound is named."""

from __future__ import annotations

from typing import Final

MIB: Final = 2**20
GIB: Final = 2**30

LONGEST_LINE: Final = 4 * MIB  # bytes; memory: a reader holds whole lines, several at a time
COLUMNS: Final = 10_000  # time: the statement about a table is planned column by column
HEADER_CHARACTERS: Final = MIB  # time and memory: the header is read by every delimiter in question
UNPACKED: Final = 8 * GIB  # disk: what a compressed file may become ...
FREE_SHARE: Final = 0.5  # ... and at most this share of what is free: the typed rows need room as well
RATIO: Final = 1_000  # time: how many bytes may come out of one, looked at from RATIO_FROM bytes on
RATIO_FROM: Final = 64 * MIB
IDLE_FROM: Final = MIB  # time: compressed bytes after which at least half as many must have come out
ZSTD_WINDOW_LOG: Final = 27  # memory: 128 MiB, what `zstd --long` needs
FOOTER: Final = 64 * MIB  # memory: the footer of a Parquet file is unfolded as a whole, to several times its size
ROW_GROUPS: Final = 100_000  # time: each is opened for each column
ROWS: Final = 1_000_000_000  # time: rows of one repeated value take no room in a Parquet file, but a turn each
ROWS_FROM: Final = 10_000_000  # the same, for small files: this many ...
ROWS_PER_BYTE: Final = 100  # ... and as many more for each byte
RAGGED: Final = 100_000  # memory: rows of a wrong shape are remembered, with what stands in them
FLAWS: Final = 100  # memory: how many lines that are no row are remembered in words
