"""The batch machine with the real steps: every row ends once, whoever dies and whatever fails on the way."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

import pytest

from retide.domain.batch import Places
from retide.domain.codec import parse, serialise
from retide.domain.contract import parse as read_contract
from retide.domain.ledger import BatchRecord, Champion, Release
from retide.ledger import Ledger
from retide.ports import EndpointState
from retide.steps.finish_batch import FinishBatchRequest, Tally, finish_batch
from retide.steps.prepare_batch import BatchPreparation, PrepareBatchRequest, prepare_batch
from tests.fakes import FakeClock, FakeEndpoints, FakeObjects, FakeTable
from tests.unit.proofs.asl import Execution, Json, TaskError, tasks
from tests.unit.proofs.effects import Effects, Killed, Watched

CONTRACT: Final = read_contract(
    {
        "task": "classification",
        "target": "ill",
        "id": ["person"],
        "columns": {
            "person": {"type": "string"},
            "age": {"type": "integer", "nullable": True},
            "member": {"type": "boolean"},
            "ill": {"type": "category", "values": ["no", "yes"]},
        },
        "metric": {"name": "roc_auc", "floor": 0.7},
        "policy": {"min_rows": 50},
    },
    "m",
)
PLACES: Final = Places("m", "b1")
CONFIG: Final = "retide-dev-m-v3-abc"
CHAMPION: Final = Champion("arn:3", 3, "job", "dataset", "code", "contract", "run")
FILES: Final = {
    "a.csv": b"person,age,member,odd\nA,30,true,x\nB,old,false,x\nC,,1,x\n",
    "deep/b.jsonl.gz": gzip.compress(b'{"person": "D", "age": 5, "member": true}\nnot json\n[1]\n'),
    "c.csv": b"person,age,member\nE,1\nF,2,false\n",
    "wrong.csv": b"height,weight\n1,2\n",
    "empty.csv": b"",
    "bytes.csv": b"person,age,member\n\xff\xfe,1,true\n",
}
LAMBDA: Final = "arn:aws:states:::lambda:invoke"


@dataclass
class Bench:
    """The machine, its steps on fakes, and a transform job that answers each line as the model's server does."""

    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    served: bool = True
    effects: Effects = field(default_factory=Effects)
    errors: dict[str, list[str]] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.objects, self.ledger = FakeObjects(), Ledger(FakeTable(), self.clock)
        self.endpoints = FakeEndpoints({"retide-dev-m": EndpointState("InService", CONFIG)})
        if self.served:
            fence = self.ledger.take_endpoint("m", self.ledger.endpoint("m"), "rollout")
            release = Release(3, 1, "arn:3", "promoted", "", "2026-01-01", CONFIG)
            self.ledger.promote("m", fence or 0, release, CHAMPION, "retide-dev-m")
        for name, data in self.files.items():
            self.objects.put(PLACES.input(name), data)
        self.objects.put(PLACES.files, json.dumps(list(self.files)).encode())

    def run(self) -> Execution:
        given: Json = {"model": "m", "batch": "b1", "plan": {"cursor": 0}, "end": {"tally": serialise(Tally())}}
        execution = Execution("arn:batch:1", "batch", given, lambda: self.clock.now().isoformat())
        while execution.running:
            execution.step(lambda resource, sent: self._call(execution.at, resource, sent))
        return execution

    def record(self) -> BatchRecord:
        """As it was recorded, but for the times."""
        found = self.ledger.batch_record("m", "b1")
        assert found is not None
        assert found.started_at < found.ended_at
        return replace(found, started_at="", ended_at="")

    def lines(self, folder: str) -> list[Json]:
        keys = sorted(key for key in self.objects.versions if key.startswith(f"{PLACES.root}{folder}/"))
        return [json.loads(line) for key in keys for line in self.objects.get(key).splitlines()]

    def _call(self, state: str, resource: str, sent: Json) -> Any:
        if failing := self.errors.get(state):
            raise TaskError(failing.pop(), "as it was asked to")
        if resource == LAMBDA:
            return {"Payload": self._function(sent)}
        name = sent["TransformJobName"]
        if resource.endswith("describeTransformJob"):
            return {"TransformJobStatus": self.jobs[name]}
        if name in self.jobs:
            raise TaskError("SageMaker.ResourceInUseException")
        return {"TransformJobStatus": self._transform(name, sent)}

    def _function(self, sent: Json) -> Json:
        objects: Any = Watched(self.objects, self.effects, ("put", "upload"))
        ledger: Any = Watched(self.ledger, self.effects, ("begin_batch", "end_batch"))
        try:
            if "Finish" in sent["FunctionName"]:
                request = parse(FinishBatchRequest, sent["Payload"])
                return serialise(finish_batch(request, ledger=ledger, objects=objects, clock=self.clock))
            parts = BatchPreparation(ledger, objects, self.endpoints, self.clock, CONTRACT, "dev")
            return serialise(prepare_batch(parse(PrepareBatchRequest, sent["Payload"]), parts))
        except Killed:
            raise TaskError("Runtime.ExitError") from None

    def _transform(self, name: str, sent: Json) -> str:
        assert sent["ModelName"] == CONFIG
        for key in [key for key in self.objects.versions if key.startswith(PLACES.records)]:
            answered = [_answered(json.loads(line)) for line in self.objects.get(key).splitlines()]
            body = "".join(f"{json.dumps(line)}\n" for line in answered)
            self.objects.put(f"{PLACES.answers}/{key.removeprefix(PLACES.records)}.out", body.encode())
        self.jobs[name] = "Completed"
        return "Completed"


