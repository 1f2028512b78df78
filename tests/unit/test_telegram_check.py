"""What is refused before Telegram is asked."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.content import Content
from postbell.domain.media import Media
from postbell.errors import Problem
from postbell.networks.telegram import network
from postbell.publishing import parts
from postbell.services.media._fit_child import Job
from support.fake_telegram import daemon, file


def _problems(text: str, media: tuple[Media, ...] = (), **more: Any) -> list[Problem]:
    content = Content(text=text, media=media, link=more.pop("link", None), title=more.pop("title", None))
    options = network.Options.model_validate(more)
    return parts.problems(content, options, network, account="mine")


def _places(text: str, media: tuple[Media, ...] = (), **more: Any) -> list[str]:
    return [problem.where for problem in _problems(text, media, **more)]


def test_a_text_may_be_as_long_as_telegram_counts() -> None:
    assert _places("👍" * 4096) == []
    assert _places("x" * 4097) == ["text"]
    bold = "<b>x</b>" * 3000
    assert _places(bold, markup="html") == []
    (problem,) = _problems(bold, markup="text")
    assert problem.message == "24000 characters, the limit is 4096; shorten it by 19904."


def test_a_link_that_is_added_counts() -> None:
    assert _places("x" * 4096, link="https://example.com") == ["text and link"]
    assert _places("x" * 4070, link="https://example.com") == []


def test_with_files_and_markup_a_text_is_shorter(tmp_path: Path) -> None:
    media = (file(tmp_path),)
    assert _places("x" * 1024, media, markup="html") == []
    (problem,) = _problems("x" * 1025, media, markup="html")
    assert problem.message == "1025 characters, the limit with files and markup is 1024; shorten it by 1."


def test_with_files_a_text_without_markup_is_as_long_as_any(tmp_path: Path) -> None:
    media = (file(tmp_path),)
    assert _places("x" * 4096, media) == []
    assert _places("x" * 4097, media) == ["text"]
    assert _places("x" * 4076, media, link="https://example.org") == []
    assert _places("x" * 4077, media, link="https://example.org") == ["text and link"]
    assert _places("", media, link=f"https://example.org/{'x' * 4080}") == ["text and link"]


def test_a_text_as_long_as_may_be_is_taken(tmp_path: Path) -> None:
    for text, media in (("👍" * 4096, ()), ("👍" * 1024, (file(tmp_path),))):
        here, far_side = daemon(text, media=media)
        asyncio.run(here.publish())
        assert far_side.last()["plain"] == text


@pytest.mark.parametrize(("markup", "text"), [("html", "<b>open"), ("markdown", "1.5")])
def test_markup_that_telegram_refuses_is_a_problem(markup: str, text: str) -> None:
    (problem,) = _problems(text, markup=markup)
    assert problem.where == "text"
    assert problem.message.startswith("as ")


def test_a_post_with_nothing_to_read_is_a_problem(tmp_path: Path) -> None:
    assert _places("", title="Only a title") == ["text"]
    assert _places("<b> </b>", markup="html") == ["text"]
    assert _places("", (file(tmp_path),), title="A title") == []
    assert _places("") == ["text"]


def test_what_cannot_stand_together_in_an_album_is_a_problem(tmp_path: Path) -> None:
    photo, gif, mov = file(tmp_path), file(tmp_path, "b.gif"), file(tmp_path, "c.mov")
    assert _places("x", (photo, photo)) == []
    assert _places("x", (photo, gif)) == ["media"]
    assert _places("x", (photo, mov)) == ["media"]
    assert _places("x", (mov, mov)) == []
    assert _places("x", (photo, gif, mov), as_files=True) == []
    assert _places("x", (photo, photo), buttons=["A https://example.org"]) == ["[telegram] buttons"]
    assert _places("x", (photo,), buttons=["A https://example.org"]) == []


def test_an_album_that_is_too_much_for_one_request_is_a_problem(tmp_path: Path) -> None:
    big = file(tmp_path, "a.mp4", size=30_000_000)
    assert _places("x", (big,)) == []
    assert _places("x", (big, big)) == ["media"]


@pytest.mark.parametrize(
    "more",
    [{"size": 10_000_001}, {"width": 9000, "height": 1001}, {"width": 2100, "height": 100}],
)
def test_a_picture_that_is_too_much_for_a_photo_can_go_as_a_file(
    tmp_path: Path, more: dict[str, Any]
) -> None:
    item = file(tmp_path, **more)
    assert _places("x", (item,)) == ["media bell.png"]
    assert _places("x", (item,), as_files=True) == []


@pytest.mark.parametrize("size", [(9000, 8000), (10_000, 500), (4000, 6000)])
def test_what_a_picture_is_made_to_be_is_not_too_much_for_a_photo(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    limit = network.fits({"as_files": False})
    job = Job(mime="image/png", types=limit.types, pixels=limit.pixels, side=limit.side)
    width, height = (int(side * job.scale(*size)) for side in size)
    item = file(tmp_path, size=limit.types["image/png"], width=width, height=height)
    assert _places("x", (item,)) == []


def test_what_goes_as_a_file_stays_as_large_as_it_is() -> None:
    assert network.fits({"as_files": True}) == network.limits.media
    assert network.fits({}).types["video/mp4"] == network.limits.media.types["video/mp4"]


def test_a_picture_that_could_not_be_measured_is_taken(tmp_path: Path) -> None:
    assert _places("x", (file(tmp_path, width=None, height=None),)) == []


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"poll_public": True}, "poll_public"),
        ({"poll_multiple": True}, "poll_multiple"),
        ({"poll_expires_in": 60}, "poll_expires_in"),
        ({"poll": "a, b", "poll_hide_results": True}, "poll_hide_results"),
        ({"quiz_answer": 1}, "quiz_answer"),
        ({"quiz_explanation": "Because."}, "quiz_explanation"),
        ({"poll": "a, b", "quiz_answer": 3}, "quiz_answer"),
        ({"poll": "a, b", "quiz_answer": 1, "poll_multiple": True}, "poll_multiple"),
        ({"poll": "a, b", "quiz_explanation": "Because."}, "quiz_explanation"),
        ({"poll": "a, b", "markup": "html"}, "poll"),
        ({"poll": "a, b", "link": "https://example.com"}, "poll"),
    ],
)
def test_options_that_do_not_go_together_are_a_problem(options: dict[str, Any], place: str) -> None:
    assert _places("Why?", **options) == [f"[telegram] {place}"]


def test_a_poll_has_a_question_of_its_own_length_and_no_files(tmp_path: Path) -> None:
    assert _places("x" * 300, poll="a, b") == []
    (problem,) = _problems("x" * 301, poll="a, b")
    assert problem.message == "301 characters, the limit of a poll's question is 300; shorten it by 1."
    assert _places("", link="https://example.org", poll="a, b") == ["[telegram] poll", "text"]
    assert _places("Why?", (file(tmp_path),), poll="a, b") == ["[telegram] poll"]
    assert _places("Why?", poll="a, b", quiz_answer=1, quiz_explanation="Because.") == []
