"""What `scripts.fuzz` runs under Atheris: the whole server in one process; an input is two choices and a body."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import atheris

with atheris.instrument_imports(include=["training.server"]):
    from training.server import application, artefact

from tests.training.serving import GOOD, model_folder, send

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS: Final = (
    "application/json",
    "application/jsonlines",
    "text/csv",
    "text/csv; header=absent",
    "text/csv;charset=utf8",
)
WISHES: Final = ("", "application/jsonlines", "text/csv", "text/csv; header=absent", "*/*;q=0.1")
BODIES: Final = (
    json.dumps({"records": [GOOD, {"visits": 3}]}).encode(),
    json.dumps({"columns": list(GOOD), "data": [list(GOOD.values())]}).encode(),
    json.dumps({"instances": [list(GOOD.values())]}).encode(),
    b'{"visits": 3}\n{"visits": 4, "region": "\\ud83d\\ude00"}\n',
    f"{','.join(GOOD)}\n1.5,3,true,north\n".encode(),
    b"1.5,3,true,north\n",
)


class ServerError(Exception):
    """A request was answered with a 5XX."""


def seed(corpus: Path) -> None:
    """Good requests, for an empty corpus."""
    if not any(corpus.iterdir()):
        for number, body in enumerate(BODIES):
            (corpus / f"seed-{number}").write_bytes(bytes([number % len(KINDS), 0]) + body)


def ask(app: application.Application, data: bytes) -> None:
    """Raises ServerError."""
    kind, wish = (
        choices[byte % len(choices)] for choices, byte in zip((KINDS, WISHES), data[:2].ljust(2), strict=True)
    )
    answer = send(app, data[2:], kind, wish)
    if answer.status >= 500:
        raise ServerError(f"{kind!r}, {wish!r}, {data[2:]!r}: {answer.body!r}")


def main(words: Sequence[str]) -> None:
    seed(Path(words[-1]))
    with tempfile.TemporaryDirectory() as folder:
        app = application.Application(artefact.Artefact.load(model_folder(Path(folder))), "7")
        atheris.Setup(list(words), lambda data: ask(app, data))
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
