"""Threads in manuscripts."""

from __future__ import annotations

import pytest

from postbell.domain.content import Override, Split
from postbell.domain.manuscript import Manuscript, read_manuscript
from postbell.domain.media_ref import MediaRef
from postbell.errors import Invalid, Problem


def read(source: str) -> Manuscript:
    return read_manuscript(source, where="post.md")


def problem(source: str) -> Problem:
    with pytest.raises(Invalid) as caught:
        read(source)
    (found,) = caught.value.problems
    return found


def test_a_line_of_its_own_begins_the_next_part_of_a_thread() -> None:
    source = "One\n\n## +\n\nTwo\n## +\nThree ## +\n\\## +\n\n## @sky\n\nA\n\n## +\n\nB\n"
    found = read(source)
    assert (found.text, found.segments) == ("One", ("Two", "Three ## +\n## +"))
    assert found.overrides == {"sky": Override(text="A", segments=("B",))}


def test_a_file_may_belong_to_another_part_than_the_first() -> None:
    found = read('+++\nmedia = ["a.jpg", {file = "b.jpg", part = 2}]\n+++\nOne\n## +\nTwo\n')
    assert found.media == (MediaRef(file="a.jpg"), MediaRef(file="b.jpg", part=2))


def test_a_file_may_belong_to_the_first_comment() -> None:
    found = read('+++\ncomment = "More"\nmedia = [{file = "b.jpg", part = "comment"}]\n+++\nOne\n')
    assert found.media == (MediaRef(file="b.jpg", part=0),)


@pytest.mark.parametrize("part", ["0", '"2"', "true"])
def test_a_part_is_a_number_from_1_on(part: str) -> None:
    found = problem(f'+++\nmedia = [{{file = "b.jpg", part = {part}}}]\n+++\n')
    assert found.message == (
        "post.md, line 2: the parts of a thread are counted from 1: part = 2; "
        'the first comment has part = "comment".'
    )


@pytest.mark.parametrize(
    ("table", "mend"),
    [
        ('text = "A"\nthen = "B"', 'it must be a list of texts: then = ["The second part"].'),
        ('then = ["B"]', "a thread begins with a text; give the table a text, too."),
    ],
)
def test_a_table_has_a_thread_as_a_list_behind_a_text(table: str, mend: str) -> None:
    assert problem(f"+++\n[sky]\n{table}\n+++\n").message.endswith(mend)


@pytest.mark.parametrize(
    ("said", "split"), [("true", Split.PLAIN), ('"numbered"', Split.NUMBERED), ("false", Split.NO)]
)
def test_a_file_says_what_becomes_of_a_text_that_is_too_long(said: str, split: Split) -> None:
    assert read(f"+++\nsplit = {said}\n+++\n").split is split
    assert read("Hello").split is None


@pytest.mark.parametrize("said", ["1", '"yes"'])
def test_there_are_three_ways_to_say_it(said: str) -> None:
    assert problem(f"+++\nsplit = {said}\n+++\n").message.endswith(
        'it must be split = true, false or "numbered".'
    )
