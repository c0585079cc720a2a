"""Judge one object that is too large for a function, by the very rules and in the very context that it would have."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from retide.data import judge
from retide.domain import judging
from retide.domain.contract import Contract
from retide.domain.judged import Judged, judge_in_context, other_bytes
from retide.domain.judging import Terms
from training.workspace import Workspace, listed_file, write_json

CHANNELS: Final = "processing/input"
OUTPUT: Final = "processing/output/judged"
SCRATCH: Final = "processing/scratch"
LEFT: Final = (judging.ROWS, judging.REJECTED, judging.KEYS)


def run(workspace: Workspace) -> None:
    """What is wrong with the object stands in the verdict; an error means that judging it broke off."""
    contract, output = workspace.contract(workspace.variable("RETIDE_MODEL")), workspace.base / OUTPUT
    output.mkdir(parents=True, exist_ok=True)
    judged = _judge(workspace, contract, _scratch(workspace.base / SCRATCH))
    for name in LEFT:
        if (judged.folder / name).exists():
            shutil.move(judged.folder / name, output / name)
    verdict = judged.verdict
    write_json(output / judging.VERDICT, verdict.to_dict())
    print(f"judged object {workspace.variable('RETIDE_OBJECT')}: {verdict.rows} rows, {verdict.reason or 'accepted'}")


def _judge(workspace: Workspace, contract: Contract, scratch: Path) -> Judged:
    channels = workspace.base / CHANNELS
    terms = Terms.from_dict(workspace.read_json(f"{CHANNELS}/object/{judging.TERMS}"))
    received = channels / "object" / judging.DATA
    refusal = other_bytes(received, terms.sha256, contract)
    if refusal:
        return Judged(refusal, scratch)
    keys = tuple(listed_file(channels / "keys", name) for name in terms.keys)
    return judge_in_context(received, contract, replace(terms.context, earlier_keys=keys), scratch, judge)


def _scratch(folder: Path) -> Path:
    """The disk that the job was given hangs below /opt/ml; the system's own folder for temporary files is small."""
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(folder)
    return folder
