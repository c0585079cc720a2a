"""Turn text of any named encoding into UTF-8 without NUL bytes, overlong lines and mixed line ends; guess nothing."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from retide.data import limits
from retide.data.findings import Refused, unreadable
from retide.domain.formats import Encoding

_CHUNK: Final = limits.MIB
_UTF16: Final = {codecs.BOM_UTF16_LE: Encoding.UTF_16_LE, codecs.BOM_UTF16_BE: Encoding.UTF_16_BE}
_UTF32: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_AROUND: Final = 12


class NotUtf8(Exception):
    """The text is something else than UTF-8; `refused` says where, should that be an error."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(str(refused))
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Text:
    """A file of UTF-8, and what reading it once has shown: `plain` is all ASCII; `underscores` come after line one.

    Outside of quotes, its lines end with `line_end` only.
    """

    path: Path
    line_end: str
    plain: bool
    underscores: bool


def as_utf8(path: Path, scratch: Path, encoding: Encoding | None, *, secret: bool = False) -> Text:
    """The same text as a file that a reader of CSV can take: that at `path` itself where it can. Raises Refused.

    `encoding` is the contract's for what is neither UTF-8 nor marked. Nothing of a `secret` text is quoted.
    """
    wide = _marked(path) or _named_wide(path, encoding)
    if wide:
        path = _transcode(path, scratch / "utf8", wide)
    try:
        seen = _check(path, secret=secret)
    except NotUtf8 as error:
        if not encoding or wide:
            raise error.refused from None
        path = _transcode(path, scratch / "utf8", encoding)
        seen = _check(path, secret=secret)
    path = _with_even_lines(path, scratch / "even") if seen.mixed else path
    return Text(path, seen.line_end, seen.plain, seen.underscores)


def chunks(path: Path) -> Iterator[bytes]:
    """The file in pieces, and an empty one at its end."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
        yield b""


class Lines:
    """Looks at pieces of a text for lines that are longer than `most` bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open = 0
        self._position = 0

    def take(self, chunk: bytes) -> None:
        """Raises Refused. Lines within one piece are not looked at: a piece is no longer than a line may be."""
        if self._open + len(chunk) > self._most and self._open + _first_break(chunk) > self._most:
            seen = f"a line of over {self._most:,} bytes, from byte {self._position - self._open:,} on"
            raise unreadable(seen, "End each row with a line break, and leave out cells of that size.")
        last = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        self._open = self._open + len(chunk) if last < 0 else len(chunk) - last - 1
        self._position += len(chunk)


def _first_break(chunk: bytes) -> int:
    return min((at for at in (chunk.find(b"\n"), chunk.find(b"\r")) if at >= 0), default=len(chunk))


def _marked(path: Path) -> Encoding | None:
    with path.open("rb") as file:
        start = file.read(4)
    if start in _UTF32:
        raise unreadable("text in UTF-32", "Save it as UTF-8 (in a spreadsheet: 'CSV UTF-8').")
    return _UTF16.get(start[:2])


def _named_wide(path: Path, encoding: Encoding | None) -> Encoding | None:
    """The contract's encoding where it takes two bytes a character and the file does: its line breaks hold a NUL."""
    if encoding not in _UTF16.values():
        return None
    with path.open("rb") as file:
        return encoding if 0 in file.read(_CHUNK) else None


def _transcode(path: Path, target: Path, encoding: Encoding) -> Path:
    decoder = codecs.getincrementaldecoder(encoding)()
    position = 0
    with target.open("wb") as plain:
        for chunk in chunks(path):
            pending = len(decoder.getstate()[0])
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                raise _undecodable(path, encoding, position - pending + error.start, error) from None
            plain.write(text.removeprefix("\ufeff" if not position else "").encode())
            position += len(chunk)
    return target


def _undecodable(path: Path, encoding: Encoding, at: int, error: UnicodeDecodeError) -> Refused:
    seen = f"text in {encoding} that breaks {_place(path, at)} (0x{error.object[error.start]:02x}: {error.reason})"
    return unreadable(seen, "It was cut off or is of another encoding: save it as UTF-8 and send it again.")


