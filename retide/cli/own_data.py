"""A person's own files as the dataset of a trial: judged by the deployed contract, and laid apart from production's."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from retide.cli.failures import CliError
from retide.cli.output import err
from retide.cli.stage import Stage
from retide.cli.verdicts import faults
from retide.domain import layout
from retide.domain.context import Context
from retide.domain.contract import Contract
from retide.domain.dataset import Part, Selection, dataset_id
from retide.domain.split import bucket_threshold
from retide.domain.verdict import Judge, Verdict


def bring(stage: Stage, contract: Contract, files: Sequence[Path]) -> str:
    """The id of the dataset that these files make, with all of their rows, whatever the contract's window.

    Raises CliError for a file that is refused; nothing was sent then.
    """
    from retide.data.judge import judge  # only where rows are really read

    with tempfile.TemporaryDirectory(prefix="retide-") as scratch:
        kept = {file: Path(scratch) / f"{number}.parquet" for number, file in enumerate(files)}
        parts = {file: part(file, _judged(file, contract, judge, keep)) for file, keep in kept.items()}
        for file, found in parts.items():
            stage.objects.upload(kept[file], layout.trial_rows(contract.model, found.curated))
    selection = Selection(tuple({found.curated: found for found in parts.values()}.values()))
    name = dataset_id(selection, contract)
    for document, content in documents(name, selection, contract, stage.objects.uri("")).items():
        stage.objects.put(layout.trial_dataset(contract.model, name, document), json.dumps(content, indent=1).encode())
    return name


def part(file: Path, verdict: Verdict) -> Part:
    """A file as a part of a dataset; it has no version, for it never arrived."""
    return Part(file.name, file.name, "", str(verdict.curated), verdict.rows)


def documents(name: str, selection: Selection, contract: Contract, bucket: str) -> dict[str, Any]:
    """What the jobs read of a dataset, by name; `bucket` is the data bucket's address."""
    rows = layout.trial_rows(contract.model, "").removesuffix(".parquet")
    return {
        "files.manifest": [{"prefix": f"{bucket}{rows}"}, *(f"{one.curated}.parquet" for one in selection.parts)],
        "manifest.json": {
            "dataset": name,
            "model": contract.model,
            "rows": sum(one.rows for one in selection.parts),
            "contract_digest": contract.digest,
            "cutoff": selection.cutoff,
            "bucket_threshold": bucket_threshold(contract),
            "objects": [asdict(one) for one in selection.parts],
        },
    }


def _judged(file: Path, contract: Contract, judge: Judge, keep: Path) -> Verdict:
    """Every finding is told, on stderr."""
    if not file.is_file():
        raise CliError(f"there is no file {file}")
    verdict = judge(file, contract, keep=keep, context=Context(arrived=datetime.now(UTC)), name=str(file))
    for line in faults(verdict.findings):
        err().print(line)
    if not verdict.accepted:
        raise CliError(f"{file} is refused by {contract.model}'s contract, for the reasons above; nothing was sent")
    return verdict
