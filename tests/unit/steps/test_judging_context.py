"""What one object is judged against: the champion's data and the keys accepted before, the same on every try."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from retide.domain import layout
from retide.domain.context import NOTHING_KNOWN, Basis, Context
from retide.domain.contract import Contract
from retide.domain.dataset import rules_digest
from retide.domain.layout import ObjectVersion, RunId
from retide.domain.profile import ColumnProfile, Profile
from retide.domain.uniqueness import keys_digest
from retide.domain.verdict import Finding, Verdict
from tests.unit.churn import CHURN
from tests.unit.steps.data_world import Crash, DataWorld

UNIQUE = {**CHURN, "columns": {**CHURN["columns"], "customer": {"type": "string", "unique": "everywhere"}}}
FREE = {**CHURN, "policy": {"min_rows": 10}}


@dataclass
class KeysJudge:
    """Takes each line of a file for a key; a file that repeats one is refused, or loses the line where rows may go."""

    contexts: list[Context] = field(default_factory=list)

    def __call__(
        self,
        path: Path,
        contract: Contract,
        *,
        keep: Path | None = None,
        rejected: Path | None = None,
        keys: Path | None = None,
        context: Context = NOTHING_KNOWN,
        name: str = "",
    ) -> Verdict:
        self.contexts.append(context)
        lines = path.read_text().split()
        taken = {line for earlier in context.earlier_keys for line in earlier.read_text().split()}
        repeated = [line for line in lines if line in taken]
        left = [line for line in lines if line not in taken]
        rules, share = rules_digest(contract), contract.policy.reject_rows
        if repeated and (not left or len(repeated) > share * len(lines)):
            finding = Finding("unique", "customer", "new customers", f"{len(repeated)} known ones", "Leave them out.")
            return Verdict(len(lines), rules, (finding,))
        files = {keep: left, keys: left, rejected: repeated or None}
        for place, content in files.items():
            if place and content is not None:
                place.write_text("\n".join(content))
        profile = Profile(len(left), {"seen_at": ColumnProfile(0)})
        return Verdict(len(left), rules, curated="-".join(left), profile=profile, rejected=len(repeated))


def world(contract: Mapping[str, Any] = UNIQUE, **changes: Any) -> DataWorld:
    return DataWorld(contract={**contract, **changes}, judge=KeysJudge())  # type: ignore[arg-type]


def judge_all(data: DataWorld, *files: str) -> list[str]:
    """A run of these files, one after the other; what became of each."""
    data.arrive(*(content.encode() for content in files))
    run, fence, _ = data.take()
    outcomes = [data.validate(run, fence, place).outcome.value for place in range(len(files))]
    data.release("empty", run, fence)
    return outcomes


def customers(data: DataWorld) -> list[str]:
    """The keys of all accepted objects."""
    found = data.ledger.accepted("m")
    names = [layout.keys("m", one.id, keys_digest(data.parsed)) for one in found]
    return sorted(line for name in names for line in data.objects.get(name).decode().split())


def erase(data: DataWorld, number: int) -> None:
    record = sorted(data.ledger.objects("m"), key=lambda one: one.key)[number]
    data.ledger.erase("m", ObjectVersion(record.key, record.version).id)


# Unique everywhere.


def test_a_key_of_an_accepted_object_does_not_come_again() -> None:
    data = world()
    assert judge_all(data, "a b", "b c", "c d") == ["accepted", "quarantined", "accepted"]
    assert judge_all(data, "d", "e") == ["quarantined", "accepted"]
    assert customers(data) == ["a", "b", "c", "d", "e"]


def test_a_file_that_is_sent_twice_is_a_duplicate_and_no_collision() -> None:
    data = world()
    assert judge_all(data, "a b", "a b") == ["accepted", "duplicate"]
    assert judge_all(data, "a b") == ["duplicate"]


def test_a_corrected_file_passes_as_what_was_refused_holds_no_key() -> None:
    data = world()
    assert judge_all(data, "a", "a b c") == ["accepted", "quarantined"]
    assert judge_all(data, "b c") == ["accepted"]


def test_the_keys_of_a_deleted_object_are_free_again() -> None:
    data = world()
    judge_all(data, "a b")
    erase(data, 0)
    assert judge_all(data, "b c") == ["accepted"]


def test_only_the_objects_in_the_window_are_compared_with() -> None:
    data = world(window={"batches": 2})
    assert judge_all(data, "a", "b", "c") == ["accepted"] * 3
    assert judge_all(data, "a x", "c y") == ["accepted", "quarantined"]


def test_objects_accepted_before_the_contract_asked_for_it_get_their_keys_made() -> None:
    data = world(FREE)
    assert judge_all(data, "a b") == ["accepted"]
    assert not [name for name in data.objects.versions if name.startswith(layout.KEYS)]
    data.contract = dict(UNIQUE)
    assert judge_all(data, "b", "c") == ["quarantined", "accepted"]
    assert data.judge.contexts[1].earlier  # type: ignore[attr-defined]
    assert customers(data) == ["a", "b", "c"]


def test_objects_accepted_before_the_contract_asked_for_it_are_judged_again_one_after_the_other() -> None:
    data = world(FREE)
    judge_all(data, "a b", "b c", "d")
    data.contract = {**UNIQUE, "policy": {"min_rows": 10}}
    data.ask()
    frozen = data.take_in()
    manifest = data.dataset(frozen)
    assert [entry["rows"] for entry in manifest["objects"]] == [2, 1]
    assert [entry["reason"].split(",")[-1] for entry in manifest["left_out"]] == [" seen 1 known ones. Leave them out."]
    written = {key: len(versions) for key, versions in data.objects.versions.items() if "verdicts" in key}
    data.ask("again")
    assert data.take_in() == frozen
    assert {key: len(versions) for key, versions in data.objects.versions.items() if "verdicts" in key} == written


def test_rows_that_todays_rules_take_out_of_an_earlier_object_are_kept_under_these_rules() -> None:
    data = world(FREE)
    judge_all(data, "a b c", "c d e")
    data.contract = {**UNIQUE, "policy": {"min_rows": 10, "reject_rows": 0.5}}
    data.ask()
    manifest = data.dataset(data.take_in())
    assert [entry["rows"] for entry in manifest["objects"]] == [3, 2]
    (taken,) = [name for name in data.objects.versions if name.endswith("/rows.csv")]
    assert data.objects.get(taken) == b"c"


def test_a_contract_without_such_a_rule_reads_and_writes_no_keys() -> None:
    data = world(FREE)
    assert judge_all(data, "a", "a b") == ["accepted", "accepted"]
    assert all(context.earlier_keys == () for context in data.judge.contexts)  # type: ignore[attr-defined]


names = st.sampled_from("abcdef")
actions = st.lists(
    st.one_of(
        st.lists(names, min_size=1, max_size=3, unique=True).map(lambda keys: ("send", " ".join(keys))),
        st.integers(0, 3).map(lambda place: ("erase", str(place))),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(actions, st.integers(0, 4))
def test_accepted_keys_are_never_shared_whatever_comes_goes_and_breaks_off(
    steps: list[tuple[str, str]], crash_at: int
) -> None:
    data, undisturbed = world(), world()
    for action, what in steps:
        for one, crash in ((data, crash_at), (undisturbed, None)):
            if action == "erase" and int(what) < len(one.ledger.objects("m")):
                erase(one, int(what))
            elif action == "send":
                send(one, what, crash)
        assert data.states() == undisturbed.states()
        assert customers(data) == sorted(set(customers(data)))


def send(data: DataWorld, content: str, crash_at: int | None) -> None:
    """One file, whose judging breaks off before the write of that number, and is tried again."""
    data.arrive(content.encode())
    run, fence, _ = data.take()
    data.objects.crash_at = crash_at
    try:
        data.validate(run, fence)
    except Crash:
        data.objects.crash_at = None
        data.validate(run, fence)
    data.objects.crash_at = None
    data.release("empty", run, fence)


# Rows that are taken out.


def test_rows_that_are_taken_out_lie_in_quarantine_beside_the_report_and_are_counted() -> None:
    data = world(policy={"reject_rows": 0.5})
    assert judge_all(data, "a b", "b c d") == ["accepted", "accepted"]
    second = max(data.ledger.objects("m"), key=lambda one: one.key)
    assert (second.rows, second.rejected) == (2, 1)
    assert data.objects.get(layout.quarantined_rows("m", second.id)) == b"b"
    assert data.document(layout.quarantine_report("m", second.id))["rejected"] == 1
    assert not data.objects.exists(layout.quarantined("m", second.id))


# The same on every try.


def champion(data: DataWorld, dataset: str) -> None:
    data.freeze(dataset)
    values = {"champion": dict.fromkeys(CHAMPION, "x") | {"version": 1, "dataset": dataset}}
    item = data.table.items["model#m", "head"]
    data.table.items["model#m", "head"] = {**item, **values}


CHAMPION = ("package_arn", "job", "code_digest", "contract_digest", "run")


def test_a_champion_that_changes_meanwhile_does_not_change_what_a_run_is_judged_against() -> None:
    data = world(FREE)
    judge_all(data, "a", "b c")
    champion(data, "d1")
    data.arrive(b"c d", b"e")
    run, fence, _ = data.take()
    data.validate(run, fence, 0)
    champion(data, "d2")
    data.validate(run, fence, 1)
    assert data.ledger.basis(RunId.parse(run)) == Basis("d1", (2, 1))
    assert [context.recent_rows for context in contexts(data)[-2:]] == [(2, 1)] * 2
    assert all(context.reference and context.reference.rows == 300 for context in contexts(data)[-2:])


def contexts(data: DataWorld) -> list[Context]:
    return data.judge.contexts  # type: ignore[attr-defined, no-any-return]


def test_without_a_champion_or_with_one_whose_data_is_gone_there_is_no_reference() -> None:
    data = world(FREE)
    judge_all(data, "a")
    champion(data, "d1")
    data.objects.delete(layout.dataset("m", "d1", "profile.json"))
    judge_all(data, "b")
    assert [context.reference for context in contexts(data)] == [None, None]


def test_an_object_is_judged_by_its_time_of_arrival() -> None:
    data = world(FREE)
    judge_all(data, "a")
    (record,) = data.ledger.objects("m")
    assert contexts(data)[0].arrived.isoformat(timespec="microseconds") == record.arrived_at  # type: ignore[union-attr]


@given(st.lists(st.integers(1, 9), max_size=3), st.booleans())
def test_a_context_reads_back_as_it_was_written(rows: Iterable[int], known: bool) -> None:
    reference = Profile(3, {}) if known else None
    context = Context(reference, "x", tuple(rows), known=frozenset({"s"} if known else ()), earlier=known)
    assert Context.from_dict(json.loads(json.dumps(context.to_dict()))) == context