def _check(path: Path, *, secret: bool) -> _Seen:
    """Raises Refused, and NotUtf8 for bytes that are none. The bytes are looked at in bulk: this is on every path."""
    decoder, lines, seen = codecs.getincrementaldecoder("utf-8")(), Lines(limits.LONGEST_LINE), _Seen()
    position = 0
    for chunk in chunks(path):
        pending = decoder.getstate()[0]
        if 0 in chunk:
            raise _binary(path, position + chunk.find(0))
        lines.take(chunk)
        seen.take(chunk, first=not position)
        try:
            if pending or not chunk.isascii():
                seen.plain = False
                decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            at = position - len(pending) + error.start
            raise NotUtf8(_not_utf8(path, error, at, secret=secret)) from None
        position += len(chunk)
    return seen


class _Seen:
    """What the pieces of a text hold: which kinds of line ends, anything but ASCII, an underscore after line one."""

    def __init__(self) -> None:
        self.plain = True
        self.underscores = False
        self._held = b""
        self._kinds: set[bytes] = set()

    @property
    def mixed(self) -> bool:
        return len(self._kinds) > 1

    @property
    def line_end(self) -> str:
        """The only kind; mixed ones are made even."""
        return self._kinds.copy().pop().decode() if len(self._kinds) == 1 else "\n"

    def take(self, chunk: bytes, *, first: bool) -> None:
        """An empty piece is the end."""
        self.underscores = self.underscores or chunk.find(b"_", _first_break(chunk) if first else 0) >= 0
        if b"\r" in chunk or self._held:
            self._count(chunk)
        elif b"\n" in chunk:
            self._kinds.add(b"\n")

    def _count(self, chunk: bytes) -> None:
        """A carriage return at the end of a piece may be half of a pair, so it waits for the next."""
        text = self._held + chunk
        self._held = b"\r" if chunk and text.endswith(b"\r") else b""
        text = text[: len(text) - len(self._held)]
        pairs = text.count(b"\r\n")
        there = {b"\r\n": pairs, b"\r": text.count(b"\r") - pairs, b"\n": text.count(b"\n") - pairs}
        self._kinds |= {kind for kind, count in there.items() if count}


def _binary(path: Path, at: int) -> Refused:
    advice = "Export the table as CSV, JSON Lines or Parquet."
    if wide := _looks_wide(path):
        advice = f"It looks like {wide} without a mark: save it as UTF-8, or name it in the contract (format.encoding)."
    return unreadable(f"binary data (a NUL byte {_place(path, at)})", advice)


def _looks_wide(path: Path) -> str:
    """UTF-16 of western text has a NUL in every other place, and none between."""
    with path.open("rb") as file:
        start = file.read(1024)
    even, odd = start[::2].count(0), start[1::2].count(0)
    if min(even, odd) or max(even, odd) < len(start) / 4:
        return ""
    return "utf-16-le" if odd else "utf-16-be"


def _not_utf8(path: Path, error: UnicodeDecodeError, at: int, *, secret: bool) -> Refused:
    advice = (
        "Save the file as UTF-8; or, if it is Windows-1252 or Latin-1, name that in the contract (format.encoding)."
    )
    near = "" if secret else f", near '{_around(error)}'"
    return unreadable(f"a byte that is not UTF-8 (0x{error.object[error.start]:02x} {_place(path, at)}{near})", advice)


def _around(error: UnicodeDecodeError) -> str:
    around = error.object[max(0, error.start - _AROUND) : error.start + _AROUND].decode("latin-1")
    return "".join(character if character.isprintable() else "·" for character in around)


def _place(path: Path, at: int) -> str:
    """Where a byte is, for a person with an editor and for one with a hex dump."""
    line, start = 1, 0
    seen = 0
    for chunk in chunks(path):
        part = chunk[: max(0, at - seen)]
        line += part.count(b"\n")
        start = seen + part.rfind(b"\n") + 1 if b"\n" in part else start
        seen += len(chunk)
        if seen > at:
            break
    return f"at byte {at:,}: line {line:,}, byte {at - start + 1:,} of it"


def _with_even_lines(path: Path, target: Path) -> Path:
    """Every line end outside quotes becomes a line feed; those within quotes are part of a value and stay."""
    quoted, held = False, b""
    with target.open("wb") as plain:
        for chunk in chunks(path):
            text = held + chunk
            held = b"\r" if chunk and text.endswith(b"\r") else b""
            parts = text[: len(text) - len(held)].split(b'"')
            plain.write(b'"'.join(part if quoted ^ bool(i % 2) else _even(part) for i, part in enumerate(parts)))
            quoted ^= len(parts) % 2 == 0
    return target


def _even(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
