"""What stands in for a network in the contract suite: strict, and able to fail in every way a network can."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any
from urllib.parse import quote

import httpx

from postbell.domain.content import Content
from postbell.domain.media import Media
from postbell.publishing.protocol import (
    Absent,
    Network,
    Outgoing,
    Progress,
    Receipt,
    Resend,
    Target,
    Unknown,
    counter_of,
    editor_of,
)
from postbell.publishing.web.consent import oauth_of
from postbell.publishing.web.http import Clients, Http, secrets_of
from postbell.publishing.web.tokens import Tokens
from postbell.services.media.fit_fetched import fit_fetched
from postbell.testing import FakeClock


START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
#: Where networks come for files that they fetch themselves.
FETCHED_FROM = "https://postbell.example/public/"


class Fault(Enum):
    """What goes wrong with the call that makes a post public."""

    REFUSED = auto()  # no connection
    TIMEOUT = auto()  # taken, no answer, nothing done
    LOST = auto()  # taken and done, no answer
    GARBAGE = auto()  # taken and done, an answer that is not the network's
    UNAVAILABLE = auto()  # 503
    BUSY = auto()  # 503, for 120 s
    BROKEN = auto()  # 500, nothing done
    RATE_LIMITED = auto()  # in the network's own form, for 120 s
    UNAUTHORIZED = auto()  # in the network's own form


class Violation(AssertionError):
    """A request that the real network would refuse, or that its description forbids."""


class TooMuch(Violation):
    """A request in order, but for one thing: it holds more, or something longer, than the network takes."""


@dataclass(frozen=True, kw_only=True)
class Public:
    """One post that everybody can see at the far side."""

    id: str
    text: str
    #: The bytes and the alt text of each file.
    media: tuple[tuple[bytes, str], ...] = ()
    #: The id of the post that it answers.
    answers: str | None = None


@dataclass
class FarSide(httpx.AsyncBaseTransport):
    """A network behind the HTTP transport. Subclasses answer requests and refuse what breaks the rules."""

    clock: FakeClock
    #: Faults for the next publishing calls, first to last.
    faults: list[Fault] = field(default_factory=list)
    #: The same for the calls that take a post away.
    delete_faults: list[Fault] = field(default_factory=list)
    #: The same for the calls that change what is public.
    edit_faults: list[Fault] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        self.requests.append(request)
        fault = self._next_fault(request, body)
        if fault is Fault.REFUSED:
            raise httpx.ConnectError("connection refused", request=request)
        if fault is Fault.TIMEOUT:
            raise httpx.ReadTimeout("no answer", request=request)
        if fault in (Fault.UNAVAILABLE, Fault.BUSY):
            asks = {"retry-after": "120"} if fault is Fault.BUSY else None
            return httpx.Response(503, headers=asks, text="try later", request=request)
        if fault is Fault.BROKEN:
            return httpx.Response(500, text="sorry", request=request)
        if fault is Fault.RATE_LIMITED:
            return self.rate_limited()
        if fault is Fault.UNAUTHORIZED:
            return self.unauthorized()
        response = self.answer(request, body)
        if fault is Fault.LOST:
            raise httpx.ReadError("the connection was reset", request=request)
        if fault is Fault.GARBAGE:
            return httpx.Response(200, text="<html>a proxy's page</html>")
        return response

    def _next_fault(self, request: httpx.Request, body: bytes) -> Fault | None:
        if self.is_publishing(request, body):
            return self.faults.pop(0) if self.faults else None
        if self.edit_faults and self.is_editing(request, body):
            return self.edit_faults.pop(0)
        return self.delete_faults.pop(0) if self.delete_faults and self.is_deleting(request) else None

    def is_publishing(self, request: httpx.Request, body: bytes) -> bool:
        """Whether this is the call that makes a post public."""
        raise NotImplementedError

    def is_deleting(self, request: httpx.Request) -> bool:
        """Whether this is the call that takes a post away."""
        raise NotImplementedError

    def is_editing(self, request: httpx.Request, body: bytes) -> bool:
        """Whether this is the call that changes what is public; there is none where that is not possible."""
        del request, body
        return False

    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        """Do what the network does. Raises Violation for what its description forbids."""
        raise NotImplementedError

    def rate_limited(self) -> httpx.Response:
        """The network's own 429, asking to wait for 120 s."""
        raise NotImplementedError

    def unauthorized(self) -> httpx.Response:
        """The network's own answer to credentials that stopped working."""
        raise NotImplementedError

    def public(self) -> list[Public]:
        """Every post that is public."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A network under the contract suite."""

    network: Network
    far_side: Callable[[FakeClock], FarSide]
    #: Of an account that the far side accepts.
    server: str | None
    credentials: dict[str, Any]
    #: Whether its logins end and are renewed; then `support.renewing` says how.
    renews: bool
    #: Options that the network needs to publish at all.
    options: dict[str, Any] = field(default_factory=dict)
    #: Options that leave something to do when it is public.
    leaving: dict[str, Any] = field(default_factory=dict)
    #: A text that is one unit too long, or None where the network has no limit.
    too_long: str | None = None
    #: Options with which more counts than the text, or less, if the network has such.
    counting: dict[str, Any] = field(default_factory=dict)
    title: str | None = None
    #: Whether the network has descriptions of pictures at all.
    keeps_alt: bool = True

    def target(self, session: dict[str, Any] | None = None) -> Target:
        credentials = self.network.Credentials.model_validate(self.credentials)
        return Target(name="mine", server=self.server, credentials=credentials, session=session or {})

    def outgoing(self, text: str = "Good morning", media: tuple[Media, ...] = (), **more: Any) -> Outgoing:
        content = Content(text=text, title=self.title, media=media, link=more.pop("link", None))
        options = self.network.Options.model_validate(self.options | more.pop("options", {}))
        values: dict[str, Any] = {
            "target": self.target(more.pop("session", None)),
            "content": content,
            "options": options,
            "key": "k7m2p9q4r8s3t6v5w2x9",
            "number": 41,
            "begun_at": START,
            "due_at": START,
            "post_id": "b7kq2m9x",
            "links": link,
        }
        return Outgoing(**values | more)

    def http(self, far_side: FarSide, outgoing: Outgoing, *, deadline: float = 5.0) -> Http:
        return Http(
            Clients(transport=far_side),
            far_side.clock,
            session=outgoing.target.session,
            secrets=secrets_of(outgoing.target.credentials),
            deadline=deadline,
        )


