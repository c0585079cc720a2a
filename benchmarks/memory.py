"""Measure the training job's memory by the number of rows: all at once, a sample of them, and piece by piece.

    python -m benchmarks.memory [--rows 250000 1000000] [--json FILE]

The real bundles run the real job in the image's environment, on files of 125,000 rows with ten numbers and two
categories that this benchmark makes up. Memory is the peak of the job's process, its start-up included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from infra import bundles
from retide.contracts import catalogue
from retide.domain.contract import Contract, parse
from scripts.jobs import ROOT, Dataset, Jobs, lay

FILE_ROWS: Final = 125_000
NUMBERS: Final = tuple(f"x{place}" for place in range(10))
CATEGORIES: Final = ("shop", "town")
WAYS: Final[Mapping[str, Mapping[str, Any]]] = {
    "all rows at once": {"params": {"estimator": "linear"}},
    "a sample of 100,000": {"params": {"estimator": "linear"}, "sampling": {"rows": 100_000}},
    "piece by piece": {"training": {"incremental": True, "epochs": 1}},
}


@dataclass(frozen=True, slots=True)
class Measured:
    way: str
    rows: int
    peak_mib: float
    seconds: float


def contract(more: Mapping[str, Any]) -> Contract:
    columns: dict[str, Any] = {"row": {"type": "integer"}, "bought": {"type": "boolean"}}
    columns |= {name: {"type": "float", "nullable": True} for name in NUMBERS}
    columns |= {name: {"type": "category"} for name in CATEGORIES}
    raw = {"task": "classification", "target": "bought", "id": ["row"], "metric": {"name": "log_loss"}}
    return parse({**raw, "columns": columns, **more}, "memory")


def files(folder: Path, rows: int) -> Dataset:
    """Curated files, one after the other: no more than one is in memory here either."""
    made = {}
    for number in range(rows // FILE_ROWS):
        made[f"f{number}"] = folder / f"{rows}-{number}.parquet"
        pq.write_table(_table(number), made[f"f{number}"])
    objects = [{"curated": name} for name in made]
    return Dataset(made, {"dataset": "d", "objects": objects, "bucket_threshold": 2000, "cutoff": None})


def _table(number: int) -> pa.Table:
    generator = np.random.default_rng(number)
    values = generator.normal(size=(FILE_ROWS, len(NUMBERS)))
    named = {name: [f"{name}-{place}" for place in generator.integers(0, 40, FILE_ROWS)] for name in CATEGORIES}
    return pa.table(
        {
            "row": np.arange(FILE_ROWS) + number * FILE_ROWS,
            "bought": values @ np.arange(len(NUMBERS)) + generator.normal(size=FILE_ROWS) > 0,
            **dict(zip(NUMBERS, values.T, strict=True)),
            **named,
            "__bucket": pa.array(generator.integers(0, 10_000, FILE_ROWS), pa.uint16()),
        }
    )


def measure(way: str, dataset: Dataset, rows: int, libs: Path, folder: Path) -> Measured:
    wanted = contract(WAYS[way])
    code = bundles.training_files(ROOT, catalogue(ROOT))
    code[f"models/{wanted.model}/contract.json"] = json.dumps(wanted.to_dict()).encode()
    code[f"models/{wanted.model}/code_digest.txt"] = b"c"
    jobs = Jobs(folder, wanted.model, code, libs)
    lay(dataset, jobs.channels["train"])
    jobs.dataset = dataset.id
    jobs.configure()
    began = time.monotonic()
    given = jobs.environment({"TRAINING_JOB_NAME": "job-1"})
    job = subprocess.Popen(jobs.command("train"), env=given, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(job.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{way}, {rows} rows: {(folder / 'output/failure').read_text()}")
    return Measured(way, rows, used.ru_maxrss / 1024, time.monotonic() - began)


def race(sizes: Sequence[int]) -> list[Measured]:
    found, libs = [], bundles.lay(ROOT).libs
    with tempfile.TemporaryDirectory(prefix="retide-memory-") as scratch:
        for rows in sizes:
            dataset = files(Path(scratch), rows)
            for place, way in enumerate(WAYS):
                found.append(measure(way, dataset, rows, libs, Path(scratch) / f"{rows}-{place}"))
    return found


def report(found: Sequence[Measured]) -> Table:
    table = Table("rows", "way", "peak, MiB", "seconds", title="The training job's memory")
    for one in found:
        table.add_row(f"{one.rows:,}", one.way, f"{one.peak_mib:.0f}", f"{one.seconds:.1f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[250_000, 1_000_000])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = race(arguments.rows)
    Console().print(report(found))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(one) for one in found], indent=2))


if __name__ == "__main__":
    main()
