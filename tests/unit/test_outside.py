"""What others wrote addresses of is read, and nothing that they must not reach."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from postbell.domain.reach import Allowed
from postbell.errors import NotFetched, OffLimits
from postbell.publishing.web.outside import Fetched, Outside, ask_system, read_place
from support.sockets import server, tls_in
from support.web import OPEN, PAGE, SECRET, Names, Visits, fetch, fetched, outside


# Addresses


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://Page.Example/a?b=c#d", "page.example", 80),
        ("https://page.example.:8443", "page.example", 8443),
        ("https://münchen.example/ü", "xn--mnchen-3ya.example", 443),
        ("http://[2606:4700::1]:8080/", "2606:4700::1", 8080),
        ("http://1.1.1.1/", "1.1.1.1", 80),
    ],
)
def test_an_address_says_where_it_leads(url: str, host: str, port: int) -> None:
    place = read_place(url)
    assert (place.host, place.port, place.url.fragment) == (host, port, "")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "page.example",
        "//page.example/",
        "ftp://page.example/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_INFO",
        "javascript:alert(1)",
        "data:text/html,hello",
        "http:/page.example",
        "http://",
        "http://xn--a.invalid/",
        "http://xn--zz.example/",
        "http:///etc/passwd",
        "http://alice@page.example/",
        "http://alice:secret@page.example/",
        "http://page.example@127.0.0.1/",
        "http://page.example\\@127.0.0.1/",
        "http://127.0.0.1\\.page.example/",
        "http://page.example:0/",
        "http://page.example:65536/",
        "http://page.example:a/",
        "http://page.example:80:80/",
        "http://page.example\r\nHost: other/",
        "http://page.example/\x00",
        "http://page .example/",
        "http://127%2e0%2e0%2e1/",
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://017700000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://127.0.0.1.1/",
        "http://[::1/",
        "http://[::1]x/",
        "http://[fe80::1%25eth0]/",
        "http://[v1.1]/",
        "http://" + "a" * 64 + ".example/",
        "http://page.example/" + "a" * 2048,
        "http://☃︎\u200b.example/",
        "http://a..example/",
    ],
)
def test_what_is_no_plain_address_of_the_web_is_off_limits(url: str) -> None:
    with pytest.raises(OffLimits):
        read_place(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.0.0.1./",
        "http://\uff11\uff12\uff17.0.0.1/",
        "http://①②⑦.0.0.1/",
        "http://127。0。0。1/",
        "http://LOCALHOST/",
        "http://localhost./",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[0:0:0:0:0:ffff:7f00:0001]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://0/",
    ],
)
def test_what_leads_to_this_machine_or_its_neighbours_is_off_limits(url: str) -> None:
    with pytest.raises(OffLimits):
        asyncio.run(fetch(Outside(), url))


def test_a_name_that_leads_home_is_off_limits() -> None:
    way = outside(Names(["10.0.0.1"]))
    with pytest.raises(OffLimits, match=r"page\.example leads to 10\.0\.0\.1, which is not on the public"):
        asyncio.run(fetch(way, "https://page.example/"))


def test_this_machine_s_resolver_is_asked() -> None:
    assert OPEN in asyncio.run(ask_system("localhost", 80))


# What is connected to


def _twice(look_up: Names, *paths: str, first: bytes = PAGE) -> tuple[list[Fetched | NotFetched], Visits]:
    """Ask for paths of page.example where an open and a secret server have the same port."""
    secret, results = Visits(), list[Fetched | NotFetched]()

    async def go() -> None:
        async with server(Visits(first)) as url:
            port = int(url.rpartition(":")[2])
            there = await asyncio.start_server(secret, SECRET, port)
            async with there:
                way = outside(look_up)
                for path in paths:
                    try:
                        results.append(await fetch(way, f"http://page.example:{port}{path}"))
                    except NotFetched as error:
                        results.append(error)

    asyncio.run(go())
    return results, secret


def test_a_name_is_looked_up_once_and_the_checked_address_is_connected_to() -> None:
    names = Names([OPEN], [SECRET])
    (result,), secret = _twice(names, "/")
    assert isinstance(result, Fetched)
    assert names.asked == ["page.example"]
    assert secret.heads == []


def test_a_name_that_changes_its_answer_gains_nothing() -> None:
    flips = [[OPEN] if number % 2 else [SECRET] for number in range(20)]
    results, secret = _twice(Names(*flips), *["/"] * 20)
    assert [type(result) for result in results] == [OffLimits, Fetched] * 10
    assert secret.heads == []


def test_a_redirect_to_the_same_name_is_looked_up_and_checked_again() -> None:
    moved = b"HTTP/1.1 302 Found\r\nlocation: /secret\r\ncontent-length: 0\r\n\r\n"
    names = Names([OPEN], [SECRET])
    (result,), secret = _twice(names, "/", first=moved)
    assert isinstance(result, OffLimits)
    assert names.asked == ["page.example"] * 2
    assert secret.heads == []


def test_a_name_with_a_good_and_a_bad_address_is_not_asked_at_all() -> None:
    for addresses in ([OPEN, SECRET], [SECRET, OPEN]):
        (result,), secret = _twice(Names(addresses), "/")
        assert isinstance(result, OffLimits)
        assert secret.heads == []


def test_another_address_of_a_name_is_tried_where_one_does_not_answer() -> None:
    async def go() -> Fetched:
        visits = Visits()
        async with server(visits) as url:
            port = int(url.rpartition(":")[2])
            way = Outside(allowed=Allowed.parse(["127.0.0.0/8"]), look_up=Names(["127.0.0.3", OPEN]))
            return await fetch(way, f"http://page.example:{port}/")

    assert asyncio.run(go()).body == b"Hello"


def test_a_name_without_addresses_cannot_be_read() -> None:
    with pytest.raises(NotFetched, match=r"page\.example has no address"):
        asyncio.run(fetch(outside(Names([])), "http://page.example/"))


def test_a_name_that_nobody_knows_cannot_be_read() -> None:
    with pytest.raises(NotFetched, match=r"it could not be read: .*not known"):
        asyncio.run(fetch(Outside(), "http://nobody.invalid/"))


def test_the_server_is_told_the_name_and_proves_it(tmp_path: Path) -> None:
    context, ca_file = tls_in(tmp_path)
    said: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: said.append(name)
    visits = Visits()

    async def go(name: str) -> Fetched:
        async with server(visits, context) as url:
            return await fetch(outside(ca_file=ca_file), url.replace(OPEN, name) + "/a?b=c")

    asyncio.run(go("localhost"))
    with pytest.raises(NotFetched, match="CERTIFICATE_VERIFY_FAILED"):
        asyncio.run(go("page.example"))  # the certificate is for localhost
    assert said == ["localhost", "page.example"]
    (head,) = visits.heads
    assert head.startswith("GET /a?b=c HTTP/1.1\r\nhost: localhost:")


def test_nothing_but_what_everybody_says_is_sent() -> None:
    visits = Visits()
    fetched(visits)
    (head,) = visits.heads
    names = [line.partition(":")[0].lower() for line in head.splitlines()[1:-1]]
    assert names == ["host", "accept", "accept-encoding", "connection", "user-agent"]