def link(item: Media) -> str:
    """Return where a network that fetches files finds one."""
    return f"{FETCHED_FROM}{quote(str(item.path), safe='')}"


async def publish(
    network: Network, outgoing: Outgoing, http: Http, progress: Progress | None = None
) -> Receipt:
    """Publish as the daemon does: every step until there is a receipt."""
    for _ in range(50):
        result = await network.publish(outgoing, progress, http)
        if isinstance(result, Receipt):
            return result
        progress = result
    raise AssertionError("50 steps and no receipt")


class Killed(BaseException):
    """The process died here."""


Strike = Callable[[FarSide, httpx.Request], Awaitable[httpx.Response]]


@dataclass
class Between(httpx.AsyncBaseTransport):
    """Stands between a network and its far side, and strikes at one request, counted from 0."""

    far_side: FarSide
    at: int
    strike: Strike
    #: Whether it strikes at all that come after it, too.
    on: bool = False
    count: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        here, self.count = self.count, self.count + 1
        if here == self.at or (self.on and here > self.at):
            return await self.strike(self.far_side, request)
        return await self.far_side.handle_async_request(request)


async def die_before(_: FarSide, request: httpx.Request) -> httpx.Response:
    """Die with the request not yet taken."""
    raise Killed(str(request.url))


async def die_after(far_side: FarSide, request: httpx.Request) -> httpx.Response:
    """Die with the request taken and its answer not yet read."""
    await far_side.handle_async_request(request)
    raise Killed(str(request.url))


async def say_nothing(_: FarSide, request: httpx.Request) -> httpx.Response:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError(f"nobody stopped {request.url}")