def _answered(line: Json) -> Json:
    age = line["record"].get("age")
    if isinstance(age, str):
        error = {"field": "age", "value": age, "reason": "must be a number", "row": 0}
        return {**line, "SageMakerOutput": {"error": error}}
    return {**line, "SageMakerOutput": {"label": "no", "record": line["record"]}}


@cache
def undisturbed() -> tuple[BatchRecord, str]:
    bench = Bench()
    assert bench.run().status == "SUCCEEDED"
    return bench.record(), json.dumps([bench.lines("predictions"), bench.lines("bad_rows")])


def test_every_row_has_a_prediction_beside_its_key_or_a_reason() -> None:
    bench = Bench()

    execution = bench.run()

    assert (execution.status, execution.history[-1]) == ("SUCCEEDED", "Predicted in part")
    found = {line["key"]["person"]: line["prediction"]["record"] for line in bench.lines("predictions")}
    assert found == {
        "A": {"age": 30.0, "member": True},
        "C": {"age": None, "member": True},
        "D": {"age": 5, "member": True},
        "F": {"age": 2.0, "member": False},
    }
    told = {(line["row"], line["field"], line["value"], line["reason"]) for line in bench.lines("bad_rows")}
    assert told == {
        (2, "age", "old", "must be a number"),
        (2, None, "not json", "is not JSON"),
        (3, None, "[1]", "must be an object"),
        (1, None, "E,1", "has 2 cells, and the first line names 3"),
    }
    record = bench.record()
    assert (record.version, record.rows, record.predicted, record.bad) == (3, 8, 4, 4)
    assert (record.files, record.refused) == (6, 3)


def test_the_report_says_what_is_wrong_with_whole_files() -> None:
    bench = Bench()
    bench.run()

    report = json.loads(bench.objects.get(PLACES.report))

    problems = {one["file"]: one["problem"] or one["ignored_columns"] for one in report["problems"]}
    assert problems["a.csv"] == ["odd"]
    assert problems["wrong.csv"] == "its first line names no feature of the model: height, weight"
    assert problems["empty.csv"] == "is empty"
    assert "cannot be read" in problems["bytes.csv"]
    assert report["outcome"] == "predicted in part"


