"""What goes in and out of containers: where a channel's objects land, archives, and the re-rooting of /opt/ml."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retide.local.folders import remove_tree
from retide.local.sagemaker.archives import BadArchive, pack, unpack
from retide.local.sagemaker.buckets import Buckets, Location, TransferFailed
from retide.local.sagemaker.container import Sandbox, command
from tests.contract.local_sagemaker.bench import BUCKET, Bench


def files(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("where/train/", {"a.csv": "a", "deep/b.csv": "b"}),
        ("where/train", {"a.csv": "a", "deep/b.csv": "b"}),
        ("where/train/a.csv", {"a.csv": "a"}),
        ("where/tr", {"train/a.csv": "a", "train/deep/b.csv": "b"}),
        ("where/", {"train/a.csv": "a", "train/deep/b.csv": "b"}),
    ],
)
def test_objects_land_below_their_channel(bench: Bench, tmp_path: Path, prefix: str, expected: dict[str, str]) -> None:
    bench.put("where/train/a.csv", b"a")
    bench.put("where/train/deep/b.csv", b"b")
    bench.put("where/train/", b"")

    Buckets(bench.s3).download(f"s3://{BUCKET}/{prefix}", "S3Prefix", tmp_path / "channel")

    assert files(tmp_path / "channel") == expected


@pytest.mark.parametrize(
    ("manifest", "complaint"),
    [
        (b"not json", "is not a manifest"),
        (b'{"prefix": "s3://b/"}', "is not a manifest"),
        (b'["a.csv"]', "is not a manifest"),
        (b'[{"prefix": "s3://sagemaker-tests/where/"}, "absent.csv"]', "absent.csv.*NoSuchKey"),
        (b'[{"prefix": "s3://sagemaker-tests/where/"}, "../../evil"]', "would be written outside its folder"),
    ],
)
def test_a_bad_manifest_is_refused(bench: Bench, tmp_path: Path, manifest: bytes, complaint: str) -> None:
    bench.put("manifests/bad.json", manifest)

    with pytest.raises(TransferFailed, match=complaint):
        Buckets(bench.s3).download(f"s3://{BUCKET}/manifests/bad.json", "ManifestFile", tmp_path / "channel")
    assert not (tmp_path / "evil").exists()


def test_a_folder_comes_back_from_its_prefix(bench: Bench, tmp_path: Path) -> None:
    for name in ("a.txt", "deep/b.txt", "deep/c.txt"):
        path = tmp_path / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    buckets = Buckets(bench.s3)

    buckets.upload_folder(tmp_path / "out", f"s3://{BUCKET}/returns/")
    buckets.download(f"s3://{BUCKET}/returns/", "S3Prefix", tmp_path / "in")

    assert files(tmp_path / "in") == files(tmp_path / "out")


def test_only_s3_has_locations() -> None:
    with pytest.raises(TransferFailed, match="https://bucket/key is not an S3 URI"):
        Location.parse("https://bucket/key")
    assert str(Location.parse("s3://bucket/a/") / "b" / "c") == "s3://bucket/a/b/c"
    assert str(Location.parse("s3://bucket") / "a") == "s3://bucket/a"


def test_an_archive_holds_files_and_nothing_of_their_time(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.txt").write_text("a")
    pack(folder, tmp_path / "1.tar.gz")
    os.utime(folder / "deep" / "a.txt", (0, 0))
    pack(folder, tmp_path / "2.tar.gz")

    assert (tmp_path / "1.tar.gz").read_bytes() == (tmp_path / "2.tar.gz").read_bytes()
    unpack(tmp_path / "1.tar.gz", tmp_path / "back")
    assert files(tmp_path / "back") == {"deep/a.txt": "a"}


def test_an_empty_folder_makes_no_archive(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()

    assert pack(tmp_path / "model", tmp_path / "model.tar.gz") is False
    assert not (tmp_path / "model.tar.gz").exists()


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil.txt", "deep/../../evil.txt"])
def test_an_archive_that_reaches_outside_is_refused(tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = 4
        tar.addfile(member, io.BytesIO(b"evil"))

    if name.startswith("/"):
        unpack(tmp_path / "bad.tar.gz", tmp_path / "model")
        assert files(tmp_path / "model") == {"etc/evil.txt": "evil"}
    else:
        with pytest.raises(BadArchive, match="outside"):
            unpack(tmp_path / "bad.tar.gz", tmp_path / "model")


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(b"<html>not found</html>")

    with pytest.raises(BadArchive, match="cannot be extracted"):
        unpack(tmp_path / "model.tar.gz", tmp_path / "model")


def test_what_a_model_archive_held_is_read_only_and_can_be_removed(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a.txt").write_text("a")
    pack(tmp_path / "model", tmp_path / "model.tar.gz")
    unpack(tmp_path / "model.tar.gz", tmp_path / "back")

    assert not (tmp_path / "back" / "a.txt").stat().st_mode & 0o222
    remove_tree(tmp_path / "back")
    assert not (tmp_path / "back").exists()


@given(parts=st.lists(st.sampled_from(["/opt/ml", "/opt/ml/model", "/opt/mlx", "/var", "s3", "//b/opt/ml", ""])))
def test_only_parts_that_begin_with_opt_ml_are_moved(parts: list[str], tmp_path_factory: Any) -> None:
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox") / "s")

    moved = sandbox.reroot(":".join(parts)).split(":")

    for before, after in zip(parts, moved, strict=bool(parts)):
        inside = before == "/opt/ml" or before.startswith("/opt/ml/")
        assert after == (before.replace("/opt/ml", str(sandbox.base), 1) if inside else before)


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("--model=/opt/ml/model", True),
        ("cat /opt/ml/input/config/*.json && ls '/opt/ml'", True),
        ('{"folder": "/opt/ml/model"}', True),
        ("s3://bucket/opt/ml/model", False),
        ("~/opt/ml", False),
        ("${HOME}/opt/ml", False),
        ("/srv/opt/ml", False),
        ("/opt/ml-old /opt/ml.bak /opt/ml2", False),
    ],
)
def test_a_path_within_a_text_is_moved_when_it_begins_with_opt_ml(tmp_path: Path, text: str, moved: bool) -> None:
    sandbox = Sandbox(tmp_path / "s")

    assert sandbox.reroot(text) == (text.replace("/opt/ml", str(sandbox.base)) if moved else text)


@pytest.mark.parametrize("python", ["python", "python3"])
def test_python_in_an_entrypoint_is_the_images_own(tmp_path: Path, python: str) -> None:
    sandbox = Sandbox(tmp_path / "s")

    words = command(sandbox, Path("/images/python"), [python, "/opt/ml/code/main.py", "--python", "python"])

    assert words == ["/images/python", f"{sandbox.base}/code/main.py", "--python", "python"]
