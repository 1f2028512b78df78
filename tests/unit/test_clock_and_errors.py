from __future__ import annotations

import inspect
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from postbell import errors
from postbell.clock import SystemClock
from postbell.errors import Invalid, PostbellError, Problem, RateLimited
from postbell.testing import FakeClock


def drawn() -> dict[str, tuple[str | None, int]]:
    """Return each error of the tree at the head of the module: its parent and its exit code."""
    found: dict[str, tuple[str | None, int]] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"([│ ]*(?:[├└]── )?)([A-Z]\w+)(?: +(\d+)(?: |$)| {2,}|$)", line):
            depth = len(match[1]) // 4
            path[depth:] = [match[2]]
            parent = path[depth - 1] if depth else None
            code = int(match[3]) if match[3] else found[parent or ""][1]
            found[match[2]] = (parent, code)
    return found


def defined() -> dict[str, type[PostbellError]]:
    classes = dict(inspect.getmembers(errors, inspect.isclass))
    return {name: cls for name, cls in classes.items() if issubclass(cls, PostbellError)}


def test_the_drawn_tree_is_the_tree_that_is_raised() -> None:
    tree = drawn()
    assert tree.keys() == defined().keys()
    assert {name: (cls.__base__.__name__ if cls.__base__ else None) for name, cls in defined().items()} == {
        name: parent or "Exception" for name, (parent, _) in tree.items()
    }


def test_every_error_has_the_exit_code_that_is_drawn() -> None:
    assert {name: cls.exit_code for name, cls in defined().items()} == {
        name: code for name, (_, code) in drawn().items()
    }


@pytest.mark.parametrize(
    ("name", "code"),
    [
        *(("PostbellError", 1), ("NotFound", 3), ("Invalid", 4), ("Stale", 5), ("Unauthorized", 6)),
        *(("Unsure", 7), ("DatabaseLocked", 75), ("SchemaTooNew", 78)),
    ],
)
def test_the_exit_codes_are_those_that_scripts_rely_on(name: str, code: int) -> None:
    assert defined()[name].exit_code == code


@pytest.mark.parametrize("cls", [cls for cls in defined().values() if cls is not Invalid])
def test_an_error_says_something_without_being_told_what(cls: type[PostbellError]) -> None:
    assert str(cls()) == cls.__doc__
    assert str(cls("the reason")) == "the reason"


def test_invalid_names_every_problem_on_its_own_line() -> None:
    error = Invalid(
        iter(
            [
                Problem(where="text", account="sky", message="310 graphemes, the limit is 300."),
                Problem(where="--at", message="it is past."),
            ]
        )
    )
    assert str(error) == "text (for sky): 310 graphemes, the limit is 300.\n--at: it is past."
    assert [problem.where for problem in error.problems] == ["text", "--at"]


def test_a_rate_limit_knows_until_when_if_the_network_said_so() -> None:
    until = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    assert RateLimited("slow down", until=until).until == until
    assert RateLimited().until is None


def test_the_clock_of_the_machine_tells_aware_utc() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC


def test_the_fake_clock_stands_still_until_it_is_moved() -> None:
    clock = FakeClock(datetime(2026, 11, 23, 10, 0, tzinfo=timezone(timedelta(hours=1))))
    assert clock.now() == clock.now() == datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    clock.advance(30)
    clock.advance(timedelta(minutes=-1))
    assert clock.now() == datetime(2026, 11, 23, 8, 59, 30, tzinfo=UTC)
    clock.set(datetime(2027, 1, 1, tzinfo=UTC))
    assert clock.now() == datetime(2027, 1, 1, tzinfo=UTC)
    assert FakeClock().now().tzinfo is UTC
