from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbell.publishing.web.rates import asked_time, reset_time, rest_after
from support.asking import http_over


NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
UNIX = int(NOW.timestamp())


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def usage(**said: Any) -> str:
    return json.dumps({"call_count": 10, "total_cputime": 10, "total_time": 10} | said)


def business(*uses: dict[str, Any]) -> dict[str, str]:
    return {"x-business-use-case-usage": json.dumps({"1": [{"type": "pages", **use} for use in uses]})}


# When a network that takes nothing will listen again.


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "120"}, after(120)),
        ({"retry-after": " 1.5 "}, after(1.5)),
        ({"retry-after": "Mon, 23 Nov 2026 09:02:00 GMT"}, after(120)),
        ({"ratelimit-reset": str(UNIX + 30)}, after(30)),
        ({"x-ratelimit-reset": "2026-11-23T10:01:00+01:00"}, after(60)),
        ({"x-ratelimit-reset": "2026-11-23T09:01:00"}, after(60)),
        ({"x-ratelimit-reset": "2026-11-23T09:01:00.250Z"}, after(60.25)),
        ({"x-ratelimit-reset-after": "2.5", "x-ratelimit-reset": str(UNIX + 9)}, after(2.5)),
        ({"x-rate-limit-reset": str(UNIX + 900)}, after(900)),
        ({"ratelimit": '"default";r=0;t=30'}, after(30)),
        (business({"call_count": 100, "estimated_time_to_regain_access": 19}), after(19 * 60)),
        ({"x-app-usage": usage(call_count=100)}, None),
        ({"retry-after": "soon", "ratelimit-reset": "5"}, after(5)),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e15"}, None),
        ({"retry-after": "9999-12-31T23:59:59-12:00"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_the_time_to_come_back_is_read_from_any_header_that_tells(
    headers: dict[str, str], expected: datetime | None
) -> None:
    assert reset_time(headers, now=NOW) == expected


def test_what_a_network_asks_for_counts_more_than_its_limits() -> None:
    asked = {"retry-after": "7", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "900"}
    assert reset_time(asked, now=NOW) == after(7)


def test_of_several_limits_the_one_that_is_used_up_is_waited_for() -> None:
    said = {
        "x-rate-limit-remaining": "15",
        "x-rate-limit-reset": str(UNIX + 900),
        "x-user-limit-24hour-remaining": "0",
        "x-user-limit-24hour-reset": str(UNIX + 40_000),
    }
    assert reset_time(said, now=NOW) == after(40_000)
    assert reset_time(said | {"x-user-limit-24hour-remaining": "3"}, now=NOW) == after(900)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "120"}, after(120)),
        ({"retry-after": "Mon, 23 Nov 2026 09:02:00 GMT"}, after(120)),
        ({"retry-after": "120", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "9"}, after(120)),
        ({"x-ratelimit-limit": "300", "x-ratelimit-remaining": "299", "x-ratelimit-reset": "80000"}, None),
        ({"retry-after": "0"}, None),
        ({"retry-after": "Mon, 23 Nov 2026 08:58:00 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_a_busy_server_is_left_alone_for_as_long_as_it_asks_and_not_until_its_limits_are_reset(
    headers: dict[str, str], expected: datetime | None
) -> None:
    assert asked_time(headers, now=NOW) == expected


# What a success says.


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-limit": "300", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"}, 60),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2026-11-23T09:05:00.123456Z"}, 300.123456),
        ({"ratelimit-remaining": "0", "ratelimit-reset": str(UNIX + 20)}, 20),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(UNIX + 900)}, 900),
        ({"x-app-limit-24hour-remaining": "0", "x-app-limit-24hour-reset": str(UNIX + 9000)}, 9000),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset-after": "0.75"}, 0.75),
        ({"ratelimit": '"burst";r=9;t=1, "day";r=0;t=3600'}, 3600),
        ({"x-app-usage": usage(total_time=100)}, 900),
        ({"x-page-usage": usage(call_count=130)}, 900),
        (business({"call_count": 20}, {"call_count": 100, "estimated_time_to_regain_access": 5}), 300),
        (business({"call_count": 20, "estimated_time_to_regain_access": 5}), 300),
        (
            {"x-app-usage": usage(call_count=100)}
            | business({"call_count": 100, "estimated_time_to_regain_access": 5}),
            300,
        ),
    ],
)
def test_a_limit_that_is_used_up_is_a_rest_until_it_is_reset(headers: dict[str, str], seconds: float) -> None:
    rest = rest_after(headers, now=NOW)
    assert rest is not None
    assert (rest.until, rest.reason) == (after(seconds), "the network's rate limit is used up")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-limit": "300", "x-ratelimit-remaining": "29", "x-ratelimit-reset": "60"}, 2),
        ({"x-ratelimit-limit": "100, 100;w=1", "x-ratelimit-remaining": "9", "x-ratelimit-reset": "10"}, 1),
        ({"x-ratelimit-limit": "100", "x-ratelimit-remaining": "1", "x-ratelimit-reset": "80000"}, 60),
        ({"ratelimit-policy": '"a";q=10;w=60', "ratelimit": '"a";r=1;t=30'}, 15),
        ({"x-app-usage": usage(call_count=90)}, 30),
        ({"x-app-usage": usage(call_count=99)}, 57),
    ],
)
def test_a_limit_that_is_nearly_used_up_slows_down_so_that_the_rest_of_it_lasts(
    headers: dict[str, str], seconds: float
) -> None:
    rest = rest_after(headers, now=NOW)
    assert rest is not None
    assert (rest.until - NOW).total_seconds() == pytest.approx(seconds)
    assert rest.reason == "the network's rate limit is nearly used up"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "application/json"},
        {"x-ratelimit-limit": "300", "x-ratelimit-remaining": "200", "x-ratelimit-reset": "60"},
        {"x-ratelimit-remaining": "1", "x-ratelimit-reset": "60"},  # of how many?
        {"x-ratelimit-remaining": "0"},
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(UNIX - 60)},
        {"x-ratelimit-remaining": "none", "x-ratelimit-reset": "60"},
        {"x-ratelimit-limit": "0", "x-ratelimit-remaining": "5", "x-ratelimit-reset": "60"},
        {"ratelimit": '"a";r=0'},
        {"ratelimit": '"a";t=5'},
        {"ratelimit": '"a";r=?1;t=5'},
        {"ratelimit-policy": "300;w=60"},
        {"x-app-usage": usage(call_count=79)},
        {"x-app-usage": "much"},
        {"x-app-usage": "[100]"},
        {"x-app-usage": usage(call_count="100")},
        {"x-business-use-case-usage": "[]"},
        {"x-business-use-case-usage": '{"1": 5, "2": [7]}'},
        {"retry-after": "60"},
    ],
)
def test_what_says_nothing_of_the_kind_is_no_rest(headers: dict[str, str]) -> None:
    assert rest_after(headers, now=NOW) is None


