"""What is known of an A/B test: answers counted once a row, compared with each other and with the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from retide.domain.ab_quality import score_for
from retide.domain.ab_report import Report, report
from retide.domain.ab_test import Challenger, busy, why_not
from retide.domain.captured import Captured
from retide.domain.ledger import AbTest, EndpointRecord

SHADOW = AbTest("t", 1, 2, "arn", 0, "ada", "", "2026-01-01T00:00:00", began_at="2026-01-01T00:10:00.5+00:00")
SPLIT = replace(SHADOW, percent=10)
DURING = "2026-01-01T00:20:00Z"


def said(version: int, key: str, label: str, at: str = DURING) -> Captured:
    return Captured(str(version), key, at, ({"label": label},))


def told(test: AbTest, lines: list[Captured | None], truth: Mapping[str, object] | None = None) -> Report:
    return report(test, lines, truth or {}, ["id"], score_for("accuracy"))


def test_a_shadow_is_compared_request_by_request() -> None:
    lines: list[Captured | None] = [said(1, f"r{n}", "no") for n in range(60)]
    lines += [said(2, f"r{n}", "yes" if n < 20 else "no") for n in range(60)]
    truth = {f"r{n}": "yes" if n < 20 else "no" for n in range(55)}
    found = told(SHADOW, lines, truth)
    assert found.agreement
    assert (found.agreement.answers, found.agreement.same) == (60, 40)
    assert (found.champion.answers, found.champion.known, found.champion.scored) == (60, 60, 55)
    assert found.gain
    assert found.gain.estimate == pytest.approx(20 / 55)
    assert (found.gain.rows, found.gain.verdict) == ((55, 55), "better")


def test_in_an_a_b_test_each_row_has_one_answer() -> None:
    lines: list[Captured | None] = [said(1, f"a{n}", "no") for n in range(90)]
    lines += [said(2, f"b{n}", "no") for n in range(60)]
    truth = {f"a{n}": "yes" for n in range(90)} | {f"b{n}": "no" for n in range(60)}
    found = told(SPLIT, lines, truth)
    assert found.agreement is None
    assert found.gain
    assert (found.gain.rows, found.gain.champion, found.gain.challenger) == ((90, 60), 0, 1)


def test_a_row_that_is_asked_for_again_counts_once() -> None:
    lines: list[Captured | None] = [said(1, "r", label) for label in ("no", "yes", "yes")]
    found = told(SPLIT, lines, {"r": "yes"})
    assert (found.champion.answers, found.champion.known, found.champion.scored) == (3, 1, 1)


def test_answers_of_before_and_after_the_test_and_of_others_do_not_count() -> None:
    ended = replace(SPLIT, ended_at="2026-01-01T00:30:00.1+00:00")
    lines: list[Captured | None] = [
        said(1, "a", "no", "2026-01-01T00:09:59Z"),
        said(1, "b", "no", "2026-01-01T00:10:00Z"),
        said(1, "c", "no", "2026-01-01T00:30:01Z"),
        said(3, "d", "no"),
        None,
    ]
    found = told(ended, lines)
    assert (found.champion.answers, found.challenger.answers, found.unread) == (1, 0, 1)


def test_values_are_compared_by_how_far_they_are_apart() -> None:
    lines: list[Captured | None] = [
        Captured(version, key, DURING, ({"value": value},))
        for version, key, value in (("1", "a", 1), ("2", "a", 2), ("1", "b", 1), ("2", "b", 4))
    ]
    found = told(SHADOW, lines).agreement
    assert found
    assert (found.same, found.mean_difference, found.largest_difference) == (None, 2, 3)


CHAMPION = EndpointRecord(version=1, config="c", endpoint="e")
GOOD = Challenger(2, "PendingManualApproval", "accepted", 1)


def test_a_version_that_waits_for_approval_may_be_tried() -> None:
    assert why_not(GOOD, CHAMPION, on_instances=True) == ""


@pytest.mark.parametrize(
    ("challenger", "stands", "on_instances", "why"),
    [
        (GOOD, EndpointRecord(), True, "no version serves"),
        (GOOD, replace(CHAMPION, withdrawn=(1,)), True, "no version serves"),
        (GOOD, CHAMPION, False, "one variant and no shadow"),
        (replace(GOOD, version=1), CHAMPION, True, "newer than that"),
        (GOOD, replace(CHAMPION, withdrawn=(2,)), True, "was withdrawn"),
        (replace(GOOD, decision="rejected"), CHAMPION, True, "failed its gate"),
        (replace(GOOD, status="Approved"), CHAMPION, True, "approval: manual"),
        (replace(GOOD, status="Rejected"), CHAMPION, True, "was rejected"),
        (replace(GOOD, judged_against=0), CHAMPION, True, "compared version 2 with version 0"),
    ],
)
def test_why_a_version_may_not_be_tried_is_said(
    challenger: Challenger, stands: EndpointRecord, on_instances: bool, why: str
) -> None:
    assert why in why_not(challenger, stands, on_instances=on_instances)


def test_one_test_at_a_time() -> None:
    assert busy(CHAMPION) == ""
    assert "retide ab stop" in busy(replace(CHAMPION, ab_test="t"))
