"""Judge one file by a contract: read it, type it, check it, profile it."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Final

import duckdb

from retide.data.checks import check
from retide.data.columns import scan
from retide.data.engine import confine, connect, memory_mib
from retide.data.findings import Refused, too_large_for_memory, unreadable
from retide.data.source import identify
from retide.data.stage import as_written, stage
from retide.domain.context import NOTHING_KNOWN, Context
from retide.domain.contract import Contract
from retide.domain.dataset import rules_digest
from retide.domain.expectations import context_findings
from retide.domain.verdict import Finding, Severity, Verdict

_OURS: Final = ("No space left", "Could not write", "Failed to write", "Too many open files")  # never the file's fault


def judge(
    path: Path,
    contract: Contract,
    *,
    keep: Path | None = None,
    rejected: Path | None = None,
    keys: Path | None = None,
    context: Context = NOTHING_KNOWN,
    name: str = "",
) -> Verdict:
    """Never raises for what is in the file: that is what the verdict says. OSError means the file or disk itself.

    The typed rows of an accepted file are moved to `keep`, if given; `Verdict.curated` is their sha256 either way.
    """
    with tempfile.TemporaryDirectory(prefix="retide-") as folder, connect(Path(folder)) as connection:
        staged = Path(folder) / "staged.parquet"
        try:
            verdict = _judge(path, contract, staged, connection, context)
        except Refused as refused:
            return Verdict(refused.rows, rules_digest(contract), refused.findings)
        if keep is not None and verdict.accepted:
            shutil.move(staged, keep)
        return verdict


def _judge(
    path: Path, contract: Contract, staged: Path, connection: duckdb.DuckDBPyConnection, context: Context
) -> Verdict:
    confine(connection, staged.parent, path)
    source = identify(path, staged.parent, contract)
    try:
        rows = scan(source, contract, connection)
        misfits = stage(rows, contract, connection, staged)
        profile, broken = check(staged, contract, rows.absent | {finding.column for finding in misfits}, connection)
        broken = tuple(as_written(finding, rows, contract, connection) for finding in broken)
    except duckdb.OutOfMemoryException:
        raise too_large_for_memory(memory_mib()) from None
    except duckdb.Error as error:
        if any(words in str(error) for words in _OURS):
            raise OSError(f"while judging {path.name}: {_plain(error)}") from error
        raise unreadable(
            f"a file that breaks while it is read ({_plain(error)})", "Export and send it again."
        ) from None
    findings = (*misfits, *broken, *rows.findings)
    if not profile.rows:
        raise Refused(_no_rows(), *rows.findings)
    findings += context_findings(profile, contract, context)
    refused = any(finding.severity is Severity.REFUSE for finding in findings)
    rules = rules_digest(contract)
    if refused:
        return Verdict(profile.rows, rules, findings)
    return Verdict(profile.rows, rules, findings, _sha256(staged), profile)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _no_rows() -> Finding:
    return Finding(
        "rows", "", "at least one row of data", "only a header", "Send the file again; the export was empty."
    )


def _plain(error: duckdb.Error) -> str:
    return str(error).splitlines()[0].partition(": ")[2][:200]
