"""Whatever a manuscript says, it is written so that it is read the same."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from postbell.domain.content import Override, Split
from postbell.domain.manuscript import (
    SCISSORS,
    Manuscript,
    read_manuscript,
    write_manuscript,
)
from postbell.domain.media_ref import MediaRef
from postbell.domain.queue_order import QUEUES
from postbell.errors import Invalid


def _read(source: str) -> Manuscript:
    return read_manuscript(source, where="post.md")


FIELDS = {field.name for field in fields(Manuscript)}
LINES = st.sampled_from(
    [
        "a",
        "+++",
        "---",
        "## @sky",
        "\\## @sky",
        "\\\\## @x ",
        "## +",
        "\\## + ",
        SCISSORS,
        f"\\{SCISSORS}",
        "",
        " ",
        "    b",
        "é\x7f\x00",
        "[t]",
    ]
)
TEXTS = (
    st.one_of(st.lists(LINES, max_size=6).map("\n".join), st.text(st.characters(exclude_categories=["Cs"])))
    .map(lambda text: text.replace("\r", "\n").rstrip(" \t\n"))
    .map(lambda text: text[len(text) - len(text.lstrip(" \t\n")) :])
)
WORDS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
_SAID = ("text", "title", "link", "then", "comment")
_OWN = st.tuples(TEXTS, st.lists(TEXTS, max_size=2).map(tuple))
OVERRIDES = st.builds(
    lambda own, **said: Override(text=own[0], segments=own[1], **said),
    own=st.just((None, ())) | _OWN,
    title=st.none() | WORDS,
    link=st.none() | WORDS,
    comment=st.none() | WORDS,
    options=st.dictionaries(WORDS.filter(lambda name: name not in _SAID), VALUES, max_size=3),
)
NAMES = st.sampled_from(["sky", "my blog", "end ", "a.b", "@x", "é", "1"]) | WORDS.filter(
    lambda name: name not in FIELDS
)
QUEUED = st.tuples(st.none() | WORDS, st.none()) | st.tuples(st.none(), st.sampled_from(QUEUES))
MANUSCRIPTS = st.builds(
    Manuscript,
    text=TEXTS,
    segments=st.lists(TEXTS, max_size=3).map(tuple),
    title=st.none() | WORDS,
    link=st.none() | WORDS,
    to=st.lists(WORDS.map(str.strip).filter(bool), max_size=3).map(tuple),
    tz=st.none() | WORDS,
    labels=st.none() | st.lists(WORDS.map(str.strip).filter(bool), max_size=3).map(tuple),
    late_limit=st.none() | WORDS,
    not_after=st.none() | WORDS,
    delete_after=st.none() | WORDS,
    comment=st.none() | WORDS,
    comment_after=st.none() | WORDS,
    external_id=st.none() | WORDS,
    allow_duplicate=st.booleans(),
    bare=st.sampled_from([None, False, True]),
    unchecked=st.sampled_from([None, False, True]),
    split=st.sampled_from([None, *Split]),
    media=st.lists(st.builds(MediaRef, file=WORDS, alt=WORDS, part=st.integers(0, 3)), max_size=3).map(tuple),
    overrides=st.dictionaries(NAMES, OVERRIDES, max_size=3),
)


@given(MANUSCRIPTS, QUEUED, st.sampled_from(["", "a remark\n## @sky"]))
def test_what_is_written_is_read_again_the_same(
    unplaced: Manuscript, time: tuple[str | None, str | None], remark: str
) -> None:
    manuscript = replace(unplaced, at=time[0], queue=time[1])
    assert _read(write_manuscript(manuscript, remark=remark)) == manuscript


@given(st.one_of(st.lists(LINES, max_size=8).map("\n".join), st.text()))
def test_what_is_read_is_written_so_that_it_is_read_the_same(source: str) -> None:
    try:
        manuscript = _read(source)
    except Invalid:
        assume(condition=False)
    assert _read(write_manuscript(manuscript)) == manuscript
