"""Which commit was delivered by which execution: as a person reads it from git and the pipeline together."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from retide.cli.delivery.pushes import Way, insert, match, starts, unlisted
from tests.unit.cli.deliveries import DEFINITION, commit, execution, name

DOCS = "docs/aws.md"


def test_each_commit_with_an_execution_is_delivered_by_it() -> None:
    found = match([commit("b", at=5), commit("a")], [execution("b", at=6), execution("a")], DEFINITION)
    assert [(one.way, one.execution and one.execution.commit) for one in found] == [
        (Way.DELIVERED, name("b")),
        (Way.DELIVERED, name("a")),
    ]


def test_a_commit_of_documents_alone_needs_no_execution_and_is_carried_by_nobody() -> None:
    found = match([commit("b", DOCS), commit("a")], [execution("a")], DEFINITION)
    assert (found[0].way, found[0].by) == (Way.IGNORED, "")


def test_what_was_pushed_together_goes_with_the_last_commit_of_the_push() -> None:
    found = match(
        [commit("c"), commit("b"), commit("d", DOCS), commit("a")], [execution("c"), execution("a")], DEFINITION
    )
    assert [(one.way, one.by) for one in found] == [
        (Way.DELIVERED, ""),
        (Way.TOGETHER, name("c")),
        (Way.IGNORED, ""),
        (Way.DELIVERED, ""),
    ]


def test_a_commit_that_nothing_took_up_is_said_to_be_unseen() -> None:
    assert match([commit("b"), commit("a")], [execution("a")], DEFINITION)[0].way is Way.UNSEEN


def test_an_execution_that_has_not_looked_at_its_source_belongs_to_the_newest_commit() -> None:
    nameless = execution("x", "InProgress", at=6)
    nameless = type(nameless)(nameless.id, "InProgress", nameless.started, nameless.updated)
    found = match([commit("b", at=5), commit("a")], [nameless, execution("a")], DEFINITION)
    assert [one.execution and one.execution.id for one in found] == [nameless.id, "execution-a-1"]


def test_of_a_commit_that_was_started_again_the_newest_execution_counts() -> None:
    twice = [execution("a", at=4), execution("a", "Cancelled", at=1)]
    (found,) = match([commit("a")], twice, DEFINITION)
    assert found.execution is twice[0]
    assert (len(found.executions), found.by) == (2, "")


def test_a_cancelled_commit_is_carried_by_the_newer_one_that_took_its_place() -> None:
    found = match([commit("b"), commit("a")], [execution("b", at=4), execution("a", "Cancelled")], DEFINITION)
    assert found[1].by == name("b")


def test_commits_older_than_the_pipeline_are_not_listed() -> None:
    found = match([commit("b"), commit("a"), commit("before")], [execution("a")], DEFINITION)
    assert [one.commit.name for one in found] == [name("b"), name("a")]


def test_a_rollback_belongs_to_the_commit_that_failed_right_before_it_and_not_to_the_one_it_brings_back() -> None:
    bad, other = execution("b", "Failed", at=20, took=10), execution("c", "Failed", at=21, took=60)
    back = execution("a", at=30.1, rollback=True)
    found = match([commit("c"), commit("b"), commit("a")], [back, other, bad, execution("a")], DEFINITION)
    assert [one.reverted for one in found] == [None, back, None]
    assert len(found[2].executions) == 1


def test_of_a_commit_that_was_pushed_twice_the_older_counts_until_it_is_over() -> None:
    waiting, behind = execution("a", "InProgress", at=1), execution("a", "InProgress", at=4)
    assert match([commit("a")], [behind, waiting], DEFINITION)[0].execution is waiting
    over = execution("a", "Failed", at=1)
    assert match([commit("a")], [behind, over], DEFINITION)[0].execution is behind


def test_a_commit_that_a_forced_push_replaced_keeps_its_place_and_its_outcome() -> None:
    commits = [commit("c", at=8), commit("a")]
    gone = execution("b", "Failed", at=5)
    ran = [execution("c", at=9), execution("a", at=8, rollback=True), gone, execution("a", at=1)]
    assert unlisted(commits, ran, whole=False) == {name("b"): gone.started}
    found = insert(match(commits, ran, DEFINITION), [commit("b", at=4)], ran, {name("a"), name("c")})
    assert [(one.commit.name, one.way) for one in found] == [
        (name("c"), Way.DELIVERED),
        (name("b"), Way.REPLACED),
        (name("a"), Way.DELIVERED),
    ]
    assert (found[1].execution, found[1].reverted) == (gone, ran[1])


def test_a_commit_that_a_merge_brought_was_delivered_and_not_replaced() -> None:
    commits, ran = [commit("m", at=8)], [execution("m", at=9), execution("side", at=10)]
    found = insert(match(commits, ran, DEFINITION), [commit("side")], ran, {name("m"), name("side")})
    assert [(one.commit.name, one.way) for one in found] == [(name("side"), Way.DELIVERED), (name("m"), Way.DELIVERED)]


def test_executions_older_than_the_commits_that_were_asked_for_are_none_of_theirs() -> None:
    ran = [execution("b", at=6), execution("a", at=4)]
    assert unlisted([commit("b", at=5)], ran, whole=False) == {}
    assert set(unlisted([commit("b", at=5)], ran, whole=True)) == {name("a")}


FILES = st.lists(st.sampled_from(["docs/a.md", "docs/b/c.png", "README.md", "infra/app.py", "a/b.md"]), min_size=1)


@given(st.lists(st.tuples(FILES, st.sampled_from(["none", "Succeeded", "Failed", "InProgress", "Cancelled"]))))
def test_every_commit_of_any_history_has_exactly_one_way_and_points_forward_only(history: list[Any]) -> None:
    commits = [commit(str(place), *files) for place, (files, _) in enumerate(history)]
    ran = [
        execution(str(place), status, at=100 - place) for place, (_, status) in enumerate(history) if status != "none"
    ]
    found = match(commits, ran, DEFINITION)
    assert [one.commit for one in found] == commits[: len(found)]
    for place, one in enumerate(found):
        assert (one.execution is not None) is (one.way is Way.DELIVERED)
        newer = {other.commit.name for other in found[:place] if other.executions}
        assert one.by in ({""} | newer)
        assert (one.way is Way.TOGETHER) <= bool(one.by)
        assert (one.way is Way.IGNORED) <= (not starts(one.commit, DEFINITION))
