from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from postbell.domain.content import Content, Override, Split, resolve
from postbell.domain.media import Media, MediaKind


BELL = Media(
    sha256="0" * 64, kind=MediaKind.IMAGE, mime="image/png", size=1, name="a.png", path=Path("a.png")
)
BASE = Content(text="base", title="Title", link="https://example.com", media=(BELL,))


def test_without_an_override_the_base_is_published() -> None:
    assert BASE.with_override(None) is BASE
    assert resolve(BASE, {}, network="bluesky", account="sky") == (BASE, {})


def test_an_override_leaves_what_it_does_not_mention() -> None:
    assert BASE.with_override(Override()) == BASE
    assert BASE.with_override(Override(text="own")) == Content(
        text="own", title="Title", link="https://example.com", media=(BELL,)
    )


def test_an_override_may_say_that_something_is_empty() -> None:
    assert BASE.with_override(Override(text="", title="", link="")) == Content(
        text="", title="", link="", media=(BELL,)
    )


def test_the_word_of_the_account_is_stronger_than_that_of_its_network() -> None:
    overrides = {
        "sky": Override(text="for sky", options={"langs": ["de"]}),
        "bluesky": Override(
            text="for all of Bluesky", title="Own", options={"langs": ["en"], "labels": ["x"]}
        ),
    }
    content, options = resolve(BASE, overrides, network="bluesky", account="sky")
    assert (content.text, content.title, content.link) == ("for sky", "Own", "https://example.com")
    assert options == {"langs": ["de"], "labels": ["x"]}


def test_what_others_say_does_not_concern_an_account() -> None:
    overrides = {"mastodon": Override(text="not this", options={"visibility": "direct"})}
    assert resolve(BASE, overrides, network="bluesky", account="sky") == (BASE, {})


def test_an_account_named_like_its_network_is_heard_once() -> None:
    overrides = {"bluesky": Override(text="own", options={"langs": ["en"]})}
    content, options = resolve(BASE, overrides, network="bluesky", account="bluesky")
    assert (content.text, options) == ("own", {"langs": ["en"]})


def test_the_thread_that_was_made_for_an_account_named_like_its_network_is_no_others() -> None:
    made = Override(text="base 1/2", segments=("more 2/2",), split=Split.NUMBERED, options={"langs": "en"})
    said, options = resolve(BASE, {"bluesky": made}, network="bluesky", account="sky")
    assert (said, options) == (BASE, {"langs": "en"})
    assert resolve(BASE, {"bluesky": made}, network="bluesky", account="bluesky")[0].text == "base 1/2"


def test_resolving_leaves_the_overrides_as_they_are() -> None:
    overrides = {"bluesky": Override(options={"a": 1}), "sky": Override(options={"b": 2})}
    resolve(BASE, overrides, network="bluesky", account="sky")
    assert overrides["bluesky"].options == {"a": 1}


def _files(content: Content) -> list[list[str]]:
    return [[item.name for item in part.media] for part in content.parts]


def test_what_is_no_thread_is_its_only_part_and_joined_already() -> None:
    assert BASE.parts == (BASE,)
    assert BASE.joined() is BASE


def test_each_part_of_a_thread_has_its_text_and_its_files_and_the_first_has_title_and_link() -> None:
    second = replace(BELL, name="b.png", part=2)
    thread = replace(BASE, segments=("two", "three"), media=(second, BELL))
    assert thread.parts == (BASE, Content(text="two", media=(second,)), Content(text="three"))


def test_a_thread_joined_has_its_texts_as_paragraphs_and_all_its_files() -> None:
    thread = replace(BASE, segments=("", "three"), media=(BELL, replace(BELL, part=2)))
    assert thread.joined() == replace(thread, text="base\n\nthree", segments=())


def test_an_override_with_a_text_replaces_the_whole_thread_and_no_file_is_lost() -> None:
    files = tuple(replace(BELL, name=f"{part}.png", part=part) for part in (1, 2, 3))
    thread = replace(BASE, segments=("two", "three"), media=files)
    assert _files(thread) == [["1.png"], ["2.png"], ["3.png"]]
    assert thread.with_override(Override(title="T")).segments == ("two", "three")
    shorter = thread.with_override(Override(text="A", segments=("B",)))
    assert ([part.text for part in shorter.parts], _files(shorter)) == (
        ["A", "B"],
        [["1.png"], ["2.png", "3.png"]],
    )
    assert _files(thread.with_override(Override(text="A"))) == [["1.png", "2.png", "3.png"]]
