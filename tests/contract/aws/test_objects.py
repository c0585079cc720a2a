"""The data bucket, in memory and on S3."""

from __future__ import annotations

from pathlib import Path

import pytest

from retide.aws.clients import Clients
from retide.ports import ObjectGone, Objects
from tests.contract.aws.conftest import BUCKET, make_bucket

NAMES = ["plain.csv", "incoming/m/größe 1+2&3=?.csv", "incoming/m/数据/a b.csv", "incoming/m/%2F..%20x.csv"]


@pytest.mark.parametrize("key", NAMES)
def test_what_is_put_is_got_back_under_any_name(objects: Objects, key: str) -> None:
    objects.put(key, b"bytes\0\xff")
    assert objects.get(key) == b"bytes\0\xff"
    assert objects.open(key).read() == b"bytes\0\xff"
    assert objects.exists(key)
    assert objects.uri(key) == f"s3://{BUCKET}/{key}"


def test_what_is_not_there_is_gone_by_name(objects: Objects, tmp_path: Path) -> None:
    assert not objects.exists("no")
    assert objects.head("no") is None
    for call in (
        lambda: objects.get("no"),
        lambda: objects.open("no"),
        lambda: objects.download("no", None, tmp_path / "x"),
        lambda: objects.copy("no", None, "to"),
    ):
        with pytest.raises(ObjectGone, match="s3://bucket/no"):
            call()


def test_each_version_keeps_its_own_bytes(objects: Objects, tmp_path: Path) -> None:
    objects.put("k", b"first")
    first = objects.head("k")
    objects.put("k", b"second!")
    second = objects.head("k")
    assert first
    assert second
    assert first.version != second.version
    assert (first.size, second.size) == (5, 7)
    assert objects.head("k", first.version) == first
    objects.download("k", first.version, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b"first"
    objects.copy("k", first.version, "copy")
    assert objects.get("copy") == b"first"
    assert objects.get("k") == b"second!"


def test_a_file_is_uploaded_as_it_is(objects: Objects, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"content")
    objects.upload(tmp_path / "x", "to")
    assert objects.get("to") == b"content"


def test_a_deleted_version_is_gone_though_a_newer_one_stands(clients: Clients, tmp_path: Path) -> None:
    objects = make_bucket(clients)
    objects.put("k", b"first")
    first = objects.head("k")
    assert first
    objects.put("k", b"second")
    clients.s3.delete_object(Bucket=BUCKET, Key="k", VersionId=first.version)
    assert objects.head("k", first.version) is None
    with pytest.raises(ObjectGone, match=first.version):
        objects.download("k", first.version, tmp_path / "x")
    clients.s3.delete_object(Bucket=BUCKET, Key="k")
    assert objects.head("k") is None


def test_many_are_read_at_once_in_their_order_with_none_for_what_is_not_there(objects: Objects) -> None:
    for number in range(40):
        objects.put(f"verdicts/{number}", str(number).encode())
    wanted = [f"verdicts/{number}" for number in range(41)]
    assert objects.get_many(wanted) == (*(str(number).encode() for number in range(40)), None)
    assert objects.get_many([]) == ()


def test_many_are_downloaded_at_once_and_what_is_not_there_is_named(objects: Objects, tmp_path: Path) -> None:
    objects.put("keys/a", b"a")
    objects.put("keys/b", b"b")
    wanted = [(f"keys/{name}", tmp_path / name) for name in "abc"]
    assert objects.download_many(wanted) == {"keys/c"}
    assert [path.read_bytes() for _, path in wanted[:2]] == [b"a", b"b"]
    assert not (tmp_path / "c").exists()