NAMES = st.sampled_from(
    [
        *("retry-after", "ratelimit", "ratelimit-policy", "x-ratelimit-reset-after"),
        *(f"x-ratelimit-{what}" for what in ("limit", "remaining", "reset")),
        *("x-app-usage", "x-business-use-case-usage"),
    ]
)
DIGITS = "9" * 400
NONSENSE = ["NaN", "-Infinity", "1e400", "-1e400", DIGITS, f"-{DIGITS}", f"{DIGITS}.5", "9" * 5000]
VALUES = (
    st.sampled_from(["0", "-5", "99999999999999999999", '"a";r=0;t=999999999', "null", "[" * 100_000])
    | st.sampled_from(NONSENSE)
    | st.builds('{{"call_count": {}, "total_time": {}}}'.format, *[st.sampled_from(["7", *NONSENSE])] * 2)
    | st.text()
)


@given(st.dictionaries(NAMES, VALUES))
def test_nothing_that_a_network_says_is_an_error_of_ours(headers: dict[str, str]) -> None:
    rest = rest_after(headers, now=NOW)
    assert rest is None or rest.until > NOW
    until = reset_time(headers, now=NOW)
    assert until is None or until.tzinfo is UTC


@pytest.mark.parametrize("count", [*NONSENSE, "[" * 100_000, "true", "null"], ids=lambda said: said[:9])
def test_a_nonsense_of_use_says_nothing(count: str) -> None:
    for said in (f'{{"call_count": {count}}}', f'{{"1": [{{"call_count": {count}}}]}}'):
        for name in ("x-app-usage", "x-business-use-case-usage"):
            assert rest_after({name: said}, now=NOW) is None
            assert reset_time({name: said}, now=NOW) is None


@pytest.mark.parametrize("minutes", [1e308, -1, float("inf"), float("nan"), True, [1], "soon"], ids=repr)
def test_a_nonsense_of_minutes_is_bounded(minutes: Any) -> None:
    rest = rest_after(business({"call_count": 1, "estimated_time_to_regain_access": minutes}), now=NOW)
    assert rest is None or rest.until <= NOW + timedelta(minutes=1e6)


# The longest of all answers to one account counts.


def test_of_several_answers_the_longest_rest_is_kept() -> None:
    resets = iter(["30", "90", "60"])

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": next(resets)})

    http = http_over(httpx.MockTransport(answer))

    async def ask() -> None:
        for _ in range(3):
            await http.request("GET", "https://api.example.com/")

    assert http.rest is None
    asyncio.run(ask())
    assert http.rest is not None
    assert http.rest.until == http.now() + timedelta(seconds=90)
