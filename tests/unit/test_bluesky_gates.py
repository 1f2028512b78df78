"""Who may answer and quote a post at Bluesky: written with it, all or nothing, once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from postbell.domain.content import Content
from postbell.errors import PublishError, Rejected, Unavailable, Unsure
from postbell.publishing.bluesky.gates import POSTGATE, THREADGATE
from postbell.publishing.bluesky.post import record_key
from postbell.publishing.protocol import Receipt
from support.fake_bluesky import DID, FakeBluesky, daemon
from support.farside import Between, Daemon, FarSide, Fault, Killed, Strike, die_after, die_before


BOB = "did:plc:ragtjsm2j2vknwkz3zp4oxrd"
GATED = {"replies": "nobody", "quotes": "off"}


def _published(**options: str) -> tuple[Daemon, FakeBluesky, Receipt]:
    here, far_side = daemon(options=options)
    return here, far_side, asyncio.run(here.publish())


def _gate(far_side: FakeBluesky, collection: str) -> dict[str, Any] | None:
    (rkey,) = far_side.records
    return far_side.beside.get((collection, rkey))


@pytest.mark.parametrize(
    ("replies", "allow"),
    [
        ("nobody", []),
        ("mentioned", [{"$type": f"{THREADGATE}#mentionRule"}]),
        (
            "followers,following",
            [{"$type": f"{THREADGATE}#followerRule"}, {"$type": f"{THREADGATE}#followingRule"}],
        ),
        (
            f"https://bsky.app/profile/{BOB}/lists/3ltc2vx5pbk2n",
            [{"$type": f"{THREADGATE}#listRule", "list": f"at://{BOB}/app.bsky.graph.list/3ltc2vx5pbk2n"}],
        ),
        (
            "at://bob.bsky.social/app.bsky.graph.list/3ltc2vx5pbk2n",
            [{"$type": f"{THREADGATE}#listRule", "list": f"at://{BOB}/app.bsky.graph.list/3ltc2vx5pbk2n"}],
        ),
    ],
)
def test_who_may_answer_stands_beside_the_post(replies: str, allow: list[dict[str, str]]) -> None:
    _, far_side, receipt = _published(replies=replies)
    gate = _gate(far_side, THREADGATE)
    assert gate
    assert (gate["post"], gate["allow"]) == (receipt.id, allow)
    assert _gate(far_side, POSTGATE) is None
    assert far_side.commits == 1


def test_that_nobody_may_quote_it_stands_beside_the_post() -> None:
    _, far_side, receipt = _published(quotes="off")
    gate = _gate(far_side, POSTGATE)
    assert gate
    assert gate["post"] == receipt.id
    assert gate["embeddingRules"] == [{"$type": f"{POSTGATE}#disableRule"}]


def test_a_post_for_everybody_has_nothing_beside_it() -> None:
    _, far_side, _ = _published(replies="everybody", quotes="on")
    assert far_side.beside == {}
    assert far_side.calls() == ["createSession", "putRecord"]


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_there_is_exactly_one_gated_post_after_any_failure(fault: Fault) -> None:
    here, far_side = daemon(options=GATED)
    far_side.faults = [fault]
    with pytest.raises(PublishError) as caught:
        asyncio.run(here.publish())
    assert isinstance(caught.value, Unsure) == (fault.name in ("TIMEOUT", "LOST", "GARBAGE", "BROKEN"))
    far_side.app_password_works = True
    far_side.clock.advance(180)
    receipt = asyncio.run(here.publish())
    assert receipt.id == f"at://{DID}/app.bsky.feed.post/{record_key(here.outgoing)}"
    assert (len(far_side.records), len(far_side.beside), far_side.commits) == (1, 2, 1)


@pytest.mark.parametrize("strike", [die_before, die_after])
@pytest.mark.parametrize("at", range(3))
def test_a_death_at_any_request_leads_to_exactly_one_gated_post(strike: Strike, at: int) -> None:
    here, far_side = daemon(options=GATED)
    with pytest.raises(Killed):
        asyncio.run(here.publish(Between(far_side, at, strike)))
    asyncio.run(here.publish())
    assert (len(far_side.records), len(far_side.beside), far_side.commits) == (1, 2, 1)


def test_another_record_under_the_key_is_left_alone() -> None:
    here, far_side, _ = _published(**GATED)
    other = replace(here.outgoing, content=Content(text="Something else"))
    with pytest.raises(Rejected, match="another record lies under the key of this post"):
        asyncio.run(Daemon(here.subject, other, far_side, session=here.session).publish())
    assert far_side.commits == 1


def test_what_stands_beside_a_post_is_taken_away_with_it() -> None:
    here, far_side, receipt = _published(**GATED)
    asyncio.run(here.delete(receipt.id))
    assert (far_side.records, far_side.beside) == ({}, {})


def test_only_the_first_part_of_a_thread_is_gated() -> None:
    here, far_side = daemon(options=GATED)
    content = replace(here.outgoing.content, segments=("And on",))
    here.outgoing = replace(here.outgoing, content=content)
    receipt = asyncio.run(here.publish())
    assert (len(far_side.records), len(far_side.beside)) == (2, 2)
    asyncio.run(here.delete(receipt.id))
    assert (far_side.records, far_side.beside) == ({}, {})


def test_a_list_of_nobody_fails_before_the_post_is_public() -> None:
    here, far_side = daemon(options={"replies": "https://bsky.app/profile/nobody.example/lists/a"})
    with pytest.raises(Rejected, match=r"@nobody\.example was not found"):
        asyncio.run(here.publish())
    assert far_side.records == {}


def test_a_server_that_cannot_be_asked_first_is_not_written_to() -> None:
    here, far_side = daemon(options=GATED)
    with pytest.raises(Unavailable):
        asyncio.run(here.publish(Between(far_side, 1, _refuse)))
    assert far_side.records == {}


async def _refuse(_: FarSide, request: httpx.Request) -> httpx.Response:
    return httpx.Response(503, request=request)
