"""What is sent to addresses that users have written reaches none that they must not, and waits for none."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from postbell.domain.reach import Allowed
from postbell.errors import NotFetched, OffLimits
from postbell.publishing.web.outside import Outside, Posted, read_place
from support.sockets import Handler, read_request, server
from support.web import OPEN, SECRET, Names, Visits, outside


TAKEN = b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\nx-said: yes\r\n\r\nok"


async def post(way: Outside, url: str, deadline: float = 5) -> Posted:
    return await way.post(url, body=b"{}", headers={"content-type": "application/json"}, deadline=deadline)


def posted(handler: Handler, deadline: float = 5, path: str = "/in") -> Posted:
    """Send to a server that is found under the name page.example."""

    async def go() -> Posted:
        way = outside()
        async with server(handler) as url:
            try:
                return await post(way, url.replace(OPEN, "page.example") + path, deadline)
            finally:
                await way.aclose()

    return asyncio.run(go())


def test_it_is_sent_and_the_head_of_the_answer_is_returned() -> None:
    visits = Visits(TAKEN)
    answer = posted(visits)
    assert (answer.status, answer.headers["x-said"]) == (202, "yes")
    (head,) = visits.heads
    assert head.startswith("POST /in HTTP/1.1\r\n")
    assert "\r\nhost: page.example:" in head.lower()
    assert "postbell/" in head
    assert head.endswith("\r\n\r\n{}")


def test_no_redirect_is_followed() -> None:
    visits = Visits(b"HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n")
    assert posted(visits).status == 302
    assert len(visits.heads) == 1


def test_an_endless_answer_is_read_to_a_bound() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 10_000)
            await writer.drain()

    assert posted(endless).status == 200


def test_who_does_not_answer_is_not_waited_for() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await reader.read()

    with pytest.raises(NotFetched, match=r"page\.example did not answer within 0\.05 seconds"):
        posted(silent, deadline=0.05)


def test_who_breaks_off_has_not_answered() -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.close()

    with pytest.raises(NotFetched, match=r"page\.example could not be asked"):
        posted(rude)


def test_what_is_not_public_is_sent_nothing() -> None:
    visits = Visits(TAKEN)

    async def go() -> None:
        async with server(visits) as url:
            port = url.rpartition(":")[2]
            for way, address in (
                (Outside(), f"http://{OPEN}:{port}/"),
                (Outside(look_up=Names([OPEN])), f"http://page.example:{port}/"),
                (outside(Names([OPEN, SECRET])), f"http://page.example:{port}/"),
            ):
                with pytest.raises(OffLimits):
                    await post(way, address)
                await way.aclose()

    asyncio.run(go())
    assert visits.heads == []


def towards(url: str, *, local: bool, **how: Any) -> Outside:
    return Outside(**how).towards(url, local=local)


@pytest.mark.parametrize("host", [OPEN, "page.example"])
def test_a_local_place_is_reached_where_that_is_said_and_no_other_one(host: str) -> None:
    visits, other = Visits(TAKEN), Visits(TAKEN)

    async def go() -> None:
        async with server(visits) as url, server(other) as elsewhere:
            wanted = url.replace(OPEN, host)
            way = towards(wanted, local=True, look_up=Names([OPEN]))
            assert (await post(way, wanted)).status == 202
            with pytest.raises(OffLimits):
                await post(way, elsewhere.replace(OPEN, host))
            guarded = towards(wanted, local=False, look_up=Names([OPEN]))
            with pytest.raises(OffLimits):
                await post(guarded, wanted)
            await way.aclose()
            await guarded.aclose()

    asyncio.run(go())
    assert (len(visits.heads), other.heads) == (1, [])


def test_a_place_in_ipv6_can_be_local_too() -> None:
    way = towards("http://[::1]:9000/", local=True)
    way.require_public(read_place("http://[::1]:9000/"))
    with pytest.raises(OffLimits):
        way.require_public(read_place("http://[::1]:9001/"))


def test_of_a_name_nothing_is_known_before_it_is_looked_up() -> None:
    Outside().require_public(read_place("http://page.example/"))
    with pytest.raises(OffLimits, match="not on the public internet"):
        Outside().require_public(read_place("http://192.168.0.1/"))


def test_what_is_allowed_by_one_or_the_other_is_allowed_by_both() -> None:
    both = Allowed.parse(["10.0.0.0/8"]) | Allowed.parse(["home.example:80"])
    assert both == Allowed.parse(["10.0.0.0/8", "home.example:80"])
