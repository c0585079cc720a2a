"""A model's archive is opened as if a stranger had packed it."""

import io
import tarfile
from pathlib import Path

import pytest

from tests.training.container import model_archive
from training import archive
from training.errors import JobError


def linked(target: Path, kind: bytes, name: str = "model/model.onnx") -> Path:
    with tarfile.open(target, "w:gz") as packed:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, "/etc/passwd"
        packed.addfile(entry, io.BytesIO())
    return target


@pytest.mark.parametrize("name", ["../model/x", "/model/x", "model/../../x"])
def test_a_member_outside_the_archive_is_refused(name: str, tmp_path: Path) -> None:
    packed = model_archive(tmp_path / "m.tar.gz", {name: b"x"})
    with pytest.raises(JobError, match="lies outside of it"):
        archive.open_candidate(packed, "job-1", tmp_path / "out")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_a_member_that_is_no_file_is_refused(kind: bytes, tmp_path: Path) -> None:
    with pytest.raises(JobError, match="neither a file nor a folder"):
        archive.open_candidate(linked(tmp_path / "m.tar.gz", kind), "job-1", tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08\x00broken"])
def test_a_broken_archive_is_named_by_its_job(content: bytes, tmp_path: Path) -> None:
    packed = tmp_path / "m.tar.gz"
    packed.write_bytes(content)
    with pytest.raises(JobError, match="The model of job job-1 cannot be used"):
        archive.open_candidate(packed, "job-1", tmp_path / "out")


def test_a_cut_archive_is_refused(tmp_path: Path) -> None:
    packed = model_archive(tmp_path / "m.tar.gz", {"model/model.onnx": bytes(range(256)) * 400})
    packed.write_bytes(packed.read_bytes()[:-200])
    with pytest.raises(JobError, match="The model of job job-1 cannot be used"):
        archive.open_candidate(packed, "job-1", tmp_path / "out")


def test_the_digest_does_not_depend_on_how_the_archive_was_packed(tmp_path: Path) -> None:
    members = {"model/manifest.json": b"{}", "code/server/wsgi.py": b"app = 1"}
    plain = model_archive(tmp_path / "a.tar.gz", members)
    dotted = model_archive(tmp_path / "b.tar.gz", {f"./{name}": members[name] for name in reversed(members)})
    digests = {archive.unpack_artefact(packed, tmp_path / packed.name[0]).digest for packed in (plain, dotted)}
    assert len(digests) == 1
    changed = model_archive(tmp_path / "c.tar.gz", {**members, "code/server/wsgi.py": b"app = 2"})
    assert archive.unpack_artefact(changed, tmp_path / "c").digest not in digests
