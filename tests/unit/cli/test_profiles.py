"""What is shown of a profile: the quantiles of numbers, and nothing of columns without a distribution."""

from retide.cli.profiles import numbers
from retide.domain.profile import ColumnProfile, Numbers, Profile


def test_numbers_are_shown_with_their_quantiles() -> None:
    spend = Numbers(10, 0.0, 4.0, 2.0, 1.0, (1.0, 2.0, 3.0), (2, 3, 3, 2))
    profile = Profile(12, {"spend": ColumnProfile(2, spend), "at": ColumnProfile(0, Numbers(12, 1.0, 2.0))})
    shown = numbers(profile)
    assert [column.header for column in shown.columns][4] == "~p50"
    cells = [next(iter(column.cells)) for column in shown.columns]
    assert cells == ["spend", "2", "0", "0.25", "2", "3.75", "4"]
    assert shown.row_count == 1
