"""Freeze: a dataset is what the window holds, is named by its content, and is whole once its manifest is there."""

from collections.abc import Sequence

import pytest

from retide.domain import layout
from retide.domain.profile import Profile
from retide.ports import ObjectGone
from retide.steps.freeze import FreezeOutcome
from tests.unit.churn import CHURN
from tests.unit.data.tables import changed, rows
from tests.unit.steps.data_world import Crash, DataWorld

BAD = changed(3, "plan", "gold")


def part(number: int, day: int = 1, count: int = 12) -> list[list[object]]:
    """A file of its own ids, all of one day."""
    return [[f"{number}-{row[0]}", f"2026-03-{day:02d}", *row[2:]] for row in rows(count)]


def world(**contract: object) -> DataWorld:
    return DataWorld(contract={**CHURN, "policy": {"min_rows": 10}, **contract})


@pytest.fixture
def data() -> DataWorld:
    return world()


def test_what_was_accepted_becomes_a_dataset_in_the_order_of_its_arrival(data: DataWorld) -> None:
    frozen = data.take_in(part(1), part(2), BAD)
    assert (frozen.outcome, frozen.rows) == (FreezeOutcome.FROZEN, 24)
    manifest = data.dataset(frozen)
    assert (manifest["dataset"], manifest["model"], manifest["rows"]) == (frozen.id, "m", 24)
    assert (manifest["bucket_threshold"], manifest["cutoff"], manifest["left_out"]) == (2000, None, [])
    assert [entry["key"] for entry in manifest["objects"]] == ["incoming/m/000.csv", "incoming/m/001.csv"]
    names = [f"{entry['curated']}.parquet" for entry in manifest["objects"]]
    assert data.dataset(frozen, "files.manifest") == [{"prefix": "s3://bucket/curated/m/"}, *names]
    assert all(data.objects.exists(f"curated/m/{name}") for name in names)


def test_the_reference_profile_is_that_of_all_parts(data: DataWorld) -> None:
    frozen = data.take_in(part(1), part(2))
    profile = Profile.from_dict(data.dataset(frozen, "profile.json"))
    plan = profile.columns["plan"].categories
    assert (profile.rows, plan and plan.counts) == (24, {"basic": 12, "pro": 12})


def test_the_same_data_is_the_same_dataset_whoever_sent_it_and_when() -> None:
    at_once, bit_by_bit = world(), world()
    bit_by_bit.take_in(part(1))
    bit_by_bit.take_in(BAD)
    bit_by_bit.take_in(part(1))
    assert bit_by_bit.take_in(part(2)).id == at_once.take_in(part(1), part(2)).id


@pytest.mark.parametrize("change", [{"holdout": 0.3}, {"missing": ["-"]}])
def test_another_split_or_meaning_is_another_dataset(data: DataWorld, change: dict[str, object]) -> None:
    assert data.take_in(part(1)).id != world(**change).take_in(part(1)).id


def test_a_setting_that_does_not_touch_the_data_is_not(data: DataWorld) -> None:
    other = world(metric={"name": "accuracy", "floor": 0.5}, params={"depth": 2})
    assert data.take_in(part(1)).id == other.take_in(part(1)).id


def test_a_window_of_batches_holds_the_last_ones() -> None:
    data = world(window={"batches": 2})
    manifest = data.dataset(data.take_in(part(1), part(2), part(3)))
    assert [entry["key"] for entry in manifest["objects"]] == ["incoming/m/001.csv", "incoming/m/002.csv"]


@pytest.mark.parametrize(("days", "kept"), [(1, [2]), (5, [1, 2]), (100, [0, 1, 2])])
def test_a_window_of_days_counts_back_from_the_newest_event(days: int, kept: Sequence[int]) -> None:
    data = world(window={"days": days})
    manifest = data.dataset(data.take_in(part(1, day=1), part(2, day=25), part(3, day=28)))
    assert [entry["key"] for entry in manifest["objects"]] == [f"incoming/m/{i:03d}.csv" for i in kept]
    assert manifest["cutoff"] == {1: "2026-03-27", 5: "2026-03-23", 100: "2025-12-18"}[days] + "T00:00:00+00:00"


def test_a_run_of_refused_data_alone_ends_quarantined(data: DataWorld) -> None:
    data.take_in(part(1))
    frozen = data.take_in(BAD, b"")
    assert (frozen.outcome, frozen.id) == (FreezeOutcome.QUARANTINED, "")
    assert frozen.reason == "2 of 2 objects were refused, and none could be used"


def test_refused_data_does_not_stop_a_run_that_was_also_asked_for(data: DataWorld) -> None:
    first = data.take_in(part(1))
    data.ask()
    assert data.take_in(BAD).id == first.id


def test_a_first_file_that_is_refused_ends_quarantined_though_new_code_waits_for_it_too(data: DataWorld) -> None:
    data.ask()
    assert data.take_in(BAD).outcome is FreezeOutcome.QUARANTINED


def test_a_duplicate_leads_to_the_dataset_that_was_there(data: DataWorld) -> None:
    assert data.take_in(part(1)).id == data.take_in(part(1)).id


def test_without_any_accepted_data_there_is_no_dataset(data: DataWorld) -> None:
    data.ask()
    frozen = data.take_in()
    assert (frozen.outcome, frozen.reason) == (FreezeOutcome.EMPTY, "no data has been accepted yet")


