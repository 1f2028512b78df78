"""What is refused before anything is sent, as the account's server has it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.content import Comment
from postbell.domain.media import Media, MediaKind
from postbell.errors import Rejected
from postbell.networks.mastodon import network
from postbell.publishing import parts
from support import pictures
from support.fake_mastodon import SUBJECT, daemon
from support.pictures import picture, written
from support.sounds import sound


def _problems(text: str = "Hi", *, session: dict[str, Any] | None = None, **more: Any) -> list[str]:
    outgoing = SUBJECT.outgoing(text, **more)
    there = network.at({"server": session})
    return [str(each) for each in parts.problems(outgoing.content, outgoing.options, there, account="toots")]


def _video(folder: Path, name: str = "bell.mp4") -> Media:
    return replace(picture(folder, name), kind=MediaKind.VIDEO, mime="video/mp4")


def test_a_content_warning_counts_with_the_text() -> None:
    assert _problems("x" * 496, options={"spoiler_text": "warn"}) == []
    assert _problems("x" * 497, options={"spoiler_text": "warn"}) == [
        "text and warning (for toots): 501 characters, the limit is 500; shorten it by 1."
    ]


def test_a_link_that_is_added_counts_with_the_text() -> None:
    assert _problems("x" * 476, link=f"https://example.com/{'y' * 100}") == []
    (problem,) = _problems("x" * 477, link="https://example.com")
    assert problem.startswith("text and link (for toots): 501 characters")


def test_a_text_that_is_too_long_by_itself_is_told_once() -> None:
    (problem,) = _problems("x" * 501, options={"spoiler_text": "warn"}, link="https://example.com")
    assert problem.startswith("text, link and warning (for toots): 529 characters")


def test_a_content_warning_needs_a_text(tmp_path: Path) -> None:
    (problem,) = _problems("", media=(picture(tmp_path),), options={"spoiler_text": "warn"})
    assert problem == "[mastodon] spoiler_text (for toots): a content warning needs a text that it hides."


def test_a_title_is_no_text(tmp_path: Path) -> None:
    outgoing = SUBJECT.outgoing("")
    content = replace(outgoing.content, title="A title")
    (problem,) = network.check(content, outgoing.options, account="toots")
    assert problem.message == "titles are not used; give the post a text."
    with_file = replace(content, media=(picture(tmp_path),))
    assert network.check(with_file, outgoing.options, account="toots") == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"poll": "a"}, "give it 2 to 4 answers."),
        ({"poll": "a, b, c, d, e"}, "give it 2 to 4 answers."),
        ({"poll": "a, a"}, "two answers are the same."),
        ({"poll": ["a", "x" * 51]}, "an answer has at most 50 characters."),
        ({"poll": "a, b", "poll_expires_in": 299}, "poll_expires_in is 300 to 2629746 seconds."),
        ({"poll": "a, b", "poll_expires_in": 2_629_747}, "poll_expires_in is 300 to 2629746 seconds."),
    ],
)
def test_a_poll_that_the_server_would_refuse_is_named(options: dict[str, Any], message: str) -> None:
    assert _problems(options=options) == [f"[mastodon] poll (for toots): {message}"]


def test_a_poll_needs_a_text_and_no_files(tmp_path: Path) -> None:
    problems = _problems("", media=(picture(tmp_path),), options={"poll": "a, b"})
    assert [each.partition(": ")[2] for each in problems] == [
        "a poll needs a text.",
        "a poll takes no files beside it.",
    ]


def test_a_video_goes_alone(tmp_path: Path) -> None:
    assert _problems(media=(_video(tmp_path),)) == []
    assert _problems(media=(picture(tmp_path), _video(tmp_path))) == [
        "media (for toots): a video or a sound goes alone, without other files."
    ]


def _gif(folder: Path, width: int, height: int) -> Media:
    data = pictures.gif(width, height, frames=2)
    return picture(folder, "bell.gif", data=data, mime="image/gif", width=width, height=height)


def test_a_gif_that_moves_stands_beside_pictures(tmp_path: Path) -> None:
    made, far_side = daemon("Both", media=(picture(tmp_path), _gif(tmp_path, 40, 30)))
    assert _problems(media=made.outgoing.content.media) == []
    asyncio.run(made.publish())
    (post,) = far_side.public()
    assert len(post.media) == 2


def test_a_gif_that_is_too_large_is_refused_before_the_server_refuses_it(tmp_path: Path) -> None:
    assert _problems(media=(_gif(tmp_path, 1280, 720),)) == []
    large = _gif(tmp_path, 1281, 720)
    assert _problems(media=(large,)) == [
        "media bell.gif (for toots): 1281 x 720 pixels, the limit of a GIF is 921,600; make it smaller."
    ]
    made, _ = daemon(media=(large,))
    with pytest.raises(Rejected, match="1281x720 GIF files are not supported"):
        asyncio.run(made.publish())
    assert _problems(media=(large,), session={"kind": "gotosocial"}) == []


def test_a_sound_is_uploaded_like_a_video_and_goes_alone(tmp_path: Path) -> None:
    path = written(tmp_path, "bells.ogg", sound("audio/ogg"))
    song = replace(picture(tmp_path), kind=MediaKind.AUDIO, mime="audio/ogg", name="bells.ogg", path=path)
    made, far_side = daemon("Eight bells", media=(song,))
    asyncio.run(made.publish())
    (post,) = far_side.public()
    assert [data for data, _ in post.media] == [path.read_bytes()]
    assert _problems(media=(song, picture(tmp_path))) == [
        "media (for toots): a video or a sound goes alone, without other files."
    ]


def test_an_alt_text_that_is_too_long_is_named(tmp_path: Path) -> None:
    assert _problems(media=(picture(tmp_path, alt="x" * 1501),)) == [
        "media cat.png (for toots): its alt text has 1501 characters, the limit is 1500."
    ]


def test_gotosocial_takes_what_mastodon_does_not(tmp_path: Path) -> None:
    there = {"kind": "gotosocial", "text": 5000, "answers": 6}
    media, options = (picture(tmp_path), _video(tmp_path)), {"poll": "a, b, c, d, e"}
    assert _problems("x" * 5000, session=there, media=media, options=options) == []


def test_pixelfed_takes_short_warnings_only() -> None:
    def told(length: int) -> list[str]:
        return _problems(session={"kind": "pixelfed"}, options={"spoiler_text": "x" * length})

    wrong = "[mastodon] spoiler_text (for toots): Pixelfed takes 140 characters of it."
    assert wrong not in told(140)
    assert wrong in told(141)


def test_pixelfed_needs_a_picture_and_has_neither_polls_nor_direct_posts() -> None:
    problems = _problems(session={"kind": "pixelfed"}, options={"poll": "a, b", "visibility": "direct"})
    assert [each.partition(": ")[2] for each in problems] == [
        "it needs a file, such as a picture (--media).",
        "Pixelfed has no polls.",
        "Pixelfed has no direct posts.",
    ]


def test_what_answers_a_picture_on_pixelfed_needs_none(tmp_path: Path) -> None:
    outgoing = SUBJECT.outgoing("Hi", media=(picture(tmp_path),))
    said = replace(outgoing.content, segments=("And more",), comment=Comment(text="By the way"))
    there = network.at({"server": {"kind": "pixelfed"}})
    assert parts.problems(said, outgoing.options, there, account="pix") == []
    (problem,) = parts.problems(replace(said, media=()), outgoing.options, there, account="pix")
    assert problem.where == "part 1: media"


@pytest.mark.parametrize("language", ["English", "EN", "e", "en-us"])
def test_what_is_no_language_is_refused(language: str) -> None:
    with pytest.raises(ValueError, match="language"):
        network.Options.model_validate({"language": language})


def test_more_points_than_files_are_named(tmp_path: Path) -> None:
    assert _problems(media=(picture(tmp_path),), options={"focus": "0:0, 1:1"}) == [
        "[mastodon] focus (for toots): there are more points than files."
    ]


@pytest.mark.parametrize("point", ["0", "0,5:1", "2:0", "0:-1.1", "left:top"])
def test_what_is_no_point_is_refused(point: str) -> None:
    with pytest.raises(ValueError, match="not x:y"):
        network.Options.model_validate({"focus": [point]})