def test_a_batch_without_a_served_version_is_refused_in_words() -> None:
    bench = Bench(served=False)

    execution = bench.run()

    assert (execution.status, execution.error) == ("FAILED", "NothingToPredict")
    assert bench.record().outcome == "refused"
    assert bench.record().reason == "no version of m is served yet: there is nothing to predict with"


def test_a_batch_of_files_that_nobody_can_read_asks_no_model() -> None:
    bench = Bench(files={"wrong.csv": FILES["wrong.csv"]})

    execution = bench.run()

    assert (execution.status, execution.error) == ("FAILED", "NothingToPredict")
    assert bench.jobs == {}
    assert bench.record().reason == "no file has a row that the model could be asked"


def test_answers_of_other_rows_than_were_asked_are_no_predictions() -> None:
    bench = Bench(files={"a.csv": FILES["a.csv"]})
    original = bench._transform

    def losing(name: str, sent: Json) -> str:
        status = original(name, sent)
        key = PLACES.answer(0, 0)
        bench.objects.put(key, b"\n".join(bench.objects.get(key).splitlines()[1:]))
        return status

    bench._transform = losing  # type: ignore[method-assign]

    assert bench.run().status == "FAILED"
    assert bench.record().reason == "a.csv has 3 rows, and 2 came back"


def writes() -> Iterator[tuple[int, Any]]:
    bench = Bench()
    bench.run()
    for nth in range(1, len(bench.effects.made) + 1):
        yield from ((nth, "before"), (nth, "after"))


@pytest.mark.parametrize(("nth", "moment"), list(writes()))
def test_whoever_dies_at_a_write_changes_nothing_of_the_end(nth: int, moment: Any) -> None:
    bench = Bench()
    bench.effects.set_fuse(nth, moment)

    assert bench.run().status == "SUCCEEDED"

    record, told = undisturbed()
    assert bench.record() == record
    assert json.dumps([bench.lines("predictions"), bench.lines("bad_rows")]) == told
    assert len(bench.jobs) == 1


def test_a_job_whose_answer_was_lost_is_gone_on_with() -> None:
    bench = Bench()
    original = bench._transform

    def lost(name: str, sent: Json) -> str:
        original(name, sent)
        raise TaskError("SageMaker.SdkClientException")

    bench._transform = lost  # type: ignore[method-assign]
    execution = bench.run()

    assert execution.status == "SUCCEEDED"
    assert "Adopt transform job" in execution.history
    assert len(bench.jobs) == 1


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_a_job_that_ended_otherwise_is_told(status: str) -> None:
    bench = Bench()
    bench.jobs["retide-dev-m-b1"] = status

    assert bench.run().status == "FAILED"
    assert bench.record().reason == f"transform job retide-dev-m-b1 ended as {status}"


@pytest.mark.parametrize("state", sorted(tasks("batch")))
def test_an_error_that_does_not_pass_ends_the_batch_and_is_told(state: str) -> None:
    bench = Bench(errors={state: ["Surprise"] * 20})
    if state == "Adopt transform job":
        bench.jobs["retide-dev-m-b1"] = "InProgress"
    if state == "Finish failed batch":
        bench.errors["Predict"] = ["Surprise"] * 20
    if state == "Finish refused batch":
        bench.files = {}
        bench.objects.put(PLACES.files, b"[]")

    execution = bench.run()

    assert execution.status == "FAILED"
    if state.startswith("Finish"):
        assert execution.error == "FinishFailed"
    else:
        assert bench.record().outcome == "failed"


@pytest.mark.parametrize("state", ["Prepare batch", "Finish batch"])
def test_a_throttled_function_is_called_again(state: str) -> None:
    bench = Bench(errors={state: ["Lambda.TooManyRequestsException"] * 5})

    assert bench.run().status == "SUCCEEDED"
    assert bench.record() == undisturbed()[0]
