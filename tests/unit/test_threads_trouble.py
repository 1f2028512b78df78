"""What goes wrong on the way of a post to Threads' public, and what is done about it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from postbell.errors import RateLimited, Rejected, Unauthorized, Unavailable, Unsure
from postbell.publishing.protocol import Absent, Progress, Receipt, Unknown
from postbell.publishing.web.tokens import Tokens
from support.fake_threads import TOKEN, Refusal, daemon
from support.farside import START, Between, Daemon, FarSide, Fault, Strike
from support.threads_telling import fail, numbered, refuse


MINUTE = timedelta(minutes=1)


# When its answer is lost


def test_a_post_that_is_not_listed_yet_stays_in_doubt() -> None:
    sender, far_side = daemon()
    far_side.faults, far_side.listed_after = [Fault.LOST], MINUTE
    assert type(fail(sender)) is Unsure
    found = asyncio.run(sender.find())
    assert found == Unknown(reason="Threads has published it, but does not list it")
    assert "does not list it yet" in str(fail(sender))
    far_side.clock.advance(60)
    assert isinstance(asyncio.run(sender.find()), Receipt)
    assert len(far_side.public()) == 1


def test_a_container_that_can_still_be_published_is_proof_that_it_was_not() -> None:
    sender, far_side = daemon()
    far_side.faults = [Fault.TIMEOUT]
    assert type(fail(sender)) is Unsure
    far_side.write("Good morning")  # by hand
    far_side.requests.clear()
    assert asyncio.run(sender.find()) == Absent()
    assert numbered(far_side) == ["GET #"]


def test_a_number_that_is_a_post_s_is_never_published() -> None:
    sender, far_side = daemon()
    post = far_side.write("Something else")
    sender.stored = [Progress(step="container", data={"container": post["id"], "since": START.isoformat()})]
    assert isinstance(asyncio.run(sender.find()), Unknown)
    assert type(fail(sender)) is Unsure
    assert len(far_side.posts) == 1


def test_a_container_that_is_gone_is_settled_by_the_list() -> None:
    sender, far_side = daemon()
    far_side.faults = [Fault.LOST]
    fail(sender)
    far_side.containers.clear()
    assert isinstance(asyncio.run(sender.find()), Receipt)
    far_side.posts.clear()
    assert asyncio.run(sender.find()) == Absent()


def test_a_look_at_a_container_that_is_refused_is_no_answer() -> None:
    sender, far_side = daemon()
    far_side.faults = [Fault.LOST]
    fail(sender)
    far_side._state = lambda *_: refuse(9_000, "Something else")  # type: ignore[method-assign]
    with pytest.raises(Rejected):
        asyncio.run(sender.find())


# What is said when it cannot be now


def test_a_full_quota_is_told_for_what_it_is() -> None:
    sender, far_side = daemon()
    far_side.most = 1
    far_side.write("Another one")
    error = fail(sender)
    assert isinstance(error, RateLimited)
    assert str(error) == "1 of the 1 posts that Threads takes within 24 hours are used"
    assert error.until == far_side.clock.now() + timedelta(hours=1)
    assert numbered(far_side)[-1] == "GET me/threads_publishing_limit"


def test_a_limit_of_calls_is_told_though_the_quota_cannot_be_read() -> None:
    sender, far_side = daemon()
    far_side.faults = [Fault.RATE_LIMITED]
    far_side._quota = lambda asked: refuse(2, "Try later")  # type: ignore[method-assign]
    error = fail(sender)
    assert isinstance(error, RateLimited)
    assert "Application request limit reached" in str(error)


def test_what_was_taken_for_spam_waits_for_hours() -> None:
    sender, far_side = daemon()
    far_side._publish = lambda asked: refuse(1, "Action blocked", 2_207_051)  # type: ignore[method-assign]
    error = fail(sender)
    assert isinstance(error, RateLimited)
    assert error.until == far_side.clock.now() + timedelta(hours=4)


def test_what_was_taken_for_spam_and_is_public_is_published() -> None:
    sender, far_side = daemon()
    sent = far_side._publish

    def publish(asked: dict[str, str]) -> dict[str, Any]:
        sent(asked)
        return refuse(1, "Action blocked", 2_207_051)

    far_side._publish = publish  # type: ignore[method-assign]
    receipt = asyncio.run(sender.publish())
    assert [post["id"] for post in far_side.posts] == [receipt.id]


# A right that is missing


@pytest.mark.parametrize("refused", ["_create", "_publish"])
def test_a_login_that_may_name_no_places_fails_posts_with_a_place_alone(refused: str) -> None:
    placed, far_side = daemon("Here", options={"location_id": "12345"})
    if refused == "_create":
        far_side.rights.remove("threads_location_tagging")
    else:
        far_side._publish = lambda asked: refuse(10, "It is not permitted")  # type: ignore[method-assign]
    error = fail(placed)
    assert isinstance(error, Rejected)
    assert "The login lacks threads_location_tagging: add it to the permissions of your app" in str(error)


def test_a_post_without_a_place_needs_no_right_to_name_places() -> None:
    sender, far_side = daemon()
    far_side.rights.remove("threads_location_tagging")
    assert asyncio.run(sender.publish()).id == far_side.posts[0]["id"]


def test_a_login_that_may_publish_nothing_is_the_account_s_trouble() -> None:
    sender, far_side = daemon()
    far_side.rights.remove("threads_content_publish")
    assert type(fail(sender)) is Unauthorized


# Its address


async def refuse_address(far_side: FarSide, request: httpx.Request) -> httpx.Response:
    del far_side, request
    return httpx.Response(503)


def test_the_address_is_asked_for_again_and_after_a_while_done_without() -> None:
    sender, far_side = daemon()
    with pytest.raises(Unavailable):
        asyncio.run(sender.publish(Between(far_side, 3, refuse_address)))
    far_side.clock.advance(120)
    receipt = asyncio.run(sender.publish(Between(far_side, 0, refuse_address)))
    assert (receipt.id, receipt.url) == (far_side.posts[0]["id"], None)
    assert receipt.warnings[0].startswith("Threads did not say where people find it: ")


def test_an_address_that_is_not_known_yet_is_waited_for() -> None:
    sender, far_side = daemon()

    async def not_yet(far_side: FarSide, request: httpx.Request) -> httpx.Response:
        del far_side, request
        return httpx.Response(400, json={"error": Refusal(100, "It does not exist", 33).error})

    receipt = asyncio.run(sender.publish(Between(far_side, 3, not_yet)))
    assert receipt.url == far_side.posts[0]["permalink"]
    assert sender.stored[-1].step == "public, its address not known yet"


async def limited(far_side: FarSide, request: httpx.Request) -> httpx.Response:
    del request
    return far_side.rate_limited()


async def busy(far_side: FarSide, request: httpx.Request) -> httpx.Response:
    del far_side, request
    return httpx.Response(503, headers={"retry-after": "120"})


@pytest.mark.parametrize("refuse", [limited, busy])
def test_the_address_is_asked_for_again_after_the_rest_that_threads_asks_for(refuse: Strike) -> None:
    sender, far_side = daemon()
    with pytest.raises(RateLimited) as caught:
        asyncio.run(sender.publish(Between(far_side, 3, refuse)))
    assert caught.value.until == far_side.clock.now() + timedelta(minutes=2)
    assert sender.stored[-1].receipt == Receipt(id=far_side.posts[0]["id"])
    far_side.clock.advance(120)
    receipt = asyncio.run(sender.publish())
    assert receipt == Receipt(id=far_side.posts[0]["id"], url=far_side.posts[0]["permalink"])
    assert len(far_side.posts) == 1


def test_what_is_public_is_not_held_up_by_one_rest_after_the_other() -> None:
    sender, far_side = daemon()
    with pytest.raises(RateLimited):
        asyncio.run(sender.publish(Between(far_side, 3, limited)))
    far_side.clock.advance(120)
    receipt = asyncio.run(sender.publish(Between(far_side, 0, limited)))
    assert (receipt.id, receipt.url) == (far_side.posts[0]["id"], None)


def test_a_post_that_was_taken_away_at_once_was_published_all_the_same() -> None:
    sender, far_side = daemon()
    with pytest.raises(Unavailable):
        asyncio.run(sender.publish(Between(far_side, 3, refuse_address)))
    far_side.posts.clear()
    found = asyncio.run(sender.find())
    assert isinstance(found, Receipt)
    assert found.warnings == ("Threads does not say where people find it.",)
    receipt = asyncio.run(sender.publish())
    assert receipt.id == found.id
    assert "does not exist" in receipt.warnings[0]


# A token that ends on the way


def consented(sender: Daemon, *, age: timedelta = timedelta(days=50)) -> None:
    now = sender.far_side.clock.now()
    sender.tokens = Tokens(
        access_token=TOKEN, issued_at=now - age, ends_at=now - age + timedelta(days=60), renews=True
    )


def test_a_token_that_has_ended_is_the_account_s_trouble() -> None:
    sender, far_side = daemon()
    consented(sender, age=timedelta(days=61))
    error = fail(sender)
    assert type(error) is Unauthorized
    assert "its login has ended (2026-11-22 09:00:00Z): connect it again" in str(error)
    assert far_side.requests == []


def test_a_young_token_that_is_refused_is_not_renewed() -> None:
    sender, far_side = daemon()
    consented(sender, age=timedelta(hours=23))
    far_side.tokens.clear()
    assert type(fail(sender)) is Unauthorized
    assert len(far_side.requests) == 1
