"""The two functions that read data, called with the payloads of the state machine, on S3 and DynamoDB in process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from moto import mock_aws

from functions.freeze.handler import handler as freeze
from functions.validate.handler import handler as validate
from retide.aws.runtime import Runtime, runtime
from retide.domain.contract import parse
from retide.domain.environment import Environment
from retide.domain.layout import RunId
from retide.domain.ledger import Arrival
from retide.domain.sizes import Bounds
from retide.steps.claim import Claiming, ClaimRequest, claim
from tests.contract.aws.conftest import BUCKET, TABLE, make_bucket, make_table
from tests.fakes import FakeClock, FakeExecutions, FakeQueue
from tests.unit.churn import CHURN
from tests.unit.data.tables import changed, csv_text, rows

EXECUTION: Final = "arn:aws:states:us-east-1:000000000000:execution:retide-dev-retrain:churn-1-1"
CONTEXT: Final = {"execution": EXECUTION, "entered": "2026-11-05T12:00:00.000Z"}


@dataclass(frozen=True)
class Deployed:
    """What the state machine holds after Claim."""

    aws: Runtime
    fence: int

    def validate(self, index: int) -> Any:
        """`index` is the object's place in the claim."""
        name = self.aws.ledger.claimed(RunId.parse("churn-1-1")).objects[index].id
        return validate({**CONTEXT, "model": "churn", "run": "churn-1-1", "fence": self.fence, "object": name}, None)

    def freeze(self) -> Any:
        return freeze({**CONTEXT, "model": "churn", "run": "churn-1-1", "fence": self.fence}, None)


type Deploy = Callable[..., Deployed]


@pytest.fixture
def deploy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deploy]:
    contract = parse(CHURN, "churn")
    entry = {
        "contract": contract.to_dict(),
        "contract_digest": contract.digest,
        "code_digest": "c" * 64,
        "libs_digest": "l" * 64,
    }
    (tmp_path / "catalogue.json").write_text(json.dumps({"churn": entry}))
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    names = {name: name for name in Environment.__dataclass_fields__}
    environment = Environment(**{**names, "stage": "dev", "data_bucket": BUCKET, "ledger_table": TABLE})
    for name, value in environment.to_variables().items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        runtime.cache_clear()
        yield _deploy
    runtime.cache_clear()


def _deploy(*files: str | bytes) -> Deployed:
    aws = runtime()
    make_table(aws._clients)
    make_bucket(aws._clients)
    for number, content in enumerate(files):
        key = f"incoming/churn/Jänner {number}+.csv"
        aws.objects.put(key, content if isinstance(content, bytes) else content.encode())
        head = aws.objects.head(key)
        assert head is not None
        aws.ledger.arrive(
            "churn", Arrival(key, head.version, head.etag, head.size, "01", f"2026-11-05T12:00:0{number}Z")
        )
    request = ClaimRequest("churn", 1, 1, EXECUTION)
    contract, bounds = aws.catalogue["churn"].contract, Bounds(largest=10**6, inline=100, concurrency=10)
    parts = Claiming(aws.ledger, FakeExecutions(), aws.objects, FakeQueue(), FakeClock(), contract, bounds, "abc")
    claimed = claim(request, parts)
    return Deployed(aws, claimed.fence)


def test_files_are_judged_and_frozen_into_a_dataset_on_s3(deploy: Deploy) -> None:
    deployed = deploy(csv_text(rows()), csv_text(changed(2, "months", "x")), csv_text(rows(), delimiter="\t"))
    assert [deployed.validate(index)["outcome"] for index in range(3)] == ["accepted", "quarantined", "duplicate"]
    frozen = deployed.freeze()
    assert (frozen["outcome"], frozen["rows"]) == ("frozen", 20)
    manifest = json.loads(deployed.aws.objects.get(f"datasets/churn/{frozen['id']}/manifest.json"))
    (entry,) = manifest["objects"]
    assert entry["key"] == "incoming/churn/Jänner 0+.csv"
    files = json.loads(deployed.aws.objects.get(f"datasets/churn/{frozen['id']}/files.manifest"))
    assert files == [{"prefix": f"s3://{BUCKET}/curated/churn/"}, f"{entry['curated']}.parquet"]
    states = [item.state for item in deployed.aws.ledger.claimed(RunId.parse("churn-1-1")).objects]
    assert states == ["accepted", "quarantined", "duplicate"]


def test_a_refused_file_answers_with_its_reason_and_ends_the_run_quarantined(deploy: Deploy) -> None:
    deployed = deploy(b"\x89PNG\r\n")
    answer = deployed.validate(0)
    assert answer["outcome"] == "quarantined"
    assert (
        "seen a PNG image, whatever its name says. Export the table as CSV, JSON Lines or Parquet." in answer["reason"]
    )
    assert deployed.freeze()["outcome"] == "quarantined"


def test_the_same_call_twice_answers_the_same(deploy: Deploy) -> None:
    deployed = deploy(csv_text(rows()))
    assert deployed.validate(0)["outcome"] == deployed.validate(0)["outcome"] == "accepted"
    assert deployed.freeze() == deployed.freeze()


def test_a_payload_without_its_fence_is_refused_by_name(deploy: Deploy) -> None:
    deploy(csv_text(rows()))
    with pytest.raises(ValueError, match="fence: expected a whole number, not nothing"):
        freeze({"run": "churn-1-1"}, None)
