"""What is concluded from a file: types, ranges, sets, gaps, secrets, the id, the time, the task; and what is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from retide.domain.contract import ColumnType, Task
from retide.inference.errors import CannotInfer
from tests.unit.inference.drafts import column, contract, lines, proposed, spread, told


def answer(row: int) -> str:
    return "yes" if row * 31 % 7 < 3 else "no"


def labelled(*cells: str, header: str, count: int = 200) -> str:
    """Rows of these cells, in turn by row, before a label."""
    return lines(count, lambda i: cells[i % len(cells)], spread, answer, header=f"{header},size,left")


def test_numbers_have_their_range_with_slack_and_what_is_never_negative_stays_so(tmp_path: Path) -> None:
    draft = proposed(tmp_path, lines(200, spread, lambda i: i % 41 - 20, answer, header="a,b,y"), "y")
    assert (column(draft, "a").type, column(draft, "a").minimum, column(draft, "a").maximum) == ("float", 0, 15)
    assert (column(draft, "b").type, column(draft, "b").minimum, column(draft, "b").maximum) == ("integer", -40, 40)


def test_texts_that_come_again_are_a_set_and_one_with_rare_values_may_grow(tmp_path: Path) -> None:
    text = lines(
        200, lambda i: "rgb"[i % 3], lambda i: "s" if i == 7 else "tu"[i % 2], spread, answer, header="a,b,c,y"
    )
    draft = proposed(tmp_path, text, "y")
    assert set(column(draft, "a").values) == {"r", "g", "b"}
    assert (column(draft, "a").open, column(draft, "b").open) == (False, True)


def test_texts_that_hardly_repeat_are_kept_and_never_learned_from(tmp_path: Path) -> None:
    draft = proposed(tmp_path, lines(200, lambda i: f"remark {i}", spread, answer, header="note,b,y"), "y")
    assert column(draft, "note").type is ColumnType.STRING
    assert [feature.name for feature in contract(draft).features] == ["b"]


def test_codes_with_leading_zeros_are_no_numbers(tmp_path: Path) -> None:
    draft = proposed(tmp_path, labelled("00123", "04711", header="code"), "left")
    assert column(draft, "code").values == ("00123", "04711")


def test_a_marker_among_numbers_means_missing_and_the_gaps_have_slack(tmp_path: Path) -> None:
    draft = proposed(tmp_path, labelled("-", "3", "4", "5", header="n"), "left")
    assert "-" in contract(draft).missing
    assert (column(draft, "n").type, column(draft, "n").max_missing) == ("integer", 0.4)


def test_a_word_that_may_mean_missing_among_texts_is_asked_about(tmp_path: Path) -> None:
    draft = proposed(tmp_path, labelled("none", "gold", "silver", header="grade"), "left")
    assert "none" in column(draft, "grade").values
    assert "grade: 'none' in 67 rows is taken for a value" in told(draft)


def test_a_number_that_often_stands_for_not_known_is_asked_about(tmp_path: Path) -> None:
    draft = proposed(tmp_path, labelled("-999", "3", "4", "5", header="n"), "left")
    assert "n: -999 stands there 50 times, apart from all else" in told(draft)


def test_a_column_that_is_empty_in_every_row_is_kept_as_text(tmp_path: Path) -> None:
    draft = proposed(tmp_path, labelled("", header="empty"), "left")
    assert (column(draft, "empty").type, column(draft, "empty").max_missing) == ("string", 1.0)


@pytest.mark.parametrize("words", [("Y", "N"), ("yes", "no"), ("True", "False")])
def test_two_words_of_one_pair_are_truth_values(tmp_path: Path, words: tuple[str, str]) -> None:
    assert column(proposed(tmp_path, labelled(*words, header="flag"), "left"), "flag").type is ColumnType.BOOLEAN


def test_what_looks_sensitive_is_hidden_in_the_contract_and_masked_in_the_sample(tmp_path: Path) -> None:
    text = lines(200, lambda i: f"p{i}@example.org", spread, answer, header="contact,b,y")
    draft = proposed(tmp_path, text, "y")
    assert column(draft, "contact").pii
    assert "looks like e-mail addresses" in draft.files["contract.yaml"]
    assert "@" not in draft.files["sample.csv"]


def test_a_count_is_not_hidden_for_its_name(tmp_path: Path) -> None:
    draft = proposed(tmp_path, lines(200, lambda i: i % 9, spread, answer, header="phone_calls,b,y"), "y")
    assert not column(draft, "phone_calls").pii


def test_a_column_named_like_an_id_that_differs_in_every_row_is_the_id(tmp_path: Path) -> None:
    draft = proposed(tmp_path, lines(200, lambda i: f"C{i * 7}", spread, answer, header="customer_id,b,y"), "y")
    assert contract(draft).id == ("customer_id",)


def test_rows_are_told_apart_by_their_content_where_no_column_does(tmp_path: Path) -> None:
    draft = proposed(tmp_path, lines(200, lambda i: f"C{i % 150}", spread, answer, header="customer_id,b,y"), "y")
    assert contract(draft).id == ()
    assert "# id: none" in draft.files["contract.yaml"]


def test_an_id_that_does_not_tell_rows_apart_is_refused_with_the_rows(tmp_path: Path) -> None:
    text = lines(20, lambda i: i % 15, spread, answer, header="a,b,y")
    with pytest.raises(CannotInfer, match="--id a does not tell rows apart: rows 1 and 16 have the same"):
        proposed(tmp_path, text, "y", id=("a",))


def test_times_in_every_row_are_the_event_time_and_other_dates_are_asked_about(tmp_path: Path) -> None:
    text = lines(
        200, lambda i: f"2026-01-{i % 28 + 1:02}", lambda i: f"{i % 28 + 1}.01.2026", spread, answer, header="at,d,b,y"
    )
    draft = proposed(tmp_path, text, "y")
    assert contract(draft).event_time == "at"
    assert contract(draft).holdout_days == 0
    assert "the file spans 27 days" in draft.files["contract.yaml"]
    assert column(draft, "d").type is ColumnType.STRING
    assert "d: written as 2026-01-31, its dates could be an event time" in told(draft)


def test_a_file_of_many_days_is_split_by_its_time(tmp_path: Path) -> None:
    text = lines(200, lambda i: f"2026-{i % 12 + 1:02}-{i % 28 + 1:02}", spread, answer, header="at,b,y")
    draft = proposed(tmp_path, text, "y")
    assert (contract(draft).event_time, contract(draft).period) == ("at", 5)
    assert "holdout_days" not in draft.files["contract.yaml"]


def test_a_column_that_counts_the_rows_is_not_learned_from(tmp_path: Path) -> None:
    draft = proposed(tmp_path, lines(200, lambda i: i, spread, answer, header="n,b,y"), "y")
    assert not column(draft, "n").feature
    assert column(draft, "n").maximum is None


def test_a_feature_that_is_the_target_in_other_words_is_not_learned_from(tmp_path: Path) -> None:
    text = lines(300, lambda i: {"yes": "P", "no": "Q"}[answer(i)], spread, answer, header="copy,b,y")
    draft = proposed(tmp_path, text, "y")
    assert not column(draft, "copy").feature
    assert "copy: is the target in other words" in told(draft)


def test_a_feature_that_nearly_tells_the_target_stays_and_is_asked_about(tmp_path: Path) -> None:
    text = lines(1000, lambda i: answer(i + (i == 3)), lambda i: i % 97, answer, header="near,b,y")
    draft = proposed(tmp_path, text, "y")
    assert column(draft, "near").feature
    assert "near: alone tells nearly all of the target" in told(draft)


def test_groups_of_people_become_segments(tmp_path: Path) -> None:
    draft = proposed(tmp_path, lines(400, lambda i: "mf"[i % 2], spread, answer, header="sex,b,y"), "y")
    assert contract(draft).segments == ("sex",)


@pytest.mark.parametrize(
    ("cells", "task", "metric"),
    [
        (("a", "b"), "classification", "roc_auc"),
        (("a", "b", "c"), "classification", "accuracy"),
        (("a", "b", *"cccccccccc"), "classification", "roc_auc"),
        (("0", *"11111111111111111111"), "classification", "roc_auc"),
        (("1", *"00000000000000000000"), "classification", "pr_auc"),
        (tuple(map(str, range(40))), "regression", "rmse"),
        (("0.5", "1.5", "2.5"), "regression", "rmse"),
    ],
)
def test_the_target_tells_the_task_and_the_metric(
    tmp_path: Path, cells: tuple[str, ...], task: str, metric: str
) -> None:
    draft = proposed(tmp_path, lines(420, spread, lambda i: cells[i % len(cells)], header="a,y"), "y")
    assert (contract(draft).task, contract(draft).metric.name) == (task, metric)


def test_a_task_that_is_asked_for_is_taken(tmp_path: Path) -> None:
    text = lines(200, spread, lambda i: i % 4, header="a,y")
    assert contract(proposed(tmp_path, text, "y", task=Task.REGRESSION)).task is Task.REGRESSION


def test_of_two_classes_the_rarer_is_looked_for(tmp_path: Path) -> None:
    draft = proposed(tmp_path, lines(200, spread, lambda i: "rare" if i % 5 == 0 else "usual", header="a,y"), "y")
    assert column(draft, "y").values == ("usual", "rare")


@pytest.mark.parametrize(
    ("text", "target", "said"),
    [
        (lines(50, spread, lambda _: 1, header="a,y"), "y", "is '1' in every row"),
        (lines(300, spread, lambda i: f"text {i}", header="a,y"), "y", "free text, or an identifier"),
        (lines(50, spread, lambda _: "", header="a,y"), "y", "empty in every row"),
        (lines(50, spread, answer, header="a,yy"), "y", "no column 'y'; did you mean 'yy'?"),
        (lines(50, spread, spread, answer, header="a,a,y"), "y", r"several columns are called 'a' \(columns 1, 2\)"),
        ("a,b,y\n", "y", "a header and no rows"),
        ("y\n1\n2\n", "y", "no delimiter cuts its first line"),
        (lines(50, lambda i: i, answer, header="a,y"), "y", "no column is left to learn from"),
        ("", "y", "an empty file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(300), "y", "a PNG image"),
    ],
)
def test_what_no_model_can_be_made_of_is_refused_in_words(
    tmp_path: Path, text: str | bytes, target: str, said: str
) -> None:
    with pytest.raises(CannotInfer, match=said):
        proposed(tmp_path, text, target)
