"""Reads the parts of a contract: each from its own section, every problem noted at its place."""

from __future__ import annotations

import re

from retide.domain.contract_parts import (
    METRICS,
    NUMERIC,
    Approval,
    Column,
    ColumnType,
    Metric,
    Policy,
    Serving,
    Task,
    Training,
    Window,
)
from retide.domain.reader import Reader


def read_column(name: str, reader: Reader) -> Column:
    column = Column(
        name=name,
        type=reader.enum("type", ColumnType, ColumnType.STRING, required=True),
        nullable=reader.flag("nullable", False),
        minimum=reader.optional_number("min"),
        maximum=reader.optional_number("max"),
        values=reader.texts("values"),
        feature=reader.flag("feature", True),
    )
    _check_column(column, reader)
    reader.finish()
    return column


def _check_column(column: Column, reader: Reader) -> None:
    if not column.name.strip() or column.name != column.name.strip() or column.name.startswith("__"):
        reader.problem("", f"{column.name!r} cannot name a column: no blanks around it, and not two underscores first")
    bounded = column.minimum is not None or column.maximum is not None
    if bounded and column.type not in NUMERIC:
        reader.problem("min", f"a range needs type integer or float, not {column.type.value}")
    if column.minimum is not None and column.maximum is not None and column.minimum > column.maximum:
        reader.problem("max", f"{column.maximum:g} lies below min {column.minimum:g}")
    if column.values and column.type is not ColumnType.CATEGORY:
        reader.problem("values", f"an allowed set needs type category, not {column.type.value}")


def read_metric(reader: Reader, task: Task) -> Metric:
    name = reader.choice("name", tuple(METRICS[task]))
    metric = Metric(
        name=name,
        direction=METRICS[task][name],
        floor=reader.optional_number("floor"),
        margin=reader.number("margin", 0.0, low=0.0),
        confidence=reader.number("confidence", 0.95, low=0.5, high=0.999),
        segment_loss=reader.number("segment_loss", 0.05, low=0.0),
    )
    reader.finish()
    return metric


def read_window(reader: Reader) -> Window:
    window = Window(batches=reader.optional_count("batches"), days=reader.optional_count("days"))
    if window.batches and window.days:
        reader.problem("days", "give `batches` or `days`, not both")
    reader.finish()
    return window


def read_policy(reader: Reader) -> Policy:
    policy = Policy(
        min_rows=reader.count("min_rows", 50, low=10),
        max_missing=reader.number("max_missing", 0.5, low=0.0, high=1.0),
        settle_seconds=reader.count("settle_seconds", 0, low=0, high=86_400),
        runs_per_day=reader.count("runs_per_day", 48, low=1, high=1000),
        batch_hours=reader.count("batch_hours", 24, low=1, high=24 * 365),
        approval=reader.enum("approval", Approval, Approval.AUTOMATIC),
    )
    reader.finish()
    return policy


def _instance_type(reader: Reader) -> str:
    """Only its shape: which types there are is SageMaker's to know, and differs from region to region."""
    found = reader.text("instance_type", "ml.m5.large")
    if not re.fullmatch(r"ml\.[a-z0-9-]+\.[a-z0-9]+", found):
        reader.problem("instance_type", f"{found!r} is no type of instance; one looks like ml.m5.large")
    return found


def read_training(reader: Reader) -> Training:
    training = Training(
        instance_type=_instance_type(reader),
        volume_gib=reader.count("volume_gib", 30, low=1, high=16_384),
        max_runtime_seconds=reader.count("max_runtime_seconds", 3600, low=1, high=432_000),
        seed=reader.count("seed", 0, low=0, high=2**32 - 1),
    )
    reader.finish()
    return training


def read_serving(reader: Reader) -> Serving:
    serving = Serving(
        memory_mib=int(reader.choice("memory_mib", ("1024", "2048", "3072", "4096", "5120", "6144"), "2048")),
        max_concurrency=reader.count("max_concurrency", 5, low=1, high=200),
        latency_ms=reader.optional_count("latency_ms"),
    )
    reader.finish()
    return serving
