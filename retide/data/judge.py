"""Judge one file by a contract: at full speed where it is sound, with care where it is not."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

import duckdb

from retide.data.careful import judge_with_care
from retide.data.columns import scan
from retide.data.dialect import CsvSource
from retide.data.engine import confine, connect, memory_mib
from retide.data.expected import expected
from retide.data.findings import Refused, in_words, too_large_for_memory, too_slow, unreadable
from retide.data.leakage import leakage
from retide.data.outputs import Outputs
from retide.data.patience import patience, seconds_for
from retide.data.sound import judge_sound
from retide.data.source import Source, identify
from retide.data.statistics import public
from retide.domain.context import NOTHING_KNOWN, Context
from retide.domain.contract import Contract
from retide.domain.dataset import rules_digest
from retide.domain.sizes import UNPACKED
from retide.domain.verdict import Verdict

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
    seconds: float | None = None,
) -> Verdict:
    """Never raises for what is in the file: that is what the verdict says. OSError means the file or disk itself.

    `Verdict.curated` is the sha256 of what was written to `keep`; without `keep` nothing is written. `name` is what
    errors call the file. One that takes more `seconds` (without them, what its size allows) is refused.
    """
    with (
        tempfile.TemporaryDirectory(prefix="retide-") as folder,
        patience() as patient,
        connect(Path(folder)) as connection,
    ):
        outputs = Outputs(Path(folder), keep, rejected, keys)
        confine(connection, Path(folder), path, *context.earlier_keys)
        try:
            source = identify(path, outputs.scratch, contract)
            patient.allow(seconds_for(_text_size(source)) if seconds is None else seconds)
            return _judge(path, source, contract, context, outputs, connection)
        except Refused as refused:
            return _refused(refused, contract)
        except duckdb.InterruptException:
            if not patient.over:
                raise
            return _refused(too_slow(patient.seconds), contract)
        except duckdb.OutOfMemoryException:
            return _refused(too_large_for_memory(memory_mib()), contract)
        except duckdb.Error as error:
            if any(words in str(error) for words in _OURS):
                raise OSError(f"while judging {name or path.name}: {in_words(error)}") from error
            seen = f"a file that breaks while it is read ({in_words(error)})"
            return _refused(unreadable(seen, "Export and send it again."), contract)
        finally:
            patient.end()


def _refused(refused: Refused, contract: Contract) -> Verdict:
    return Verdict(refused.rows, rules_digest(contract), refused.findings)


def _text_size(source: Source) -> int:
    """Bytes, or of Parquet what they would be as text."""
    size = source.path.stat().st_size
    return size if isinstance(source, CsvSource) else UNPACKED[".parquet"] * size


def _judge(
    path: Path,
    source: Source,
    contract: Contract,
    context: Context,
    outputs: Outputs,
    connection: duckdb.DuckDBPyConnection,
) -> Verdict:
    rows = scan(source, contract, connection, earlier=context.earlier)
    found = judge_sound(path, rows, contract, context.earlier_keys, outputs, connection)
    if found is None:
        return judge_with_care(path, rows, contract, context, outputs, connection)
    findings = (*rows.findings, *expected(found.profile, frozenset(), contract, context))
    findings += leakage(found.relation, contract, connection)
    profile = public(found.profile, contract)
    verdict = Verdict(profile.rows, rules_digest(contract), findings, profile=profile)
    if not verdict.accepted:
        return replace(verdict, profile=None)
    outputs.deliver_keys(found.relation, contract, connection)
    return replace(verdict, curated=outputs.deliver_rows())
