"""Times of single accounts are given at another machine as on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from support.command import Ran
from support.elsewhere import Two, told, two_in


#: A time that clocks in Berlin show twice.
TWICE = ("--at", "other=2099-10-25 02:30 Europe/Berlin")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with two_in(tmp_path_factory.mktemp("remote")) as made:
        yield made


def apart(two: Two, run: Callable[..., Ran]) -> list[tuple[int, str, str]]:
    """Give accounts of one post times of their own, and return what the commands said."""
    to = ("--to", "out,other", "--allow-duplicate")
    first = run("add", "Apart", *to, "--at", "in 4 d", "--at", "other=in 3 d at 09:00 Asia/Tokyo", "--json")
    post = str(json.loads(first.out)["id"])
    words = [
        ("show", post),
        ("edit", post, "--at", "out=in 2 d"),
        ("reschedule", post, "in", "5", "d", "--account", "other"),
        ("reschedule", post, "in", "5", "d", "--account", "nobody"),
        ("reschedule", post, "--draft"),
        ("edit", post, "--at", "out=in 6 d", "--json"),
        ("reschedule", post, "in 7 d"),
        ("add", "Wrong", *to, "--at", "in 1 d", "--at", "otter=in 2 d", "--at", "out=never"),
        ("add", "Wrong", *to, "--at", "out=in 2 d"),
        ("add", "Look", *to, "--dry-run", "--at", "in 1 d", "--at", "folder=in 2 d", "--at", "out=in 3 d"),
        ("add", "Look", *to, "--dry-run", "--at", "out=2099-03-29 02:30 Europe/Berlin", *TWICE),
        ("add", "Clocks", *to, "--at", "out=2099-03-29 02:30 Europe/Berlin", *TWICE),
        ("add", "Reminder", *to, "--draft", "--at", "in 1 d", "--at", "out=in 2 d"),
    ]
    half = run("-q", "add", "Half", *to, "--at", "out=now", "--at", "other=in 3 d").out.strip()
    two.home.wait_for(lambda: two.home.post(half).deliveries[0].outcome == "published")
    more = [
        ("show", half),
        ("reschedule", half, "in 4 d", "--account", "out"),
        ("reschedule", half, "in 4 d"),
        ("reschedule", half, "in 4 d", "--account", "other"),
        ("edit", half, "--set", "other.text=In other words"),
        ("cancel", half),
    ]
    found = [told(first, post), *(told(run(*each), post) for each in words)]
    return [*found, *(told(run(*each), half) for each in more)]


def test_times_of_single_accounts_are_told_alike_and_are_the_same_then(two: Two) -> None:
    for one, other in zip(apart(two, two.here), apart(two, two.there), strict=True):
        assert one == other
