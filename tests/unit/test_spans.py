from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbell.domain.spans import parse_span, span_text
from postbell.errors import Invalid


def refusal(text: str) -> str:
    with pytest.raises(Invalid) as caught:
        parse_span(text, where="late_limit")
    (problem,) = caught.value.problems
    assert problem.where == "late_limit"
    return problem.message


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("30 min", timedelta(minutes=30)),
        ("90s", timedelta(seconds=90)),
        ("6 h", timedelta(hours=6)),
        ("2 d", timedelta(days=2)),
        ("1 w", timedelta(weeks=1)),
        ("1 d 12 h", timedelta(hours=36)),
        ("1d12h", timedelta(hours=36)),
        ("  2 Weeks  1 day ", timedelta(days=15)),
        ("1 hour 5 minutes 1 second", timedelta(seconds=3901)),
        ("2 hrs 3 mins 4 secs", timedelta(seconds=7384)),
        ("0 d 1 h", timedelta(hours=1)),
    ],
)
def test_a_span_is_read_in_every_unit(text: str, meant: timedelta) -> None:
    assert parse_span(text, where="late_limit") == meant


@pytest.mark.parametrize(
    "text",
    ["", " ", "soon", "30", "5 m", "-1 h", "1.5 h", "1 h 1 d", "1 h 2 h", "an hour", "2 months", "\u0661 h"],
)
def test_nonsense_is_refused_with_the_accepted_forms(text: str) -> None:
    assert refusal(text) == (
        f'"{text}" is not a span of time. Say it like 90 s, 30 min, 6 h, 1 d 12 h or 2 w.'
    )


@pytest.mark.parametrize("text", ["0 s", "0 min", "0 w 0 d"])
def test_no_time_at_all_is_refused(text: str) -> None:
    assert refusal(text) == f'"{text}" is no time at all. Give a longer span.'


def test_a_span_beyond_the_calendar_is_refused() -> None:
    assert "is longer than a hundred years" in refusal("36526 d")
    assert parse_span("36525 d", where="") == timedelta(days=36_525)


def test_a_long_text_is_cut_in_the_refusal() -> None:
    assert len(refusal("x" * 10_000)) < 200


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(hours=36), "1 d 12 h"),
        (timedelta(days=14), "2 w"),
        (timedelta(days=10), "10 d"),
        (timedelta(seconds=90), "1 min 30 s"),
        (timedelta(0), "0 s"),
    ],
)
def test_a_span_is_written_in_its_largest_units(span: timedelta, text: str) -> None:
    assert span_text(span) == text


@given(st.integers(1, 36_525 * 86_400))
def test_a_written_span_is_read_as_the_same(seconds: int) -> None:
    span = timedelta(seconds=seconds)
    assert parse_span(span_text(span), where="") == span
