from __future__ import annotations

import pytest

from postbell.domain.content import Override
from postbell.domain.manuscript import (
    SCISSORS,
    Manuscript,
    read_manuscript,
    write_manuscript,
)
from postbell.domain.media_ref import MediaRef
from postbell.errors import Invalid, Problem


FULL = """\
+++
to = ["blog", "sky"]
at = "tomorrow 18:00"
tz = "Europe/Berlin"
title = "A bell"
link = "https://example.com/bell"
external_id = "cms-4711"
late_limit = "6 h"
not_after = "friday 12:00"
delete_after = "7 d"
media = ["a.jpg", {file = "b.jpg", alt = "A bell"}]
labels = ["news", "bells"]
allow_duplicate = true

[wordpress]
title = "A bell, in full"
categories = ["News", "Bells"]
sticky = true

[sky]
langs = ["en"]
+++

The text for all.

It has two paragraphs.

## @sky

The text for sky.

## @mastodon
The text for Mastodon.
"""


def read(source: str) -> Manuscript:
    return read_manuscript(source, where="post.md")


def problems(source: str) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        read(source)
    return [(problem.where, problem.message) for problem in caught.value.problems]


def problem(source: str) -> Problem:
    ((where, message),) = problems(source)
    return Problem(where=where, message=message)


def test_a_file_says_everything_about_a_post() -> None:
    assert read(FULL) == Manuscript(
        text="The text for all.\n\nIt has two paragraphs.",
        title="A bell",
        link="https://example.com/bell",
        external_id="cms-4711",
        to=("blog", "sky"),
        at="tomorrow 18:00",
        tz="Europe/Berlin",
        late_limit="6 h",
        not_after="friday 12:00",
        delete_after="7 d",
        labels=("news", "bells"),
        allow_duplicate=True,
        media=(MediaRef(file="a.jpg"), MediaRef(file="b.jpg", alt="A bell")),
        overrides={
            "wordpress": Override(
                title="A bell, in full", options={"categories": ["News", "Bells"], "sticky": True}
            ),
            "sky": Override(text="The text for sky.", options={"langs": ["en"]}),
            "mastodon": Override(text="The text for Mastodon."),
        },
    )


@pytest.mark.parametrize(
    "source", ["Just a text.", "\n\nJust a text.\n\n", "\ufeffJust a text.\r\n", "Just a text.  \t\n"]
)
def test_a_file_without_front_matter_is_simply_the_text(source: str) -> None:
    assert read(source) == Manuscript(text="Just a text.")


@pytest.mark.parametrize("source", ["", "\n", "+++\n+++", "+++\n\n+++\n\n \n"])
def test_an_empty_file_is_an_empty_manuscript(source: str) -> None:
    assert read(source) == Manuscript()


@pytest.mark.parametrize(
    "source",
    ["+++ News +++\nText", "---\n\nText\n\n---\nMore", "---\nText: all of it", "Text\n+++\nto = 1\n+++"],
)
def test_what_only_resembles_front_matter_is_text(source: str) -> None:
    assert read(source) == Manuscript(text=source)


def test_line_ends_and_a_byte_order_mark_make_no_difference() -> None:
    assert read("\ufeff" + FULL.replace("\n", "\r\n")) == read(FULL)
    assert read(FULL.replace("\n", "\r")) == read(FULL)
    assert read("\n \n" + FULL.replace("+++\n", "+++ \n")) == read(FULL)


def test_the_indent_of_the_first_line_is_kept() -> None:
    assert read("+++\n+++\n \n    code\n").text == "    code"


def test_one_account_may_be_named_without_a_list() -> None:
    assert read('+++\nto = "blog"\n+++\n').to == ("blog",)
    assert read('+++\nto = "blog, sky,"\n+++\n').to == ("blog", "sky")


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ('"2026-11-27 18:00"', "2026-11-27 18:00"),
        ("2026-11-27 18:00:00", "2026-11-27T18:00:00"),
        ("2026-11-27T18:00:00+01:00", "2026-11-27T18:00:00+01:00"),
        ("2026-11-27", "2026-11-27"),
        ("18:00:00", "18:00:00"),
    ],
)
def test_a_time_may_stand_with_or_without_quotes(written: str, at: str) -> None:
    assert read(f"+++\nat = {written}\n+++\n").at == at


