"""Hostile archives: cut, damaged, nested, empty over and over, and such as unpack to more than anybody has room for."""

from __future__ import annotations

import gzip
import struct
import zlib

from backports import zstd

from tests.unit.data.hostile.case import CSV, Case, case, cases, noise
from tests.unit.data.tables import csv_text, rows

LONG = csv_text(rows(3_000)).encode()
GZIP = gzip.compress(LONG, mtime=0)
ZSTD = zstd.compress(LONG, options={int(zstd.CompressionParameter.checksum_flag): 1})
MAGIC = b"\x28\xb5\x2f\xfd"
WINDOW_OF_4_GIB = bytes([22 << 3])
WINDOW_OF_1_MIB = bytes([10 << 3])


def zstd_bomb(blocks: int, byte: bytes, size: int = 128 * 1024) -> bytes:
    """A frame of blocks that each repeat one byte: four bytes in the file for `size` bytes of it."""
    head = MAGIC + b"\x00" + WINDOW_OF_1_MIB
    block, last = (((size << 3) | 2 | end).to_bytes(3, "little") + byte for end in (0, 1))
    return head + block * (blocks - 1) + last


def gzip_bomb(byte: bytes, mebibytes: int) -> bytes:
    """Members of a mebibyte of one byte each."""
    return gzip.compress(byte * 2**20, mtime=0) * mebibytes


def _cut() -> list[Case]:
    parts = (0.001, 0.01, 0.2, 0.5, 0.9, 0.999)
    table = [(f"gzip at {share}", GZIP[: max(3, int(len(GZIP) * share))], "a gzip file that ends") for share in parts]
    table += [(f"zstd at {share}", ZSTD[: max(5, int(len(ZSTD) * share))], "a Zstandard file that") for share in parts]
    return cases("cut archive", table)


def _damaged() -> list[Case]:
    middle = len(GZIP) // 2
    table = [
        ("gzip with a bit turned", GZIP[:middle] + bytes([GZIP[middle] ^ 4]) + GZIP[middle + 1 :], "a gzip file that"),
        ("gzip with a wrong sum", GZIP[:-8] + b"\0" * 4 + GZIP[-4:], "a gzip file that"),
        ("gzip with a wrong length", GZIP[:-4] + struct.pack("<I", 7), "a gzip file that"),
        ("gzip with noise behind", GZIP + noise(1, 100), "a gzip file that"),
        ("gzip of an unknown method", b"\x1f\x8b\x07" + GZIP[3:], "a gzip file that"),
        ("gzip in name only", b"\x1f\x8b" + noise(2), "a gzip file that"),
        ("zlib without a head", zlib.compress(LONG), "a table as CSV"),
        ("zstd in name only", MAGIC + noise(3), "a Zstandard file that"),
        ("zstd with a byte changed", ZSTD[:900] + b"\xff\xfe" + ZSTD[902:], "a Zstandard file that"),
        ("zstd with noise behind", ZSTD + noise(4, 100), "a Zstandard file that"),
        ("zstd that lacks its dictionary", MAGIC + b"\x23\x07\x00\x00\x00\x05" + ZSTD[6:], "a Zstandard file that"),
        ("zstd that wants 4 GiB of memory", MAGIC + b"\x00" + WINDOW_OF_4_GIB + ZSTD[6:], "a Zstandard file that"),
    ]
    return cases("damaged archive", table)


def _nested() -> list[Case]:
    skippable = b"\x50\x2a\x4d\x18" + struct.pack("<I", 9) + b"x" * 9
    table = [
        ("gzip in gzip", gzip.compress(GZIP), "a gzip file inside a gzip file"),
        ("gzip in zstd", zstd.compress(GZIP), "a gzip file inside a Zstandard file"),
        ("zstd in gzip", gzip.compress(ZSTD), "a Zstandard file inside a gzip file"),
        ("a zip in gzip", gzip.compress(b"PK\x03\x04" + noise(5)), "a ZIP archive"),
        ("nothing in gzip", gzip.compress(b""), "an empty file"),
        ("nothing in zstd", zstd.compress(b""), "an empty file"),
        ("nothing but a frame to skip", skippable, "an empty file"),
        ("gzip in two members", gzip.compress(CSV[:400]) + gzip.compress(CSV[400:]), ""),
        ("gzip with zeros behind", gzip.compress(CSV) + bytes(512), ""),
        (
            "zstd in two frames, one to skip between",
            zstd.compress(CSV[:400]) + skippable + zstd.compress(CSV[400:]),
            "",
        ),
        ("UTF-16 in zstd", zstd.compress(CSV.decode().encode("utf-16")), ""),
    ]
    return cases("nested", table)


def _bombs() -> list[Case]:
    empty = gzip.compress(b"", mtime=0)
    return [
        case("bomb: 250,000 empty members of gzip", empty * 250_000, "of which"),
        case("bomb: a million empty frames", zstd.compress(b"") * 1_000_000, "of which"),
        case("bomb: 8 GiB of one letter in zstd", zstd_bomb(65_536, b"x"), "a line of over"),
        case("bomb: 8 GiB of zeros in zstd", zstd_bomb(65_536, b"\0"), "a line of over"),
        case("bomb: 8 GiB of line breaks in zstd", zstd_bomb(65_536, b"\n"), "over 1,000 times its size"),
        case("bomb: a PAR1 of 8 GiB in zstd", _parquet_bomb(), "over 1,000 times its size"),
        case("bomb: a line of 1 GiB in gzip", gzip_bomb(b"x", 1024), "a line of over"),
        case("bomb: 100 MiB of line breaks in gzip", gzip_bomb(b"\n", 100), "only blank lines"),
        case("bomb: a ZIP of zips", b"PK\x03\x04" + noise(6, 100_000), "a ZIP archive"),
    ]


def _parquet_bomb() -> bytes:
    return zstd.compress(b"PAR1" + bytes(100)) + zstd_bomb(65_536, b"\0")


def packed_cases() -> list[Case]:
    return [*_cut(), *_damaged(), *_nested(), *_bombs()]
