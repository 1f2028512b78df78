"""Reads what addresses lead to that strangers or users have written: pages, pictures.

Each name is looked up once, all its addresses are checked, and one of these is connected to: a name that
answers otherwise a moment later gains nothing. Each redirect is checked like a new address. Nothing of ours
is sent along: no cookie, no password, no word about the page before.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import Message

import httpx

from postbell import __version__
from postbell.domain.limits import MediaLimit
from postbell.domain.reach import Allowed, check_addresses, check_host, is_address
from postbell.errors import NotFetched, OffLimits
from postbell.publishing.web.transport import Connections, read_url


#: Looks up the addresses of a host, for a port; raises OSError where there are none.
LookUp = Callable[[str, int], Awaitable[Sequence[str]]]

#: Seconds that everything may take in all: look-ups, redirects, the last byte.
DEADLINE = 20.0
_PORTS = {"http": 80, "https": 443}
_LONGEST = 2048
_MOST_REDIRECTS = 5
#: What pictures are served as, and what servers say that do not know what they have.
_PICTURES = (
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/gif",
    "image/jpg",
    "application/octet-stream",
    "binary/octet-stream",
)
_MOST_PICTURE = 10_000_000
#: So many bytes of an answer are read whose content does not matter.
_MOST_OF_ANSWER = 65_536
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {
    "accept-encoding": "gzip, deflate",
    "connection": "close",
    "user-agent": f"postbell/{__version__}",
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an address leads, as far as it says itself."""

    #: The whole address, without what stands behind a #.
    url: httpx.URL
    #: In small letters, international names as they are looked up, without a dot at the end.
    host: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What an address led to."""

    #: Where it was found, after all redirects.
    url: str
    #: What it is, by the server's word: `text/html`.
    mime: str
    #: How its text is written, if the server says so: `utf-8`.
    charset: str | None
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Posted:
    """What was answered to something that was sent."""

    status: int
    headers: httpx.Headers


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture that a network takes."""

    #: By what is in it, not by anybody's word.
    mime: str
    data: bytes


#: Makes a picture fit a limit, in a process of its own; raises PostbellError for what is none or cannot fit.
Fit = Callable[[bytes, MediaLimit], Awaitable[Picture]]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What an address leads to, of which the body is still to be read."""

    #: As of what is `Fetched`.
    url: str
    mime: str
    charset: str | None
    _response: httpx.Response = field(repr=False)

    def pieces(self) -> AsyncIterator[bytes]:
        """Return the body in pieces, unpacked, as it comes."""
        return self._response.aiter_bytes()


class Outside:
    """The way to what others wrote addresses of."""

    def __init__(
        self,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        ca_file: str | None = None,
        allowed: Allowed | None = None,
        look_up: LookUp | None = None,
        fit: Fit | None = None,
    ) -> None:
        self._allowed = allowed or Allowed()
        self._look_up = look_up or ask_system
        self._given, self._ca_file = transport, ca_file
        self._transport = transport or Connections(ca_file=ca_file, resolve=self.resolve)
        self._fit = fit

    def towards(self, url: str, *, local: bool) -> Outside:
        """Return a way of its own to where one address leads, which may be a `local` place if that is said.

        It keeps its connections until it is closed. Raises OffLimits for what is no address.
        """
        place = read_place(url)
        host = f"[{place.host}]" if ":" in place.host else place.host
        allowed = self._allowed | Allowed.parse([f"{host}:{place.port}"]) if local else self._allowed
        given, ca_file, look_up = self._given, self._ca_file, self._look_up
        return Outside(transport=given, ca_file=ca_file, allowed=allowed, look_up=look_up)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    def require_public(self, place: Place) -> None:
        """Raise OffLimits for a place that must not be asked, as far as that shows without a look-up."""
        if is_address(place.host):
            check_addresses(place.host, place.port, [place.host], self._allowed)

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a host that may be connected to there; raises NotFetched, OSError."""
        addresses = [host] if is_address(host) else await self._look_up(host, port)
        if not addresses:
            raise NotFetched(f"{host} has no address")
        check_addresses(host, port, addresses, self._allowed)
        return addresses

    async def fetch(
        self,
        url: str,
        *,
        types: Sequence[str],
        most: int,
        cut: bool = False,
        deadline: float = DEADLINE,
    ) -> Fetched:
        """Return what an address leads to, if it is one of `types` and has at most so many bytes.

        Of more than that the beginning alone is read, if `cut` says that it will do. Raises OffLimits for an
        address that must not be asked, and NotFetched for one that did not give it within `deadline` seconds.
        """
        body = bytearray()
        async with self.opened(url, types=types, deadline=deadline) as found:
            async for part in found.pieces():
                body += part
                if len(body) > most:
                    break
        if len(body) > most and not cut:
            raise NotFetched(f"it is longer than {most:,} bytes")
        return Fetched(url=found.url, mime=found.mime, charset=found.charset, body=bytes(body[:most]))

    @asynccontextmanager
    async def opened(self, url: str, *, types: Sequence[str], deadline: float) -> AsyncIterator[Found]:
        """Give what an address leads to, if it is one of `types`; for who reads it counts what comes.

        Raises as `fetch` does; what is done with it counts towards the deadline too.
        """
        try:
            async with asyncio.timeout(deadline), self._found(url, types) as found:
                yield found
        except TimeoutError:
            raise NotFetched(f"it was not there within {deadline:g} seconds") from None
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            raise NotFetched(f"it could not be read: {str(error) or type(error).__name__}") from None

    async def picture(self, url: str, limit: MediaLimit) -> Picture:
        """Return the picture at an address, made to fit; raises as `fetch` and `fit` do."""
        fetched = await self.fetch(url, types=_PICTURES, most=_MOST_PICTURE)
        return await self.fit(fetched.body, limit)

    async def fit(self, data: bytes, limit: MediaLimit) -> Picture:
        """Return a picture as a limit allows it; raises PostbellError for what is none, or cannot fit."""
        if self._fit is None:
            raise NotFetched("pictures are not read here")
        return await self._fit(data, limit)

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str], deadline: float) -> Posted:
        """Send something to an address and return what was answered; no redirect is followed.

        Of the answer's body little is read, and nothing kept. Raises OffLimits for an address that must not
        be asked, and NotFetched where there was no answer within `deadline` seconds.
        """
        place = read_place(url)
        said = {"host": _host_of(place), "user-agent": _HEADERS["user-agent"], **headers}
        request = httpx.Request("POST", place.url.copy_with(host=place.host), headers=said, content=body)
        try:
            async with asyncio.timeout(deadline):
                response = await self._transport.handle_async_request(request)
                try:
                    read = 0
                    assert isinstance(response.stream, httpx.AsyncByteStream)
                    async for part in response.stream:  # as it came: to decode it could make it large
                        if (read := read + len(part)) > _MOST_OF_ANSWER:
                            break
                finally:
                    await response.aclose()
        except TimeoutError:
            raise NotFetched(f"{place.host} did not answer within {deadline:g} seconds") from None
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            reason = str(error) or type(error).__name__
            raise NotFetched(f"{place.host} could not be asked: {reason}") from None
        return Posted(status=response.status_code, headers=response.headers)

    @asynccontextmanager
    async def _found(self, url: str, types: Sequence[str]) -> AsyncIterator[Found]:
        """Follow redirects; give the answer that is none, of which the body is not yet read."""
        for _ in range(_MOST_REDIRECTS + 1):
            place = read_place(url)
            response = await self._transport.handle_async_request(_request(place, types))
            try:
                location = response.headers.get("location")
                if response.status_code not in _REDIRECTS or not location:
                    yield _read_head(place, response, types)
                    return
            finally:
                await response.aclose()
            url = _join(place, location)
        raise NotFetched(f"it was redirected more than {_MOST_REDIRECTS} times")


