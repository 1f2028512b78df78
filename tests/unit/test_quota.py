from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbell.domain.quota import Per, Quota, in_force, over, parse_quotas, peak, quotas_text
from postbell.errors import Invalid


NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
A_DAY = Quota(most=2, per=Per.DAY)
A_MONTH = Quota(most=4, per=Per.MONTH)

HOURS = st.integers(-60, 60)
QUOTAS = st.dictionaries(st.sampled_from(Per), st.none() | st.integers(1, 999_999_999))


def at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


def refused(texts: list[str]) -> list[str]:
    with pytest.raises(Invalid) as error:
        parse_quotas(texts)
    return [str(problem) for problem in error.value.problems]


def test_the_post_itself_counts() -> None:
    assert peak([], NOW, DAY) == 1
    assert peak([NOW, NOW], NOW, DAY) == 3


def test_posts_a_whole_span_apart_are_in_no_window_together() -> None:
    assert peak([at(-24), at(24)], NOW, DAY) == 1
    assert peak([at(-23.9)], NOW, DAY) == 2


def test_a_window_may_begin_before_the_post_and_end_after_it() -> None:
    assert peak([at(-12), at(-11), at(11), at(13)], NOW, DAY) == 4


@given(st.lists(HOURS, max_size=20), HOURS)
def test_the_peak_is_that_of_the_fullest_window_of_all(hours: list[int], own: int) -> None:
    windows = (range(begin, begin + 24) for begin in range(own - 23, own + 1))
    expected = max(1 + sum(hour in window for hour in hours) for window in windows)
    assert peak([at(hour) for hour in hours], at(own), DAY) == expected


def test_a_post_within_the_quotas_is_not_over_them() -> None:
    assert over([A_DAY, A_MONTH], [at(-1), at(-48), at(-72)], NOW) == []


def test_each_quota_that_a_post_exceeds_is_told() -> None:
    assert over([A_DAY, A_MONTH], [at(-2), at(1), at(-48), at(48)], NOW) == [
        "it would be post 3 within 24 h; the network takes 2 a day",
        "it would be post 5 within 30 d; the network takes 4 a month",
    ]


def test_a_lifted_quota_is_never_exceeded() -> None:
    assert over([Quota(most=None, per=Per.DAY)], [NOW] * 100, NOW) == []


def test_an_account_adjusts_the_quotas_of_its_network() -> None:
    assert in_force([A_DAY, A_MONTH], []) == (A_DAY, A_MONTH)
    assert in_force([A_MONTH, A_DAY], [Quota(most=9, per=Per.DAY)]) == (Quota(most=9, per=Per.DAY), A_MONTH)
    assert in_force([A_DAY], [A_MONTH, Quota(most=None, per=Per.DAY)]) == (A_MONTH,)
    assert in_force([], []) == ()


def test_quotas_are_read_from_texts() -> None:
    assert parse_quotas(["day=25", " Month = 500 "]) == (
        Quota(most=25, per=Per.DAY),
        Quota(most=500, per=Per.MONTH),
    )
    assert parse_quotas(["day=none"]) == (Quota(most=None, per=Per.DAY),)
    assert parse_quotas([]) == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "day",
        "day=",
        "25",
        "week=3",
        "day=0",
        "day=00",
        "day=-1",
        "day=1.5",
        "day=٣",
        "day=1\n",
        "day=1e3",
    ],
)
def test_what_is_no_quota_is_refused(text: str) -> None:
    assert refused([text]) == [f'--quota: "{text}" is not a quota; write day=25, month=500 or day=none.']


def test_all_that_is_wrong_is_told_at_once() -> None:
    assert refused(["day=1", "week=1", "day=none"]) == [
        '--quota: "week=1" is not a quota; write day=25, month=500 or day=none.',
        "--quota: day is given twice; give it once.",
    ]


@given(QUOTAS)
def test_written_quotas_are_read_again(most: dict[Per, int | None]) -> None:
    quotas = tuple(Quota(most=most[per], per=per) for per in most)
    assert parse_quotas(quotas_text(quotas)) == quotas