def test_freezing_again_changes_nothing(data: DataWorld) -> None:
    data.arrive(part(1))
    run, fence, _ = data.take()
    data.validate(run, fence)
    first = data.freeze_run(run, fence)
    written = {key: len(versions) for key, versions in data.objects.versions.items()}
    assert data.freeze_run(run, fence) == first
    assert {key: len(versions) for key, versions in data.objects.versions.items()} == written


@pytest.mark.parametrize("crash_at", [0, 1, 2])
def test_a_crash_leaves_no_manifest_and_a_retry_completes_the_dataset(data: DataWorld, crash_at: int) -> None:
    data.arrive(part(1))
    run, fence, _ = data.take()
    data.validate(run, fence)
    data.objects.crash_at = crash_at
    with pytest.raises(Crash):
        data.freeze_run(run, fence)
    assert not [key for key in data.objects.versions if key.endswith("/manifest.json")]
    data.objects.crash_at = None
    frozen = data.freeze_run(run, fence)
    assert data.dataset(frozen)["rows"] == data.dataset(frozen, "profile.json")["rows"] == 12


def narrower() -> dict[str, object]:
    """Today's contract allows less: no plan but basic."""
    columns = {**CHURN["columns"], "plan": {"type": "category", "values": ["basic"]}}
    return {**CHURN, "policy": {"min_rows": 10}, "columns": columns}


def test_data_accepted_under_older_rules_is_judged_by_todays_and_left_out_with_the_reason(data: DataWorld) -> None:
    basic = [[*row[:2], "basic", *row[3:]] for row in part(2)]
    data.take_in(part(1))
    data.contract = narrower()
    frozen = data.take_in(basic)
    manifest = data.dataset(frozen)
    assert [entry["key"] for entry in manifest["objects"]] == ["incoming/m/001.csv"]
    (left_out,) = manifest["left_out"]
    assert "column plan: expected one of basic, seen 6 rows with another value" in left_out["reason"]


def test_data_that_fits_newer_rules_stays_and_is_judged_again_only_once(data: DataWorld) -> None:
    data.take_in(part(1))
    columns = {name: column for name, column in CHURN["columns"].items() if name != "spend"}
    data.contract = {**data.contract, "columns": columns}
    data.ask("k1")
    first = data.take_in()
    data.ask("k2")
    assert data.take_in() == first
    assert data.judge.calls == 2
    (entry,) = data.dataset(first)["objects"]
    assert data.objects.exists(layout.curated("m", entry["curated"]))
    assert entry["curated"] != data.ledger.accepted("m")[0].curated
    assert "spend" not in data.dataset(first, "profile.json")["columns"]


def test_when_nothing_fits_the_contract_any_more_the_reason_is_given(data: DataWorld) -> None:
    data.take_in(part(1))
    data.contract = narrower()
    data.ask()
    frozen = data.take_in()
    assert frozen.outcome is FreezeOutcome.EMPTY
    assert frozen.reason.startswith("none of 1 accepted objects fits the contract any more: column plan")


def with_a_new_column(**setting: object) -> dict[str, object]:
    columns = {**CHURN["columns"], "region": {"type": "category", **setting}}
    return {**CHURN, "policy": {"min_rows": 10}, "columns": columns}


def test_a_nullable_column_that_a_contract_gains_leaves_no_earlier_data_out(data: DataWorld) -> None:
    data.take_in(part(1))
    data.contract = with_a_new_column(nullable=True)
    data.ask()
    frozen = data.take_in()
    assert (data.dataset(frozen)["rows"], data.dataset(frozen)["left_out"]) == (12, [])
    assert data.dataset(frozen, "profile.json")["columns"]["region"]["nulls"] == 12


def test_a_column_that_must_have_values_leaves_out_what_came_without_it(data: DataWorld) -> None:
    data.take_in(part(1))
    data.contract = with_a_new_column()
    data.ask()
    assert "region missing" in data.take_in().reason


def test_a_file_that_arrives_without_a_nullable_column_is_still_refused(data: DataWorld) -> None:
    data.contract = with_a_new_column(nullable=True)
    assert data.take_in(part(1)).outcome is FreezeOutcome.QUARANTINED


def test_how_a_dataset_differs_from_the_champions_is_in_its_manifest() -> None:
    data = world(drift={"min_rows": 100, "psi": 0.1})
    first = data.take_in(part(1, count=200))
    assert data.dataset(first)["drift"] is None
    champion_of(data, first.id)
    basic = [[*row[:2], "basic", *row[3:]] for row in part(2, count=200)]
    told = data.dataset(data.take_in(basic))["drift"]
    assert (told["reference"], sorted(told["psi"])) == (first.id, ["months", "plan", "spend"])
    assert told["psi"]["plan"] == pytest.approx(0.27, abs=0.01)
    assert [(finding["column"], finding["severity"]) for finding in told["findings"]] == [("plan", "warn")]


def champion_of(data: DataWorld, dataset: str) -> None:
    texts = dict.fromkeys(("package_arn", "job", "code_digest", "contract_digest", "run"), "x")
    item = data.table.items["model#m", "head"]
    data.table.items["model#m", "head"] = {**item, "champion": {**texts, "version": 1, "dataset": dataset}}


def test_the_verdict_of_an_accepted_object_that_is_gone_stops_the_run(data: DataWorld) -> None:
    data.take_in(part(1))
    data.objects.delete(data.ledger.accepted("m")[0].verdict)
    data.ask()
    with pytest.raises(ObjectGone, match="the verdict of an accepted object"):
        data.take_in()
