"""A batch's manifest: what it may look like, and what lies in a folder compared with it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from retide.domain.ledger import ObjectRecord, ObjectState
from retide.domain.manifest import BadManifest, Listed, Manifest, read


def version(name: str, size: int = 3, etag: str = "e" * 32, id_: str = "") -> ObjectRecord:
    return ObjectRecord(f"incoming/m/day/{name}", "v1", id_ or name, etag, size, "2026", ObjectState.PENDING)


def manifest(*files: Any) -> Manifest:
    return read(json.dumps({"files": list(files)}).encode())


def test_a_manifest_lists_names_with_sizes_and_digests_or_without() -> None:
    full = {"name": "b.csv", "size": 5, "sha256": "a" * 64, "md5": "b" * 32, "rows": 7}
    assert manifest("a.csv", full).files == (Listed("a.csv"), Listed("b.csv", 5, "a" * 64, "b" * 32))
    assert read(b'["a.csv"]') == manifest("a.csv")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"\xff", "not JSON"),
        (b"7", "lists no files"),
        (b"{}", "lists no files"),
        (b'{"files": []}', "lists no files"),
        (b'["a.csv", "a.csv"]', "lists 'a.csv' twice"),
        (b'["sub/a.csv"]', r"files\[0\].name"),
        (b'[""]', r"files\[0\].name"),
        (b'["\\ud800.csv"]', r"files\[0\].name"),
        (b'["_SUCCESS"]', r"files\[0\].name"),
        (b"[7]", r"files\[0\].name"),
        (b'[{"name": "a", "size": "3"}]', r"files\[0\].size must be a number of bytes, not '3'"),
        (b'[{"name": "a", "size": true}]', r"files\[0\].size"),
        (b'[{"name": "a", "size": -1}]', r"files\[0\].size"),
        (b'[{"name": "a", "sha256": "A"}]', r"files\[0\].sha256 must be lower-case hexadecimal"),
        (b'[{"name": "a", "md5": 5}]', r"files\[0\].md5"),
    ],
)
def test_a_manifest_that_says_nothing_usable_is_refused_in_words(data: bytes, reason: str) -> None:
    with pytest.raises(BadManifest, match=reason):
        read(data)


def test_what_is_listed_and_not_there_is_missing() -> None:
    assert manifest("a.csv", "b.csv", "c.csv").sort([version("b.csv")]).missing == ("a.csv", "c.csv")


@pytest.mark.parametrize(
    ("listed", "why"),
    [
        ({"name": "a.csv", "size": 4}, "a.csv has 3 bytes where the manifest says 4"),
        ({"name": "a.csv", "md5": "f" * 32}, f"a.csv has the MD5 {'e' * 32} where the manifest says {'f' * 32}"),
    ],
)
def test_a_version_that_is_not_the_listed_file_is_refused_and_the_file_still_missing(listed: Any, why: str) -> None:
    found = manifest(listed).sort([version("a.csv")])
    assert (found.missing, found.refused) == (("a.csv",), {"a.csv": why})


def test_of_several_versions_the_one_that_fits_is_the_file() -> None:
    found = manifest({"name": "a.csv", "size": 4}).sort(
        [version("a.csv", 3, id_="cut"), version("a.csv", 4, id_="all")]
    )
    assert found.missing == ()
    assert list(found.refused) == ["cut"]


def test_an_etag_that_is_no_md5_proves_nothing() -> None:
    assert manifest({"name": "a.csv", "md5": "f" * 32}).sort([version("a.csv", etag="x-2")]).missing == ()


def test_a_sha256_goes_with_the_version_to_be_checked_when_it_is_read() -> None:
    assert manifest({"name": "a.csv", "sha256": "a" * 64}, "b.csv").sort(
        [version("a.csv"), version("b.csv"), version("extra.csv")]
    ).digests == {"a.csv": "a" * 64}
