"""What networks make of threads."""

from __future__ import annotations

from typing import ClassVar

import pytest
from pydantic import Field

from postbell.domain.content import Content
from postbell.publishing.options import Strict
from postbell.publishing.parts import parts_of, problems, taken
from postbell.publishing.protocol import Threads
from postbell.testing import FakeNetwork


THREAD = Content(text="One", segments=("Two", "Three"))


class Options(Strict):
    """Some of which concern the first part alone."""

    mood: str = Field(default="", description="Any.")
    poll: bool = Field(default=False, description="Any.")

    first_only: ClassVar[frozenset[str]] = frozenset({"poll"})


def _network(threads: Threads) -> FakeNetwork:
    class Odd(FakeNetwork):
        pass

    Odd.threads = threads
    return Odd()


def test_a_thread_is_one_post_where_that_is_made_of_it() -> None:
    assert taken(THREAD, _network(Threads.JOINED)).text == "One\n\nTwo\n\nThree"
    for threads in (Threads.CHAIN, Threads.WHOLE, Threads.NONE):
        assert taken(THREAD, _network(threads)) is THREAD


def test_only_a_chain_is_held_against_the_limits_part_by_part() -> None:
    assert parts_of(THREAD, _network(Threads.CHAIN)) == THREAD.parts
    assert [part.text for part in parts_of(THREAD, _network(Threads.WHOLE))] == ["One\n\nTwo\n\nThree"]


def test_every_problem_of_every_part_is_told_at_once_with_the_part() -> None:
    content = Content(text="unfit", segments=("x" * 501, ""))
    found = problems(content, Options(), _network(Threads.CHAIN), account="ann")
    assert [(each.where, each.account, each.message) for each in found] == [
        ("part 1: text", "ann", "it is unfit; write another one."),
        ("part 2: text", "ann", "501 characters, the limit is 500; shorten it by 1."),
        ("part 3: text", "ann", "the post is empty; give it a text."),
    ]


def test_what_is_no_thread_is_told_of_without_a_part() -> None:
    found = problems(Content(text="unfit"), Options(), _network(Threads.CHAIN), account="ann")
    assert [each.where for each in found] == ["text"]


def test_a_network_without_threads_refuses_them_and_says_what_to_do() -> None:
    (found,) = problems(THREAD, Options(), _network(Threads.NONE), account="ann")
    assert (found.where, found.account) == ("text", "ann")
    assert found.message == (
        "Fake has no threads; give it a text of its own: a section `## @ann` in a file, or --set ann.text=…"
    )
    assert problems(Content(text="One"), Options(), _network(Threads.NONE), account="ann") == []


def test_further_parts_are_told_the_options_that_concern_all() -> None:
    assert Options(mood="glad", poll=True).further() == Options(mood="glad")


@pytest.mark.parametrize("threads", list(Threads))
def test_a_plain_post_is_the_same_for_all(threads: Threads) -> None:
    plain = Content(text="One")
    assert taken(plain, _network(threads)) is plain
    assert list(parts_of(plain, _network(threads))) == [plain]