@pytest.mark.parametrize(
    ("written", "queue"), [("true", "free"), ('"free"', "free"), ('"next"', "next"), ('"last"', "last")]
)
def test_a_place_in_the_queue_may_stand_for_a_time(written: str, queue: str) -> None:
    assert read(f"+++\nqueue = {written}\n+++\n").queue == queue
    assert read("+++\nqueue = false\n+++\n").queue is None


def test_a_time_and_a_place_in_the_queue_exclude_each_other() -> None:
    assert problem('+++\nat = "18:00"\nqueue = true\n+++\n') == Problem(
        where="front matter queue",
        message="post.md, line 3: a post has a time or a place in the queue; leave out `at` or `queue`.",
    )


def test_labels_may_be_taken_away_by_naming_none() -> None:
    assert read("+++\nlabels = []\n+++\n").labels == ()
    assert read("").labels is None


def test_dates_among_the_options_are_iso_texts() -> None:
    source = "+++\n[x]\nday = 2026-11-27\ndeep = [{day = 2026-11-27}]\n+++\n"
    assert read(source).overrides["x"].options == {"day": "2026-11-27", "deep": [{"day": "2026-11-27"}]}


def test_a_table_may_hold_a_text_and_a_link() -> None:
    source = '+++\n[sky]\ntext = " \\r\\nshort \\n"\nlink = "https://example.com"\n+++\nlong'
    assert read(source).overrides == {"sky": Override(text="short", link="https://example.com")}


def test_an_empty_section_says_that_the_text_is_empty() -> None:
    assert read("all\n## @sky\n").overrides == {"sky": Override(text="")}


def test_everything_below_the_scissors_is_dropped() -> None:
    assert read(f"text\n{SCISSORS}\nnot this\n## @sky\nnor this") == Manuscript(text="text")


def test_a_backslash_makes_text_of_a_special_line() -> None:
    assert read(f"\\## @sky\n\\{SCISSORS}\n\\\\## @sky\n\\# no\n") == Manuscript(
        text=f"## @sky\n{SCISSORS}\n\\## @sky\n\\# no"
    )


@pytest.mark.parametrize("line", ["## sky", "### @sky", "## @sky says", " ## @sky", "## @", "text ## @sky"])
def test_what_only_resembles_a_heading_of_a_section_is_text(line: str) -> None:
    assert read(f"a\n{line}\nb") == Manuscript(text=f"a\n{line}\nb")


def test_an_unknown_field_is_refused_with_the_nearest_one() -> None:
    assert problem('+++\nto = []\ntitel = "A"\n+++\n') == Problem(
        where="front matter titel",
        message="post.md, line 3: there is no field named 'titel'. Did you mean title?",
    )


def test_an_unknown_field_that_is_like_none_is_refused_with_all_of_them() -> None:
    assert problem('+++\ntext = "A"\n+++\n').message == (
        "post.md, line 2: there is no field named 'text'. There are: to, at, tz, title, link, "
        "external_id, late_limit, not_after, delete_after, comment, comment_after, queue, media, labels, "
        "allow_duplicate, bare, unchecked, split."
    )


def test_all_problems_are_named_at_once_with_their_lines() -> None:
    source = """\
+++
at = 5
to = [1]
media = ["a.jpg", {file = "b.jpg", alt = 3}, {file = "c.jpg", altt = "C"}, {alt = "D"}, 4]
"colour" = "red"

[title]

["my sky"]
text = "short"
link = 7
+++
all

## @sky
one
## @sky
two
"""
    assert [(where, message.split(":")[0]) for where, message in problems(source)] == [
        ("front matter [my sky] link", "post.md, line 11"),
        ("front matter colour", "post.md, line 5"),
        ("section @sky", "post.md, line 17"),
        ("front matter at", "post.md, line 2"),
        ("front matter title", "post.md, line 7"),
        ("front matter to", "post.md, line 3"),
        ("front matter media", "post.md, line 4"),
        ("front matter media", "post.md, line 4"),
        ("front matter media", "post.md, line 4"),
        ("front matter media", "post.md, line 4"),
    ]


