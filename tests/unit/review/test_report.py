"""The review as people read it: what fails the check, what is folded, and what a comment holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.review.acknowledgements import PLACE, Acknowledged, AcknowledgementError, acknowledged, read
from infra.review.costs import Prices
from infra.review.report import CUT, Report, code, shortened
from infra.review.review import Side, reviews
from infra.review.templates import Assembly
from tests.unit.review.stages import Json, policy, role, stage, statement

NOBODY: Final = Acknowledged({}, ())
FUNCTION: Final[Json] = {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Key": "0" * 64 + ".zip"}}}


def side(staging: Assembly, prod: Assembly | None = None) -> Side:
    return Side({"staging": staging, "prod": prod or staging}, {})


def report(base: Side, head: Side, acknowledged_: Acknowledged = NOBODY, **more: Any) -> Report:
    given = {"verdict": "## Data and models", "broken": False, **more}
    return Report("main (0123)", reviews(base, head, Prices.load()), acknowledged_, prices=Prices.load(), **given)


def allowing(*actions: str) -> Assembly:
    return stage(Role=role(), Policy=policy(statement(list(actions), Resource="*")))


def function(digest: str = "0", **properties: Any) -> Json:
    return {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Key": digest * 64 + ".zip"}, **properties}}


def test_a_change_that_changes_nothing_says_so_and_passes() -> None:
    same = side(allowing("s3:GetObject"))
    told = report(same, same)
    assert told.objections == []
    assert "| infrastructure | nothing changes |" in told.markdown()
    assert "nothing becomes broader" in told.markdown()


def test_a_broadening_fails_the_check_and_is_told_once_though_two_stages_have_it() -> None:
    told = report(side(allowing("s3:GetObject")), side(allowing("s3:GetObject", "s3:PutObject")))
    (one,) = told.broadenings
    assert told.objections == [f"IAM becomes broader and nobody says why: {one.id}"]
    assert told.markdown().count("`s3:PutObject on *`") == 1
    assert "staging, prod" in told.markdown()


def test_a_broadening_that_somebody_wanted_passes_and_its_reason_is_shown() -> None:
    base, head = side(allowing("s3:GetObject")), side(allowing("s3:GetObject", "s3:PutObject"))
    (one,) = report(base, head).broadenings
    told = report(base, head, Acknowledged({one.id: "the step writes now"}, ()))
    assert told.objections == []
    assert "acknowledged: `the step writes now`" in told.markdown()


def test_a_broken_model_and_an_acknowledgement_in_vain_fail_the_check() -> None:
    same = side(allowing("s3:GetObject"))
    told = report(same, same, Acknowledged({}, ("abc",)), broken=True)
    assert told.objections == [f"{PLACE} acknowledges what this change does not do: abc", "a model is broken"]


def test_a_narrower_permission_is_told_and_passes() -> None:
    told = report(side(allowing("s3:*")), side(allowing("s3:GetObject")))
    assert told.objections == []
    assert "no longer: `s3:* on *`" in told.markdown()


def test_what_only_carries_other_code_is_told_in_one_line() -> None:
    told = report(side(stage(F=function("0"))), side(stage(F=function("1")))).markdown()
    assert "Other code, and nothing else: `stack/F`" in told
    assert "S3Key" not in told


def test_a_policy_with_a_long_beginning_is_not_taken_for_other_code() -> None:
    long = [f"s3:Get{'x' * 50}{number}" for number in range(10)]
    told = report(side(allowing(*long)), side(allowing(*long, "s3:PutObject"))).markdown()
    assert "Other code" not in told
    assert "`PolicyDocument.Statement[0].Action`" in told


def test_resources_that_change_alike_share_their_rows() -> None:
    def three(memory: int) -> Side:
        return side(stage(**{name: function(str(memory), MemorySize=memory) for name in "ABC"}))

    told = report(three(1), three(2)).markdown()
    assert "| `stack/A`<br>`stack/B`<br>`stack/C` | AWS::Lambda::Function | changed, and other code |" in told
    assert told.count("MemorySize") == 1


def test_what_may_lose_data_stands_before_the_fold() -> None:
    told = report(side(stage(T={"Type": "AWS::DynamoDB::Table"})), side(stage())).markdown()
    assert "**1 replaced or removed**" in told
    assert told.index("* **removed**: `stack/T`") < told.index("<summary>1 changed")


def test_stages_that_change_differently_are_told_of_apart() -> None:
    base = side(stage(F=function()))
    head = side(stage(F=function(Timeout=1)), stage(F=function(Timeout=2)))
    assert [one.stages for one in reviews(base, head, Prices.load())] == [("staging",), ("prod",)]


@given(st.text(alphabet="`|<>a \n", max_size=20))
def test_no_text_of_a_template_escapes_from_its_cell(text: str) -> None:
    told = code(text)
    fence = told[: len(told) - len(told.lstrip("`"))]
    assert "\n" not in told
    assert told.endswith(fence)
    assert fence not in told[len(fence) : -len(fence)].replace(fence + "`", "")
    assert "|" not in told.replace("\\|", "")


def test_a_review_that_a_comment_does_not_hold_is_cut_and_its_folds_are_closed() -> None:
    def many(timeout: int) -> Side:
        return side(stage(**{f"F{number}": function(Timeout=timeout, A=number) for number in range(100)}))

    def much(timeout: int) -> Side:
        return side(stage(**{f"F{number}": function(Timeout=timeout + number) for number in range(1_500)}))

    assert len(report(many(1), many(2)).markdown()) < 10_000
    whole = report(much(1), much(2)).markdown()
    cut = shortened(whole)
    assert len(whole) > 65_536 > len(cut)
    assert cut.endswith(CUT)
    assert cut.count("<details>") == cut.count("</details>")
    assert shortened("short") == "short"


def write(root: Path, text: str) -> Path:
    (root / PLACE).parent.mkdir(parents=True)
    (root / PLACE).write_text(text, encoding="utf-8")
    return root


def test_only_what_the_change_itself_acknowledges_counts(tmp_path: Path) -> None:
    old = "- {finding: aaa, reason: long ago}\n"
    base, head = write(tmp_path / "base", old), write(tmp_path / "head", old + "- {finding: bbb, reason: now}\n")
    assert acknowledged(base, head, {"aaa", "bbb"}) == Acknowledged({"bbb": "now"}, ())
    assert acknowledged(base, head, {"aaa"}) == Acknowledged({}, ("bbb",))
    assert acknowledged(tmp_path / "nothing", base, {"aaa"}) == Acknowledged({"aaa": "long ago"}, ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("finding: a", "must be a list of entries"),
        ("- a", "entry 1 must have `finding` and `reason`"),
        ("- {finding: a, reason: b}\n- {finding: a}", "entry 2 must have"),
        ("- {finding: a, reason: ' '}", r"entry 1 \(a\) gives no reason"),
        ("- {", "cannot be read"),
    ],
)
def test_a_file_of_acknowledgements_that_cannot_be_used_says_why(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(AcknowledgementError, match=message):
        read(write(tmp_path, text) / PLACE)
