"""What is on record of an A/B test: errors of both versions, their captured answers, and the truth as far as known."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from retide.aws.captures import S3Captures
from retide.cli.failures import CliError
from retide.cli.output import tell
from retide.cli.stage import Stage
from retide.domain import layout
from retide.domain.captured import Captured, read
from retide.domain.contract import Contract
from retide.domain.hosting import CAPTURES, CHALLENGER, SHADOW, VARIANT
from retide.domain.ledger import AbTest
from retide.ports import ObjectGone

DAY: Final = 86_400  # seconds of a sum of CloudWatch's


def errors(stage: Stage, test: AbTest) -> tuple[int, int]:
    """How often champion and challenger answered with an error of their own (5XX): what is captured are answers."""
    if not test.began_at:
        return 0, 0
    champion, challenger = (_errors_of(stage, test, variant) for variant in _variants(test))
    return champion, challenger


def _errors_of(stage: Stage, test: AbTest, variant: str) -> int:
    counted = stage.clients.cloudwatch.get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": "EndpointName", "Value": test.endpoint}, {"Name": "VariantName", "Value": variant}],
        StartTime=datetime.fromisoformat(test.began_at),
        EndTime=datetime.fromisoformat(test.ended_at) if test.ended_at else datetime.now(UTC) + timedelta(minutes=1),
        Period=DAY,
        Statistics=["Sum"],
    )
    return int(sum(point["Sum"] for point in counted["Datapoints"]))


def _variants(test: AbTest) -> tuple[str, str]:
    return VARIANT, SHADOW if test.shadow else CHALLENGER


def captured(stage: Stage, test: AbTest, model: str) -> Iterator[Captured | None]:
    if not test.began_at:
        return
    captures = S3Captures(stage.clients.s3, stage.bucket, most=None)
    since = datetime.fromisoformat(test.began_at)
    for variant in _variants(test):
        for line in captures.lines(f"{CAPTURES}{model}/{test.endpoint}/{variant}/", since):
            yield read(line)


def true_since(stage: Stage, test: AbTest, contract: Contract, given: Path | None) -> dict[str, Any]:
    """Of the file that was given, or of what was accepted since the test began."""
    from retide.data.truth import truth_of  # only where rows are really read

    if not contract.id:
        tell(f"the contract of {contract.model} names no id: truth cannot be matched with answers")
        return {}
    with tempfile.TemporaryDirectory(prefix="retide-") as folder:
        scratch = Path(folder)
        files = [_typed(given, contract, scratch)] if given else list(_accepted(stage, test, contract.model, scratch))
        return truth_of(files, contract, scratch)


def _typed(given: Path, contract: Contract, scratch: Path) -> Path:
    """A file's rows as the judge would accept them; raises CliError where it would not."""
    from retide.data.judge import judge

    if not given.is_file():
        raise CliError(f"there is no file {given}")
    rows = scratch / "truth.parquet"
    verdict = judge(given, contract, keep=rows, name=str(given))
    if not verdict.accepted:
        raise CliError(f"{given} is refused: `retide validate {given} --model {contract.model}` says why")
    return rows


def _accepted(stage: Stage, test: AbTest, model: str, scratch: Path) -> Iterator[Path]:
    for one in stage.ledger.accepted(model):
        if test.began_at and one.arrived_at[:19] >= test.began_at[:19]:
            file = scratch / f"{one.curated}.parquet"
            try:
                stage.objects.download(layout.curated(model, one.curated), None, file)
            except ObjectGone:
                tell(f"the rows of {one.key} are gone: they are left out")
            else:
                yield file
