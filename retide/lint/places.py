"""Where each setting of a contract stands in its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from retide.contracts.files import Document
from retide.contracts.files import read as read_document
from retide.domain.reader import ContractError
from retide.lint.findings import Finding


@dataclass(frozen=True, slots=True)
class Places:
    """The places of a contract's settings by dotted path (`columns.age.min`)."""

    document: Document

    def at(self, code: str, path: str, message: str) -> Finding:
        """A finding at the setting, or at the closest thing above it that the file holds."""
        _, mark = self.document.closest(path)
        return Finding(self.document.file, mark.line, mark.column, code, message)


def read(file: Path) -> Places:
    """No places at all where the file is no YAML: that is said elsewhere."""
    try:
        return Places(read_document(file))
    except ContractError:
        return Places(Document(file, None, {}))
