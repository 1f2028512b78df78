"""Which of an account's posts is the one whose answer was lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from postbell.errors import Rejected, Unavailable, Unsure
from postbell.networks.mastodon import network
from postbell.publishing.protocol import Absent, Progress, Receipt, Reply, Unknown
from support.fake_mastodon import SERVER, FakeMastodon, daemon
from support.farside import Daemon, Fault
from support.pictures import picture


def _lose(here: Daemon, far_side: FakeMastodon) -> dict[str, Any]:
    """Publish without an answer, and return what the server has."""
    far_side.faults = [Fault.LOST]
    with pytest.raises(Unsure):
        asyncio.run(here.publish())
    return far_side.statuses[-1]


def _find(here: Daemon) -> Receipt | Progress | Absent | Unknown:
    return asyncio.run(here.find())


def test_a_text_is_found_by_its_words() -> None:
    here, far_side = daemon(" Good morning \n", options={"spoiler_text": " Sun "})
    ours = _lose(here, far_side)
    ours["spoiler_text"] = "Sun"
    far_side.write("Good evening")
    assert _find(here) == Receipt(id=ours["id"], url=ours["url"])


@pytest.mark.parametrize(
    "other",
    [
        {"app": "Web"},
        {"app": "Postbell", "in_reply_to_id": "7"},
        {"app": "Postbell", "spoiler_text": "Sun"},
        {"app": "Postbell", "media_attachments": [{"id": "8", "type": "image"}]},
    ],
)
def test_another_post_with_the_same_words_is_not_taken_for_it(other: dict[str, Any]) -> None:
    here, far_side = daemon()
    far_side.write("Good morning", **other)
    assert _find(here) == Absent()


def test_where_the_server_does_not_say_by_which_program_the_words_count() -> None:
    here, far_side = daemon()
    status = far_side.write("Good morning", app=None)
    assert _find(here) == Receipt(id=status["id"], url=status["url"])


def test_a_post_from_long_before_the_first_try_is_another_one() -> None:
    here, far_side = daemon()
    far_side.clock.advance(-3600)
    far_side.write("Good morning", app="Postbell")
    far_side.clock.advance(3600)
    assert _find(here) == Absent()


def test_a_post_from_shortly_before_the_first_try_leaves_it_open() -> None:
    here, far_side = daemon()
    far_side.clock.advance(-600)
    status = far_side.write("Good morning", app="Postbell")
    far_side.clock.advance(600)
    assert _find(here) == Unknown(reason=f"{status['url']} may be it, or another one")


def test_clocks_may_differ_a_little() -> None:
    here, far_side = daemon()
    far_side.clock.advance(-100)
    status = far_side.write("Good morning", app="Postbell")
    far_side.clock.advance(100)
    assert _find(here) == Receipt(id=status["id"], url=status["url"])


def test_a_post_that_was_edited_since_leaves_it_open() -> None:
    here, far_side = daemon()
    ours = _lose(here, far_side)
    far_side.texts[ours["id"]], ours["edited_at"] = "Good evening", ours["created_at"]
    assert isinstance(_find(here), Unknown)


def test_files_are_known_by_their_ids_whatever_the_words(tmp_path: Path) -> None:
    here, far_side = daemon(media=(picture(tmp_path),))
    ours = _lose(here, far_side)
    far_side.texts[ours["id"]], ours["application"] = "Good evening", None
    far_side.write("Good morning", app="Postbell", media_attachments=[{"id": "8", "type": "image"}])
    assert _find(here) == Receipt(id=ours["id"], url=ours["url"])


def _repeat_without_keys(here: Daemon, far_side: FakeMastodon) -> dict[str, Any]:
    """Lose the answer to a post with files on a server that keeps no keys: the files are taken then."""
    far_side.kind = "gotosocial"
    return _lose(here, far_side)


def test_files_that_are_gone_because_the_post_has_them_make_no_second_post(tmp_path: Path) -> None:
    here, far_side = daemon(media=(picture(tmp_path),))
    ours = _repeat_without_keys(here, far_side)
    assert asyncio.run(here.publish()) == Receipt(id=ours["id"], url=ours["url"])
    assert len(far_side.statuses) == 1


def test_files_that_are_gone_are_not_sent_again_where_a_post_may_have_them(tmp_path: Path) -> None:
    here, far_side = daemon(media=(picture(tmp_path),))
    ours = _repeat_without_keys(here, far_side)
    ours["media_attachments"], ours["edited_at"] = [], ours["created_at"]
    with pytest.raises(Rejected, match="422"):
        asyncio.run(here.publish())
    assert len(far_side.statuses) == 1


def test_a_post_with_other_files_is_another_one(tmp_path: Path) -> None:
    here, far_side = daemon(media=(picture(tmp_path),))
    here.stored.append(Progress(step="file 1", data={"files": [{"id": "7", "ready": True}]}))
    far_side.write("Good morning", app="Postbell", media_attachments=[{"id": "8", "type": "image"}])
    assert _find(here) == Absent()
    far_side.statuses[0]["edited_at"] = far_side.statuses[0]["created_at"]
    assert isinstance(_find(here), Unknown)


def test_a_server_that_does_not_give_the_source_leaves_it_open() -> None:
    here, far_side = daemon()
    status = _lose(here, far_side)

    class NoSource(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/source"):
                return httpx.Response(404, json={"error": "Record not found"})
            return await far_side.handle_async_request(request)

    found = asyncio.run(network.find(here._outgoing(), None, here._http(NoSource())))
    assert found == Unknown(reason=f"{status['url']} may be it, or another one")


def test_of_two_the_first_is_it_because_a_second_can_only_be_a_later_post() -> None:
    here, far_side = daemon()
    first = far_side.write("Good morning", app="Postbell")
    far_side.write("Good morning", app="Postbell")
    assert _find(here) == Receipt(id=first["id"], url=first["url"])


def test_of_two_nobody_knows_which_it_is_if_the_first_try_is_forgotten() -> None:
    here, far_side = daemon()
    here.outgoing = replace(here.outgoing, forgotten=True)
    first = far_side.write("Good morning", app="Postbell")
    far_side.write("Good morning", app="Postbell")
    assert _find(here) == Unknown(reason=f"{first['url']} may be it, or another one")


def test_more_than_a_page_is_looked_through() -> None:
    here, far_side = daemon()
    ours = _lose(here, far_side)
    for number in range(90):
        far_side.write(f"Number {number}")
    assert _find(here) == Receipt(id=ours["id"], url=ours["url"])


def test_nobody_looks_through_everything() -> None:
    here, far_side = daemon()
    for number in range(801):
        far_side.write(f"Number {number}")
    with pytest.raises(Unavailable, match="more than 800 posts to look through"):
        _find(here)


@pytest.mark.parametrize(("kind", "answer"), [("mastodon", Absent), ("gotosocial", Unknown)])
def test_a_direct_post_is_absent_only_where_such_are_listed(kind: str, answer: type[object]) -> None:
    here, far_side = daemon(options={"visibility": "direct"})
    far_side.kind = kind
    assert isinstance(_find(here), answer)


def test_an_answer_on_pixelfed_is_in_doubt_because_it_lists_none() -> None:
    here, far_side = daemon()
    far_side.kind = "pixelfed"
    assert _find(here) == Absent()
    post = far_side.write("A picture")
    here.outgoing = replace(here.outgoing, reply=Reply(root=post["id"], parent=post["id"]))
    _lose(here, far_side)
    assert _find(here) == Unknown(reason="Pixelfed does not list answers")


@pytest.mark.parametrize(
    "page",
    [
        {},
        [{"id": "7"}],
        ["7"],
        [{"id": "7", "created_at": "today"}],
        [{"id": "7", "created_at": 7}],
    ],
)
def test_a_list_that_is_none_is_no_word_for_or_against_it(page: Any) -> None:
    here, far_side = daemon()

    class Odd(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/statuses"):
                return httpx.Response(200, json=page)
            return await far_side.handle_async_request(request)

    with pytest.raises(Unavailable):
        asyncio.run(network.find(here._outgoing(), None, here._http(Odd())))


def test_an_instant_without_a_zone_is_in_utc() -> None:
    here, far_side = daemon()
    ours = _lose(here, far_side)
    ours["created_at"] = "2026-11-23T09:00:00.000"
    assert isinstance(asyncio.run(network.find(here._outgoing(), None, here._http(Loose(far_side)))), Receipt)


class Loose(httpx.AsyncBaseTransport):
    """Hands on an answer that the description of the API does not allow."""

    def __init__(self, far_side: FakeMastodon) -> None:
        self._far_side = far_side

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/statuses"):
            first = "max_id" not in str(request.url)
            return httpx.Response(200, json=self._far_side.statuses if first else [])
        return await self._far_side.handle_async_request(request)


# What a repeat does


def test_a_repeat_within_the_hour_is_answered_with_the_first_post() -> None:
    here, far_side = daemon()
    ours = _lose(here, far_side)
    assert asyncio.run(here.publish()).id == ours["id"]
    assert len(far_side.statuses) == 1


def test_a_repeat_that_is_answered_with_500_is_looked_up() -> None:
    here, far_side = daemon()
    ours = _lose(here, far_side)
    far_side.replay_breaks = True
    with pytest.raises(Unsure):
        asyncio.run(here.publish())
    assert _find(here) == Receipt(id=ours["id"], url=f"{SERVER}/@alice/{ours['id']}")
