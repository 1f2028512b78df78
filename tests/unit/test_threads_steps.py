"""The way of a post to Threads' public, step by step, and what may happen on it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.media import Media
from postbell.errors import PublishError, Rejected, Unavailable, Unsure
from postbell.publishing.protocol import Progress, Receipt, Unknown
from support import pictures
from support.fake_threads import FakeThreads, Refusal, daemon
from support.farside import Daemon, Fault
from support.threads_telling import fail, numbered, refuse


KNOWN = "public, its address not known yet"


def images(folder: Path, count: int = 2) -> tuple[Media, ...]:
    return tuple(pictures.picture(folder, f"picture {at}.png", f"Picture {at}") for at in range(count))


def film(folder: Path) -> Media:
    path = folder / "film.mp4"
    path.write_bytes(b"film")
    image = pictures.picture(folder, "film.mp4", "A film")
    return replace(image, kind="video", mime="video/mp4", path=path, size=4)  # type: ignore[arg-type]


def test_a_text_is_a_container_that_is_ready_and_then_public() -> None:
    sender, far_side = daemon()
    receipt = asyncio.run(sender.publish())
    assert numbered(far_side) == ["POST me/threads", "GET #", "POST me/threads_publish", "GET #"]
    assert receipt == Receipt(id=far_side.posts[0]["id"], url=far_side.posts[0]["permalink"])
    assert [step.step for step in sender.stored] == ["container", KNOWN]
    assert sender.stored[0].data["container"] in far_side.containers


def test_it_is_known_that_it_is_public_before_its_address_is_asked_for() -> None:
    sender, far_side = daemon()
    asyncio.run(sender.publish())
    assert sender.stored[-1].data["id"] == far_side.posts[0]["id"]


def test_files_are_containers_of_their_own_and_each_is_waited_for(tmp_path: Path) -> None:
    sender, far_side = daemon(media=images(tmp_path))
    far_side.looks = 1
    asyncio.run(sender.publish())
    assert [step.step for step in sender.stored] == [
        *("file 2", "file 1 is fetched", "file 2 is fetched"),
        *("container", "Threads makes it ready", KNOWN),
    ]
    assert [alt for _, alt in far_side.public()[0].media] == ["Picture 0", "Picture 1"]


def test_one_picture_and_one_video_need_no_containers_of_their_own(tmp_path: Path) -> None:
    for media in (images(tmp_path, 1), (film(tmp_path),)):
        sender, far_side = daemon(media=media)
        asyncio.run(sender.publish())
        assert len(far_side.containers) == 1
        assert [alt for _, alt in far_side.public()[0].media] == [media[0].alt]


def test_what_takes_long_is_looked_at_ever_more_seldom(tmp_path: Path) -> None:
    sender, far_side = daemon(media=(film(tmp_path),))
    far_side.looks = 6
    begun = far_side.clock.now()
    asyncio.run(sender.publish())
    times = [step.again_at - begun for step in sender.stored if step.again_at]
    waits = [(after - before).seconds for before, after in pairwise(times)]
    assert (times[0].seconds, waits) == (5, [5, 10, 20, 40, 60, 60])


def test_what_is_not_ready_within_an_hour_is_given_up(tmp_path: Path) -> None:
    sender, far_side = daemon(media=(film(tmp_path),))
    far_side.looks = None
    error = fail_after_waiting(sender, 70)
    assert type(error) is Rejected
    assert "did not make it ready within an hour. Threads fetches files from `api.public_url`" in str(error)
    assert far_side.public() == []


def fail_after_waiting(sender: Daemon, most: int) -> PublishError:
    """Publish until it fails; more steps than the daemon of the suite takes."""
    http = sender._http(None)
    for _ in range(most):
        try:
            result = asyncio.run(sender.subject.network.publish(sender.outgoing, sender._progress(), http))
        except PublishError as error:
            return error
        assert isinstance(result, Progress)
        sender._keep(result)
        sender.far_side.clock.set(result.again_at or sender.far_side.clock.now())
    raise AssertionError("it did not fail")


def test_what_cannot_be_fetched_from_outside_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    sender, far_side = daemon(media=images(tmp_path), links=None)
    error = fail(sender)
    assert type(error) is Rejected
    assert "set `api.public_url`" in str(error)
    assert far_side.requests == []


def test_a_file_that_threads_cannot_fetch_is_tried_anew_and_then_told(tmp_path: Path) -> None:
    sender, far_side = daemon(
        media=images(tmp_path), links=lambda item: f"https://elsewhere.example/{item.name}"
    )
    error = fail(sender)
    assert type(error) is Rejected
    assert "could not make picture 0.png ready, 3 times: ERROR UNKNOWN. Threads fetches" in str(error)
    assert far_side.public() == []


def test_what_failed_once_is_made_anew(tmp_path: Path) -> None:
    sender, far_side = daemon(media=images(tmp_path, 1))
    far_side.errors = ["FAILED_PROCESSING_VIDEO", "UNKNOWN"]
    asyncio.run(sender.publish())
    assert len(far_side.public()) == 1
    assert len(far_side.containers) == 3


@pytest.mark.parametrize(
    ("word", "told"),
    [("INVALID_ASPEC_RATIO", "beyond 10 to 1"), ("INVALID_DURATION", "longer than 5 minutes")],
)
def test_what_is_wrong_with_a_file_is_told_at_once(tmp_path: Path, word: str, told: str) -> None:
    sender, far_side = daemon(media=images(tmp_path))
    far_side.errors = [word]
    error = fail(sender)
    assert type(error) is Rejected
    assert "does not take picture 0.png: " in str(error)
    assert told in str(error)
    assert len(far_side.containers) == 2


def test_a_container_that_has_ended_is_made_anew() -> None:
    sender, far_side = daemon()
    for _ in range(5):  # however often, that is no fault of the post
        far_side.faults = [Fault.UNAVAILABLE]
        assert type(fail(sender)) is Unavailable
        far_side.clock.advance(86_400)
    asyncio.run(sender.publish())
    assert len(far_side.public()) == 1


def test_a_container_that_is_not_found_is_published_again_once_the_list_has_no_post() -> None:
    sender, far_side = daemon()
    far_side.misses = 2
    asyncio.run(sender.publish())
    assert len(far_side.containers) == 1
    assert numbered(far_side).count("POST me/threads_publish") == 3
    assert numbered(far_side).count("GET me/threads") == 2


def test_a_container_that_is_lost_is_made_anew_and_after_three_it_is_told() -> None:
    sender, far_side = daemon()
    far_side.misses = 4
    asyncio.run(sender.publish())
    assert (len(far_side.containers), len(far_side.public())) == (2, 1)
    sender, far_side = daemon()
    far_side.misses = 99
    assert "could not make the post ready, 3 times: FINISHED" in str(fail(sender))
    assert len(far_side.containers) == 3


def test_a_post_that_the_list_knows_is_not_published_from_a_container_that_was_not_found() -> None:
    sender, far_side = daemon()
    far_side.misses = 1
    sent = far_side._publish

    def publish(asked: dict[str, str]) -> dict[str, Any]:
        misses, far_side.misses = far_side.misses, 0
        said = sent(asked)
        if misses:  # it was published all the same
            far_side.containers[asked["creation_id"]].published = False
            raise Refusal(24, "Media Not Found", 4_279_009)
        return said

    far_side._publish = publish  # type: ignore[method-assign]
    receipt = asyncio.run(sender.publish())
    assert [post["id"] for post in far_side.posts] == [receipt.id]


def test_a_post_that_appears_late_is_not_published_from_another_container() -> None:
    sender, far_side = daemon()
    far_side.misses, late = 3, FakeThreads.write

    def listed(asked: Mapping[str, str], *, answers: bool) -> dict[str, Any]:
        if len(far_side.containers) > 1 and not far_side.posts:
            late(far_side, "Good morning")
        return FakeThreads._list(far_side, asked, answers=answers)

    far_side._list = listed  # type: ignore[method-assign]
    receipt = asyncio.run(sender.publish())
    assert [post["id"] for post in far_side.posts] == [receipt.id]


def test_where_what_is_listed_may_be_it_nothing_is_published_again() -> None:
    sender, far_side = daemon()
    far_side.misses = 1
    made = far_side.clock.now() - timedelta(minutes=10)
    listed = far_side.write("Good morning", timestamp=f"{made:%Y-%m-%dT%H:%M:%S}+0000")
    error = fail(sender)
    assert isinstance(error, Unsure)
    assert str(error) == f"{listed['permalink']} may be it, or another one"
    assert numbered(far_side).count("POST me/threads_publish") == 1
    assert len(far_side.posts) == len(far_side.containers) == 1
    assert asyncio.run(sender.find()) == Unknown(reason=str(error))


def test_what_is_refused_for_another_reason_is_told_at_once() -> None:
    sender, far_side = daemon()
    far_side._publish = lambda asked: refuse(9_000, "Something else")  # type: ignore[method-assign]
    error = fail(sender)
    assert isinstance(error, Rejected)
    assert str(error) == "Threads answered 400: Something else (code 9000, 0)"


def test_a_part_waits_for_the_one_before_it_to_be_known_everywhere() -> None:
    sender, far_side = daemon()
    content = replace(sender.outgoing.content, segments=("And then",))
    sender.outgoing = replace(sender.outgoing, content=content)
    made, refusals = far_side._create, [24, 100]

    def create(asked: dict[str, str]) -> dict[str, Any]:
        return (
            refuse(refusals.pop(), "Media Not Found") if "reply_to_id" in asked and refusals else made(asked)
        )

    far_side._create = create  # type: ignore[method-assign]
    begun = far_side.clock.now()
    asyncio.run(sender.publish())
    assert [post.text for post in far_side.public()] == ["Good morning", "And then"]
    assert far_side.clock.now() == begun + timedelta(seconds=26)
