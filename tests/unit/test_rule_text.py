from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from postbell.domain.repeat_words import recurrence_from, recycling_from
from postbell.domain.rule_text import rule_text


DAILY = {"repeat": "daily", "times": "09:00"}
WEEKLY = {"repeat": "weekly", "times": "09:00"}
MONTHLY = {"repeat": "monthly", "times": "09:00"}
YEARLY = {"repeat": "yearly", "times": "09:00"}
BERLIN = ZoneInfo("Europe/Berlin")
BEGIN = "2026-11-30 19:00 Europe/Berlin"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            WEEKLY
            | {"interval": 2, "weekdays": "mon,thu", "times": "9:00,17:30", "end": "2027-03-01", "count": 10},
            "every 2 weeks on Mon and Thu at 09:00, 17:30 Europe/Berlin, from 2026-12-01 until 2027-03-01",
        ),
        (DAILY, "every day at 09:00 Europe/Berlin, from 2026-12-01"),
        (DAILY | {"interval": 3, "count": 1}, "every 3 days at 09:00 Europe/Berlin, from 2026-12-01, 1 time"),
        (WEEKLY | {"weekdays": "mon-fri,sun"}, "every week on Mon-Fri and Sun at 09:00"),
        (WEEKLY | {"weekdays": "daily", "interval": 2}, "every 2 weeks on every day at 09:00"),
        (MONTHLY | {"days": "1,15,last"}, "every month on the 1st, the 15th and the last day at 09:00"),
        (
            MONTHLY | {"days": "11,22,23,-2"},
            "every month on the 11th, the 22nd, the 23rd and the 2nd last day at",
        ),
        (MONTHLY | {"days": 31}, "every month on the 31st or the last day before it at 09:00"),
        (
            MONTHLY | {"days": 31, "short_month": "skip"},
            "every month on the 31st, not in shorter months at 09:00",
        ),
        (
            MONTHLY | {"weekdays": "2nd tue,2nd last fri,sun"},
            "every month on the 2nd Tue, the 2nd last Fri and every Sun at 09:00",
        ),
        (YEARLY | {"months": "jan,jul", "days": 3}, "every year in Jan and Jul on the 3rd at 09:00"),
        ({"cron": "0 9 * * *"}, "by cron 0 9 * * * in Europe/Berlin, from 2026-12-01"),
    ],
)
def test_a_rule_is_told_in_a_sentence(words: dict[str, Any], sentence: str) -> None:
    assert rule_text(recurrence_from(words, zone=BERLIN, today=date(2026, 12, 1))).startswith(sentence)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            {"gap": "2 weeks", "start_date": "2026-12-01 09:00", "expire_count": 10},
            "again after 2 weeks, from 2026-12-01 09:00 Europe/Berlin, 10 times",
        ),
        (
            {"gap": "1 month", "library": "tips", "expire_date": "2027-03-01"},
            f"from the library tips, again after 1 month at the earliest, from {BEGIN} until 2027-03-01",
        ),
    ],
)
def test_a_recycling_is_told_in_a_sentence(words: dict[str, Any], sentence: str) -> None:
    now = datetime(2026, 11, 30, 19)  # noqa: DTZ001
    assert rule_text(recycling_from(words, zone=BERLIN, now_local=now)) == sentence