@pytest.mark.parametrize(
    ("field", "mend"),
    [
        ("title = 5", 'it must be a text in quotes: title = "…".'),
        ("to = 5", 'it must be names in quotes: to = ["blog", "sky"].'),
        ("labels = 5", 'it must be names in quotes: labels = ["news"].'),
        ("late_limit = 6", 'it must be a text in quotes: late_limit = "…".'),
        ("allow_duplicate = 1", "it must be true or false: allow_duplicate = true."),
        ('queue = "first"', 'it must be queue = true, "next" or "last".'),
        (
            'media = "a.jpg"',
            'it must be a list of files: media = ["a.jpg", {file = "b.jpg", alt = "A bell"}].',
        ),
        (
            'media = [{file = "a", alt = "b", altt = "c"}]',
            "there is no field named 'altt'. Did you mean alt?",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_the_right_form(field: str, mend: str) -> None:
    assert problem(f"+++\n{field}\n+++\n").message == f"post.md, line 2: {mend}"


def test_a_text_that_is_given_in_table_and_section_is_refused() -> None:
    assert problem('+++\n[sky]\ntext = "one"\n+++\nall\n## @sky\ntwo') == Problem(
        where="section @sky", message="post.md, line 6: the text for sky is given twice."
    )


def test_a_field_that_a_person_would_not_find_is_named_with_the_first_line() -> None:
    assert problem('+++\n"\\u0061t" = 5\n+++\n').message.startswith("post.md, line 2: ")


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("+++\nto = []\nat = tomorrow\n+++\n", 3),
        ("+++\nto = [\n\n+++\n", 3),
        ("+++\nto = []\nto = []\n+++\n", 3),
        ("\n\n+++\nnonsense\n+++\n", 4),
        ("+++\nn = " + "1" * 5000 + "\n+++\n", 2),
        ("+++\nn = " + "[" * 5000 + "\n+++\n", 2),
    ],
)
def test_what_is_not_toml_is_refused_with_its_line(source: str, line: int) -> None:
    found = problem(source)
    assert found.where == "front matter"
    assert found.message.startswith(f"post.md, line {line}: this is not TOML: ")
    assert found.message.endswith('. Texts stand in quotes: at = "tomorrow 18:00".')


def test_front_matter_that_does_not_end_is_refused() -> None:
    assert problem("+++\nto = []\n\nThe text.") == Problem(
        where="front matter", message="post.md, line 1: it does not end; close it with another line +++."
    )


def test_front_matter_in_yaml_is_refused_rather_than_published() -> None:
    assert problem("---\ntitle: A bell\n---\n\nThe text.").message == (
        "post.md, line 1: front matter is TOML between +++ lines here, not YAML."
    )


def test_a_full_manuscript_is_written_for_people() -> None:
    assert write_manuscript(read(FULL)) == FULL.replace("## @mastodon\nThe", "## @mastodon\n\nThe")


def test_an_empty_manuscript_is_written_as_an_empty_form() -> None:
    assert write_manuscript(Manuscript()) == "+++\n+++\n\n\n"


def test_a_remark_is_written_and_not_read() -> None:
    written = write_manuscript(read(FULL), remark="Save and close to go on.\n## @sky\nwhatever")
    assert written.endswith(f"\n{SCISSORS}\nSave and close to go on.\n## @sky\nwhatever\n")
    assert read(written) == read(FULL)


def test_what_toml_has_no_word_for_is_not_written() -> None:
    with pytest.raises(TypeError, match="TOML has no word for object"):
        write_manuscript(Manuscript(overrides={"x": Override(options={"a": [object()]})}))