async def echo(_: FarSide, request: httpx.Request) -> httpx.Response:
    """Refuse, and repeat everything that was sent, as a careless server does."""
    body = (await request.aread()).decode("utf-8", "replace")
    headers = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
    return httpx.Response(400, text=f"{request.method} {request.url}\n{headers}\n\n{body}")


@dataclass
class Daemon:
    """Publishes one delivery as the daemon does. What it stored survives its death."""

    subject: Subject
    outgoing: Outgoing
    far_side: FarSide
    #: Seconds for one request.
    deadline: float = 5.0
    session: dict[str, Any] = field(default_factory=dict)
    #: What OAuth has given for the account.
    tokens: Tokens | None = None
    #: Every Progress that was stored, the last one last.
    stored: list[Progress] = field(default_factory=list)

    async def publish(self, transport: httpx.AsyncBaseTransport | None = None) -> Receipt:
        """Take every step that is left; through `transport`, if one stands in between."""
        http, outgoing = self._http(transport), self._outgoing()
        for _ in range(50):
            result = await self.subject.network.publish(outgoing, self._progress(), http)
            if isinstance(result, Receipt):
                return result
            self._keep(result)
            if result.again_at:
                self.far_side.clock.set(max(result.again_at, self.far_side.clock.now()))
        raise AssertionError("50 steps and no receipt")

    async def delete(self, receipt_id: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Take the post away; through `transport`, if one stands in between."""
        await self.subject.network.delete(self._outgoing(), receipt_id, self._http(transport))

    async def edit(
        self, outgoing: Outgoing, receipt_id: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> Receipt:
        """Change what is public to what `outgoing` says; through `transport`, if one stands in between."""
        edit = editor_of(self.subject.network)
        assert edit, "it changes nothing"
        told = replace(outgoing, target=replace(outgoing.target, session=dict(self.session)))
        return await edit(told, receipt_id, self._http(transport))

    async def metrics(self, receipt_id: str) -> Mapping[str, int] | Absent:
        """Ask the network how people respond."""
        count = counter_of(self.subject.network)
        assert count, "it does not tell"
        return await count(self._outgoing().target, receipt_id, self._http(None))

    async def find(self) -> Receipt | Progress | Absent | Unknown:
        """Ask the network whether it is public."""
        return await self.subject.network.find(self._outgoing(), self._progress(), self._http(None))

    async def recover(self) -> Receipt:
        """Do what may be done about a delivery that may be public: look if need be, then send again."""
        if self.subject.network.resend is not Resend.SAFE:
            found = await self.find()
            if isinstance(found, Receipt):
                return found
            if isinstance(found, Progress):
                self._keep(found)
                return await self.publish()
            assert isinstance(found, Absent), f"only a human can settle this: {found}"
        return await self.publish()

    def _keep(self, progress: Progress) -> None:
        # Kept as JSON, because that is how the database keeps it.
        self.stored.append(replace(progress, data=json.loads(json.dumps(dict(progress.data)))))

    def _outgoing(self) -> Outgoing:
        return replace(self.outgoing, target=replace(self.outgoing.target, session=dict(self.session)))

    def _progress(self) -> Progress | None:
        return self.stored[-1] if self.stored else None

    def _http(self, transport: httpx.AsyncBaseTransport | None) -> Http:
        return Http(
            Clients(transport=transport or self.far_side, fit=fit_fetched),
            self.far_side.clock,
            session=self.session,
            tokens=self.tokens,
            keeper=self,
            secrets=secrets_of(self.outgoing.target.credentials),
            deadline=self.deadline,
        )

    async def load(self) -> dict[str, Any]:
        return dict(self.session)

    async def save(self, session: dict[str, Any]) -> None:
        self.session = json.loads(json.dumps(session))

    def alone(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def load_tokens(self) -> Tokens | None:
        return self.tokens

    async def save_tokens(self, tokens: Tokens, before: Tokens | None) -> None:
        assert oauth_of(self.subject.network), f"nobody has asked for tokens in the place of {before}"
        self.tokens = tokens
