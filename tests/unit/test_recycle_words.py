from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from postbell.domain.recycling import Gap, GapUnit, Recycling
from postbell.domain.repeat_words import recycling_from, recycling_words
from postbell.errors import Invalid


BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 12, 1, 12, 0, 30)  # noqa: DTZ001
SOLO = {"gap": "2 weeks", "time": "09:00"}


def recycling(words: dict[str, Any], **more: Any) -> Recycling:
    return recycling_from({**words, **more}, zone=BERLIN, now_local=NOW)


def refusal(words: dict[str, Any], **more: Any) -> list[str]:
    with pytest.raises(Invalid) as caught:
        recycling(words, **more)
    return [str(problem) for problem in caught.value.problems]


def first(words: dict[str, Any], **more: Any) -> str:
    return recycling(words, **more).first.isoformat(" ")


def test_the_words_of_publer_make_a_recycling() -> None:
    publer = {
        "solo": True,
        "gap": 2,
        "gap_freq": "Week",
        "start_date": "2026-12-24",
        "time": "09:00",
        "expire_count": 5,
        "expire_date": "2027-12-24",
    }
    assert recycling(publer) == Recycling(
        gap=Gap(count=2, unit=GapUnit.WEEKS),
        first=datetime(2026, 12, 24, 9),  # noqa: DTZ001
        zone="Europe/Berlin",
        last=date(2027, 12, 24),
        count=5,
    )


@pytest.mark.parametrize(
    ("words", "count", "unit"),
    [
        ({"gap": "2 weeks"}, 2, GapUnit.WEEKS),
        ({"gap": "12 h"}, 12, GapUnit.HOURS),
        ({"gap": "3D"}, 3, GapUnit.DAYS),
        ({"gap": 1, "gap_freq": "MONTHS"}, 1, GapUnit.MONTHS),
        ({"gap": "36", "gap_unit": "hour"}, 36, GapUnit.HOURS),
    ],
)
def test_a_gap_has_a_unit_in_it_or_beside_it(words: dict[str, Any], count: int, unit: GapUnit) -> None:
    assert recycling({"time": "09:00", **words}).gap == Gap(count=count, unit=unit)


def test_a_time_without_a_date_is_the_next_such_time() -> None:
    assert first(SOLO) == "2026-12-02 09:00:00"
    assert first(SOLO, time="12:01") == "2026-12-01 12:01:00"
    assert first(SOLO, time="12:00") == "2026-12-02 12:00:00"


def test_now_is_read_on_the_clocks_of_the_zone_that_is_named() -> None:
    assert first({"gap": "1 d", "library": "tips", "tz": "Asia/Tokyo"}) == "2026-12-01 20:00:00"


def test_a_start_with_a_time_needs_no_other() -> None:
    assert first({"gap": "1 d", "start": "2026-12-24 18:00"}) == "2026-12-24 18:00:00"
    assert first({"gap": "1 d", "start": "2026-12-24T18:00:00Z"}) == "2026-12-24 19:00:00"


def test_a_piece_of_a_library_begins_now_or_on_a_day() -> None:
    piece = {"gap": "1 month", "library": " tips ", "solo": "no"}
    assert recycling(piece).library == "tips"
    assert first(piece) == "2026-12-01 12:00:00"
    assert first(piece, start_date="2026-12-24") == "2026-12-24 00:00:00"


def test_all_problems_are_told_at_once_in_the_words_of_the_user() -> None:
    assert refusal(
        {
            "gap": 0,
            "gap_freq": "minute",
            "start": "2026-12-24 18:00",
            "at": "9am,9:30",
            "end": "2026-12-20 10:00",
            "count": "none",
            "library": " ",
            "solo": "maybe",
            "tz": "?",
            "gapp": 1,
        }
    ) == [
        "gapp: there is no such word. Did you mean gap?",
        'tz: there is no time zone named "?". Give an IANA name like Europe/Berlin or UTC.',
        'library: " " is no name. Give one of 1 to 100 printable characters.',
        'solo: "maybe" is neither true nor false.',
        "at: it is published once after each gap. Give one time.",
        "at: start says the time already. Give one of them.",
        'end: "2026-12-20 10:00" has a time of day. Give the day alone.',
        'gap_freq: "minute" is none of hour, day, week, month, h, d, w.',
        'gap: "0" is not a whole number from 1 to 10000.',
        'count: "none" is not a whole number from 1 to 100000.',
    ]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            {"time": "09:00"},
            "gap: say how long it rests before it is used again, for example gap = 2 weeks.",
        ),
        (SOLO | {"gap": -1, "gap_freq": "Day"}, 'gap: "-1" is not a whole number from 1 to 10000.'),
        (SOLO | {"gap": "0 h"}, 'gap: "0" is not a whole number from 1 to 10000.'),
        (SOLO | {"gap": "-2 weeks"}, 'gap: "-2 weeks" is not a whole number from 1 to 10000.'),
        (
            SOLO | {"gap": 3},
            "gap: say its unit: hours, days, weeks or months, for example gap = 2 weeks.",
        ),
        (SOLO | {"gap": "30 min"}, 'gap: "min" is none of hour, day, week, month, h, d, w.'),
        (
            SOLO | {"gap_freq": "Day"},
            'gap: "2 weeks" has a unit. Give the number alone, or no other unit beside it.',
        ),
        (SOLO | {"gap": 3, "gap_freq": "x"}, 'gap_freq: "x" is none of hour, day, week, month, h, d, w.'),
        ({"gap": "1 d"}, "time: say at what time of day, for example time = 09:00."),
        ({"gap": "1 d", "solo": False}, "library: say to which library it belongs, since it is not solo."),
        (
            {"gap": "1 d", "solo": True, "library": "tips"},
            "solo: a piece of a library has no times of its own. Give one of them.",
        ),
        (SOLO | {"expire_date": "2026-12-01"}, "expire_date: it ends before it starts, on 2026-12-02."),
        (SOLO | {"time": "9"}, 'time: "9" is not a time of day: it has none of the accepted forms.'),
        (
            {"gap": "1 d", "start_date": "2026-12-24 18:00:30"},
            'start_date: "18:00:30" has seconds. A rule comes at whole minutes, once a minute at most.',
        ),
    ],
)
def test_a_bad_recycling_is_refused(words: dict[str, Any], problem: str) -> None:
    assert refusal(words)[0].startswith(problem)


@pytest.mark.parametrize(
    "words",
    [
        SOLO,
        SOLO | {"gap": "12 h", "tz": "Pacific/Apia", "count": 3, "expire_date": "2027-12-24"},
        {"gap": "1 month", "library": "tips"},
        {"gap": "1 d", "library": "tips", "start_date": "2026-12-24 18:30"},
    ],
)
def test_the_words_of_a_recycling_make_the_same_recycling(words: dict[str, Any]) -> None:
    meant = recycling(words)
    stored = json.loads(json.dumps(recycling_words(meant)))
    elsewhere = datetime(2000, 1, 1)  # noqa: DTZ001
    assert recycling_from(stored, zone=ZoneInfo("Asia/Tokyo"), now_local=elsewhere) == meant
