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
from retide.data.engine import Database, confine, memory_mib
from retide.data.expected import expected
from retide.data.findings import Refused, in_words, too_large_for_memory, too_slow, unreadable
from retide.data.outputs import Outputs
from retide.data.patience import patience, seconds_for
from retide.data.sound import Sound, judge_sound
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
        Database(Path(folder)) as database,
    ):
        outputs = Outputs(Path(folder), keep, rejected, keys)
        digest = rules_digest(contract)
        try:
            source = identify(path, outputs.scratch, contract)
            patient.allow(seconds_for(_text_size(source)) if seconds is None else seconds)
            connection = database.connection()
            confine(connection, outputs.scratch, path, *context.earlier_keys)
            seen = _look(path, source, contract, context, outputs, connection)
        except Refused as refused:
            return _refused(refused, digest)
        except duckdb.InterruptException:
            if not patient.over:
                raise
            return _refused(too_slow(patient.seconds), digest)
        except duckdb.OutOfMemoryException:
            return _refused(too_large_for_memory(memory_mib()), digest)
        except duckdb.Error as error:
            if any(words in str(error) for words in _OURS):
                raise OSError(f"while judging {name or path.name}: {in_words(error)}") from error
            broken = f"a file that breaks while it is read ({in_words(error)})"
            return _refused(unreadable(broken, "Export and send it again."), digest)
        finally:
            patient.end()
        database.close()
        return seen if isinstance(seen, Verdict) else _conclude(seen, digest, contract, context, outputs)


def _refused(refused: Refused, digest: str) -> Verdict:
    return Verdict(refused.rows, digest, refused.findings)


def _text_size(source: Source) -> int:
    """Bytes, or of Parquet what they would be as text."""
    size = source.path.stat().st_size
    return size if isinstance(source, CsvSource) else UNPACKED[".parquet"] * size


def _look(
    path: Path,
    source: Source,
    contract: Contract,
    context: Context,
    outputs: Outputs,
    connection: duckdb.DuckDBPyConnection,
) -> Verdict | Sound:
    rows = scan(source, contract, connection, earlier=context.earlier)
    found = judge_sound(path, rows, contract, context.earlier_keys, outputs, connection)
    if found is None:
        return judge_with_care(path, rows, contract, context, outputs, connection)
    outputs.write_keys(found.relation, contract, connection)
    return found


def _conclude(seen: Sound, digest: str, contract: Contract, context: Context, outputs: Outputs) -> Verdict:
    findings = (*seen.findings, *expected(seen.profile, frozenset(), contract, context), *seen.hints)
    profile = public(seen.profile, contract)
    verdict = Verdict(profile.rows, digest, findings, profile=profile)
    if not verdict.accepted:
        return replace(verdict, profile=None)
    outputs.deliver_keys()
    return replace(verdict, curated=outputs.deliver_rows())