def read_place(text: str) -> Place:
    """Return where an address leads; raises OffLimits for one that nobody should follow.

    Everything is taken from one reading of it, so there are no two that could differ.
    """
    if len(text) > _LONGEST:
        raise OffLimits(f"the address is longer than {_LONGEST:,} characters")
    if "\\" in text:
        raise OffLimits("the address holds a backslash, which programs read differently")
    try:
        url = read_url(text).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError):
        raise OffLimits("it is no address of the web") from None
    if url.scheme not in _PORTS:
        raise OffLimits("the address does not begin with http:// or https://")
    if url.userinfo:
        raise OffLimits("the address holds a name or a password")
    host = url.raw_host.decode("ascii").lower().removesuffix(".")
    check_host(host)
    port = _PORTS[url.scheme] if url.port is None else url.port
    if not 0 < port < 65536:
        raise OffLimits(f"there is no port {port}")
    return Place(url=url, host=host, port=port)


async def ask_system(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host by the word of this machine's resolver; raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(place[0]) for *_, place in found]


def _request(place: Place, types: Sequence[str]) -> httpx.Request:
    url = place.url.copy_with(host=place.host)
    headers = {"host": _host_of(place), "accept": ", ".join(types), **_HEADERS}
    return httpx.Request("GET", url, headers=headers)


def _host_of(place: Place) -> str:
    return place.url.copy_with(host=place.host).netloc.decode("ascii")


def _read_head(place: Place, response: httpx.Response, types: Sequence[str]) -> Found:
    if response.status_code != 200:
        raise NotFetched(f"{place.host} answered {response.status_code}")
    said = Message()
    said["content-type"] = response.headers.get("content-type", "")
    mime = said.get_content_type()
    if mime not in types:
        raise NotFetched(f"it is {mime}, not {' or '.join(types)}")
    charset = said.get_content_charset()
    return Found(url=str(place.url), mime=mime, charset=charset, _response=response)


def _join(place: Place, location: str) -> str:
    try:
        return str(place.url.join(location))
    except (httpx.InvalidURL, ValueError):
        raise NotFetched(f"{place.host} redirects to no address") from None
