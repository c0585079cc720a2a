"""AWS's patterns for the files of an artefact: * stays within a folder, ** crosses folders."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final

WORDS: Final = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")
MEANINGS: Final = {"**/": r"(?:.*/)?", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}


@cache
def pattern(glob: str) -> re.Pattern[str]:
    """Matches whole paths with "/" between their parts; a leading "./" says nothing."""
    words = WORDS.findall(glob.removeprefix("./"))
    return re.compile("".join(MEANINGS.get(word, re.escape(word)) for word in words), re.DOTALL)


def files_below(folder: Path) -> Iterator[PurePosixPath]:
    """Every file, hidden ones too, in order. Links to folders are not followed; what has no content is left out."""
    for where, folders, files in os.walk(folder):
        folders.sort()
        for file in (Path(where) / name for name in sorted(files)):
            if file.is_file():  # no socket, and no link to something that is gone
                yield PurePosixPath(file.relative_to(folder).as_posix())


def is_matched(path: PurePosixPath, globs: tuple[str, ...]) -> bool:
    return any(pattern(glob).fullmatch(str(path)) for glob in globs)
