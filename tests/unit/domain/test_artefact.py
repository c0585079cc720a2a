"""An artefact's digest: of its members, whoever packs them and in whatever order."""

from __future__ import annotations

import hashlib
import io
import tarfile

import pytest

from retide.domain.artefact import inspect
from tests.unit.steps.world import artefact


def digest(archive: io.BytesIO) -> str:
    return inspect(archive).digest


MEMBERS = {"model/model.onnx": b"onnx", "model/manifest.json": b"{}", "code/server/wsgi.py": b"app = 1\n"}


def test_the_digest_is_that_of_the_sorted_lines_of_members() -> None:
    lines = sorted(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in MEMBERS.items())
    expected = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert digest(io.BytesIO(artefact(MEMBERS))) == expected
    assert digest(io.BytesIO(artefact(dict(reversed(MEMBERS.items()))))) == expected
    assert digest(io.BytesIO(artefact({f"./{name}": data for name, data in MEMBERS.items()}))) == expected


@pytest.mark.parametrize(
    "changed",
    [
        {**MEMBERS, "model/model.onnx": b"other"},
        {**MEMBERS, "code/extra.py": b""},
        {"model/model.onnx": b"onnx"},
        {**{name: data for name, data in MEMBERS.items() if "wsgi" not in name}, "code/wsgi.py": b"app = 1\n"},
    ],
)
def test_another_content_is_another_digest(changed: dict[str, bytes]) -> None:
    assert digest(io.BytesIO(artefact(changed))) != digest(io.BytesIO(artefact(MEMBERS)))


def test_a_link_in_an_artefact_is_refused() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        link = tarfile.TarInfo("model/model.onnx")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(ValueError, match=r"model/model.onnx.*neither a file nor a folder"):
        digest(io.BytesIO(buffer.getvalue()))
