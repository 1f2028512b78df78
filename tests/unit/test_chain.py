"""Threads as chains of posts, whatever network publishes them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from postbell.domain.content import Content
from postbell.errors import Gone, Rejected
from postbell.publishing import chain
from postbell.publishing.protocol import Absent, Outgoing, Progress, Receipt, Unknown
from support.fake_bluesky import SUBJECT, daemon, logged_in
from support.farside import Daemon


def _thread(outgoing: Outgoing) -> Outgoing:
    return replace(outgoing, content=replace(outgoing.content, segments=("Two", "Three")))


async def _warn(outgoing: Outgoing, progress: Progress | None, http: object) -> Receipt:
    del progress, http
    return Receipt(id=outgoing.key, warnings=(f"{outgoing.content.text} is odd.",))


def test_warnings_name_their_part_after_a_restart_too() -> None:
    made, far_side = daemon()
    thread, http = _thread(made.outgoing), SUBJECT.http(far_side, made.outgoing)
    progress: Progress | Receipt | None = None
    for _ in range(3):
        assert not isinstance(progress, Receipt)
        progress = asyncio.run(chain.publish(thread, progress, http, _warn))
    assert isinstance(progress, Receipt)
    assert progress.warnings == (
        "Part 1: Good morning is odd.",
        "Part 2: Two is odd.",
        "Part 3: Three is odd.",
    )


def test_what_is_public_without_an_address_is_told_all_the_same() -> None:
    made, far_side = daemon()
    thread, http = _thread(made.outgoing), SUBJECT.http(far_side, made.outgoing)
    progress = asyncio.run(chain.publish(thread, None, http, _warn))
    assert isinstance(progress, Progress)
    assert progress.public == "part 1 of 3 is public"


def test_a_part_that_nobody_can_tell_of_is_named() -> None:
    async def find(outgoing: Outgoing, progress: Progress | None, http: object) -> Receipt | Unknown:
        if outgoing.reply:
            return Unknown(reason="fog")
        return await _warn(outgoing, progress, http)

    made, far_side = daemon()
    thread, http = _thread(made.outgoing), SUBJECT.http(far_side, made.outgoing)
    assert asyncio.run(chain.find(thread, None, http, find)) == Unknown(reason="part 2 of 3: fog")


def test_each_part_has_a_name_and_an_instant_of_its_own_the_same_at_every_try() -> None:
    seen: list[Outgoing] = []

    async def one(outgoing: Outgoing, progress: Progress | None, http: object) -> Receipt:
        seen.append(outgoing)
        return await _warn(outgoing, progress, http)

    made, far_side = daemon()
    thread, http = _thread(made.outgoing), SUBJECT.http(far_side, made.outgoing)
    progress = asyncio.run(chain.publish(thread, None, http, one))
    assert isinstance(progress, Progress)
    for _ in range(2):
        asyncio.run(chain.publish(thread, progress, http, one))
    first, second, again = seen
    assert second == again
    assert (first.key, second.key) == (thread.key, f"{thread.key}-2")
    assert (second.begun_at - first.begun_at).total_seconds() == 0.001


def test_a_forgotten_thread_is_found_by_its_parts_as_far_as_it_came() -> None:
    made, far_side = logged_in()
    made.outgoing = _thread(made.outgoing)
    receipt = asyncio.run(made.publish())
    made.stored.clear()
    made.outgoing = replace(made.outgoing, forgotten=True)
    assert asyncio.run(made.find()) == receipt
    last = max(far_side.records)
    del far_side.records[last]
    found = asyncio.run(made.find())
    assert isinstance(found, Progress)
    assert [part["id"] for part in found.data["parts"]] == receipt.id.split(",")[:2]
    far_side.records.clear()
    assert asyncio.run(made.find()) == Absent()


def test_an_answer_about_what_is_answered_that_makes_no_sense_is_no_news_of_it() -> None:
    made, far_side = logged_in()
    made.outgoing = _thread(made.outgoing)
    asyncio.run(_step(made))
    made.stored[-1].data["parts"][0]["id"] = "at://did:plc:nobody/app.bsky.feed.post/3n2xrctel223d"
    with pytest.raises(Rejected, match="Could not locate record"):
        asyncio.run(made.publish())
    assert len(far_side.records) == 1


async def _step(made: Daemon) -> None:
    network, http = made.subject.network, made._http(None)
    result = await network.publish(made._outgoing(), None, http)
    assert isinstance(result, Progress)
    made._keep(result)


def test_a_part_that_is_gone_is_not_the_whole_of_it() -> None:
    async def change(outgoing: Outgoing, name: str) -> Receipt:
        if outgoing.content.text == "Two":
            raise Gone
        return Receipt(id=name)

    made, _ = daemon()
    with pytest.raises(Rejected, match="part 2 of 3 is not there any more") as caught:
        asyncio.run(chain.edit(_thread(made.outgoing), ["a", "b", "c"], change))
    assert not isinstance(caught.value, Gone)
    with pytest.raises(Gone, match="it is not there any more"):
        asyncio.run(chain.edit(replace(made.outgoing, content=Content(text="Two")), ["a"], change))
