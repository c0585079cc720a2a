"""Compile Python files as Lambda would, once and here: a function that starts cold compiles nothing."""

from __future__ import annotations

import marshal
import sys
from collections.abc import Mapping
from importlib.util import MAGIC_NUMBER, source_hash
from pathlib import PurePosixPath
from typing import Final

# PEP 552: found by the hash of its source, which nobody looks at again, for both travel in one zip.
UNCHECKED_HASH: Final = (0b01).to_bytes(4, "little")
# Later formats share equal values by how often this very process refers to them: other bytes on every run.
WITHOUT_SHARING: Final = 2


def with_bytecode(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files, and beside each Python file what an interpreter of this version looks for; raises SyntaxError."""
    return {**files, **{cached(name): compiled(name, data) for name, data in files.items() if name.endswith(".py")}}


def cached(name: str) -> str:
    """Where an interpreter of this version looks for the bytecode of the file with this name."""
    path = PurePosixPath(name)
    return str(path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc")


def compiled(name: str, source: bytes) -> bytes:
    """The content of that file, the same on every machine; raises SyntaxError, or ValueError for what is no text."""
    code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    return MAGIC_NUMBER + UNCHECKED_HASH + source_hash(source) + marshal.dumps(code, WITHOUT_SHARING)
