"""What Threads is sent of a post, and what speaks against one."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from postbell.domain.content import Content
from postbell.domain.film import Film
from postbell.domain.media import MediaKind
from postbell.domain.quota import Per, Quota
from postbell.networks.threads import network
from postbell.publishing import parts
from postbell.publishing.protocol import at_server
from support import pictures
from support.fake_threads import daemon


def sent(text: str = "Good morning", **more: Any) -> dict[str, str]:
    """Publish a post; return its container as it was asked for."""
    sender, far_side = daemon(text, **more)
    asyncio.run(sender.publish())
    *_, container = far_side.containers.values()
    return container.values


def problems(text: str = "Good morning", **more: Any) -> list[str]:
    """Return what speaks against a post."""
    options = network.Options.model_validate(more.pop("options", {}))
    content = Content(text=text, **more)
    found = parts.problems(content, options, network, account="mine")
    return [f"{problem.where}: {problem.message}" for problem in found]


# Options


def test_a_post_without_options_says_nothing_but_its_text() -> None:
    assert sent() == {"media_type": "TEXT", "text": "Good morning"}


def test_a_link_is_a_card_beside_a_text_and_the_last_line_beside_files(tmp_path: Path) -> None:
    link = "https://example.com/a?b=c"
    assert sent(link=link) == {"media_type": "TEXT", "text": "Good morning", "link_attachment": link}
    assert sent("", link=link) == {"media_type": "TEXT", "link_attachment": link}
    assert sent(link=link, media=(pictures.picture(tmp_path),))["text"] == f"Good morning\n{link}"
    beside_poll = sent(link=link, options={"poll": ["a", "b"]})
    assert (beside_poll["text"], "link_attachment" in beside_poll) == (f"Good morning\n{link}", False)


def test_who_may_answer_topic_place_and_quote_are_passed_on(tmp_path: Path) -> None:
    options = {
        "reply_control": "followers_only",
        "topic_tag": "#Clock making",
        "location_id": "106481",
        "quote_post_id": "18000",
    }
    told = options | {"topic_tag": "Clock making"}
    assert told.items() <= sent(options=options).items()
    assert told.items() <= sent(options=options, media=(pictures.picture(tmp_path),)).items()


def test_a_poll_names_its_answers() -> None:
    container = sent(options={"poll": "red, green, blue"})
    assert json.loads(container["poll_attachment"]) == {
        "option_a": "red",
        "option_b": "green",
        "option_c": "blue",
    }


def test_a_long_text_has_a_link_or_none() -> None:
    options = {"text_attachment": "A very long story."}
    container = sent(options=options)
    assert json.loads(container["text_attachment"]) == {"plaintext": "A very long story."}
    container = sent(options=options | {"text_attachment_link": "https://example.com"})
    assert json.loads(container["text_attachment"])["link_attachment_url"] == "https://example.com"


def test_a_moving_picture_is_named_by_its_provider_and_number() -> None:
    container = sent(options={"gif": "giphy:l0HlBO7eyXzSZkJri"})
    assert json.loads(container["gif_attachment"]) == {"gif_id": "l0HlBO7eyXzSZkJri", "provider": "GIPHY"}


def test_a_moving_picture_stands_alone(tmp_path: Path) -> None:
    options = {"gif": "tenor:7", "poll": ["a", "b"], "text_attachment": "A story"}
    told = problems(media=(pictures.picture(tmp_path),), options=options)
    assert [each for each in told if "gif:" in each] == [
        f"[threads] gif: it takes no {what} beside it." for what in ("files", "poll", "text_attachment")
    ]
    assert problems(options={"gif": "tenor:7"}) == []


def test_passages_are_hidden_wherever_they_stand() -> None:
    container = sent("It was Ann. Yes, Ann, and Bob", options={"spoilers": ["Bob", "Ann"]})
    assert json.loads(container["text_entities"]) == [
        {"entity_type": "SPOILER", "offset": at, "length": 3} for at in (7, 17, 26)
    ]


def test_files_are_hidden(tmp_path: Path) -> None:
    media = (pictures.picture(tmp_path), pictures.picture(tmp_path, "two.png"))
    assert sent(media=media, options={"spoiler_media": True})["is_spoiler_media"] == "true"


def test_what_follows_in_a_thread_is_told_nothing_of_the_first_part() -> None:
    sender, far_side = daemon(options={"poll": ["a", "b"], "topic_tag": "Bells", "reply_control": "everyone"})
    thread = replace(sender.outgoing.content, segments=("And then",))
    sender.outgoing = replace(sender.outgoing, content=thread)
    asyncio.run(sender.publish())
    first, second = far_side.containers.values()
    assert second.values == {
        "media_type": "TEXT",
        "text": "And then",
        "reply_to_id": far_side.posts[0]["id"],
    }
    assert first.values.keys() >= {"poll_attachment", "topic_tag", "reply_control"}


@pytest.mark.parametrize(
    "options",
    [
        {"topic_tag": "a.b"},
        {"topic_tag": "x" * 51},
        {"topic_tag": 7},
        {"location_id": "here"},
        {"quote_post_id": "https://www.threads.com/@a/post/b"},
        {"reply_control": "nobody"},
        {"text_attachment_link": "example.com"},
        {"gif": "https://giphy.com/a"},
        {"spoilers": [str(at) for at in range(11)]},
    ],
)
def test_an_option_of_the_wrong_form_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        network.Options.model_validate(options)


# What speaks against a post


def test_nothing_speaks_against_a_plain_post(tmp_path: Path) -> None:
    assert problems() == []
    assert problems("", media=(pictures.picture(tmp_path),)) == []
    assert problems("", link="https://example.com") == []


def test_an_emoji_counts_as_many_as_it_has_bytes() -> None:
    assert problems("🎉" * 125) == []
    assert problems("🎉" * 126) == ["text: 504 characters, the limit is 500; shorten it by 4."]


def test_a_title_alone_is_nothing_to_show() -> None:
    assert problems("", title="News") == ["text: titles are not used; give the post a text."]
    assert problems("") == ["text: the post is empty; give it a text."]


def test_a_link_that_becomes_a_line_counts_with_the_text(tmp_path: Path) -> None:
    link, media = "https://example.com", (pictures.picture(tmp_path),)
    assert problems("x" * 480, link=link, media=media) == []
    told = "text and link: 501 characters, the limit is 500; shorten it by 1."
    assert problems("x" * 481, link=link, media=media) == [told]
    assert problems("x" * 501, link=link) == ["text: 501 characters, the limit is 500; shorten it by 1."]


def test_the_alt_text_of_a_file_has_an_end(tmp_path: Path) -> None:
    image = pictures.picture(tmp_path, "a.png", "x" * 1001)
    assert problems(media=(image,)) == ["media a.png: its alt text has 1001 characters, the limit is 1000."]


def test_different_links_are_counted_and_the_same_ones_once() -> None:
    links = " ".join(f"https://example.com/{at}" for at in (1, 2, 3, 4, 5, 1))
    assert problems(links) == []
    assert problems(links, link="https://example.com/5") == []
    told = "text: 6 different links, the limit is 5; leave some out."
    assert problems(links, link="https://example.com/6") == [told]
    more = {"text_attachment": "a", "text_attachment_link": "https://example.com/7"}
    assert problems(links, options=more) == [told]
    inside = {"text_attachment": "And https://example.com/6"}
    assert problems(links, options=inside) == [told]


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (["a"], "give it 2 to 4 answers."),
        (["a", "b", "c", "d", "e"], "give it 2 to 4 answers."),
        (["a", "a"], "two answers are the same."),
        (["a", "x" * 26], "an answer has at most 25 characters."),
    ],
)
def test_a_poll_has_two_to_four_short_answers(answers: list[str], told: str) -> None:
    assert problems(options={"poll": answers}) == [f"[threads] poll: {told}"]


def test_a_poll_needs_a_text_and_takes_no_files(tmp_path: Path) -> None:
    assert problems("", media=(pictures.picture(tmp_path),), options={"poll": ["a", "b"]}) == [
        "[threads] poll: a poll takes no files beside it.",
        "[threads] poll: a poll needs a text.",
    ]


@pytest.mark.parametrize(
    ("text", "spoilers", "told"),
    [
        ("It was Ann", ["Bob"], 'the text does not contain "Bob": it would be shown.'),
        ("a" * 11, ["a"], "11 passages are hidden, the limit is 10."),
        ("It was Ann", ["was Ann", "Ann"], "two passages overlap; give the longer one alone."),
        ("🎉 It was Ann", ["Ann"], "hide nothing behind an emoji: its place is not sure there."),
    ],
)
def test_a_passage_that_would_be_shown_is_told(text: str, spoilers: list[str], told: str) -> None:
    assert problems(text, options={"spoilers": spoilers}) == [f"[threads] spoilers: {told}"]


def test_an_emoji_behind_what_is_hidden_does_no_harm() -> None:
    assert problems("It was Ann 🎉", options={"spoilers": ["Ann"]}) == []


def test_only_files_can_be_hidden_as_files() -> None:
    assert problems(options={"spoiler_media": True}) == [
        "[threads] spoiler_media: there are no files to hide."
    ]


def test_a_long_text_stands_alone(tmp_path: Path) -> None:
    media, options = (pictures.picture(tmp_path),), {"text_attachment": "x" * 10_001, "poll": ["a", "b"]}
    link = {"text_attachment_link": "https://example.com/a"}
    told = problems(media=media, link="https://example.com/b", options=options | link)
    assert [each for each in told if "text_attachment:" in each] == [
        "[threads] text_attachment: a long text takes no files beside it.",
        "[threads] text_attachment: a long text takes no poll beside it.",
        "[threads] text_attachment: it has 10,001 characters, the limit is 10,000.",
        "[threads] text_attachment: the post has a link of its own; leave text_attachment_link out.",
    ]
    assert problems(options=link) == ["[threads] text_attachment_link: it needs a text_attachment."]


def test_a_video_that_threads_would_not_take_is_told(tmp_path: Path) -> None:
    image = pictures.picture(tmp_path, "film.mp4", "A film")
    film = Film(seconds=301, rate=120, codec="vp9", sound="aac", channels=6, hertz=48_000, bits=1)
    video = replace(image, kind=MediaKind.VIDEO, mime="video/mp4", width=640, height=480, film=film)
    told = problems(media=(video,))
    assert [each.partition(": ")[2] for each in told] == [
        "it lasts 301.0 s, the limit is 300 s; cut it.",
        "its pictures are coded as VP9, and H.264 or H.265 is taken there.",
        "120 pictures a second, the limit is 60.",
        "6 channels of sound, the limit is 2.",
    ]


# Limits


def test_what_an_account_may_post_a_day_is_foreseen() -> None:
    assert network.limits.quotas == (Quota(most=250, per=Per.DAY),)
    own = at_server(network, {"posts_a_day": 100})
    assert own.limits.quotas == (Quota(most=100, per=Per.DAY),)
    assert at_server(network, {}).limits == network.limits
