"""The one way to ask a network something: a total deadline, one reading of failures, no secrets in errors.

Whether a post may be public after a failure is decided by whether bytes of the request left this machine.
The transport says so; the class of an exception does not, nor does a deadline that has passed.
"""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote, quote_plus, urlsplit

import httpx
from pydantic import BaseModel, SecretStr

from postbell import __version__
from postbell.clock import Clock
from postbell.domain.reach import Allowed
from postbell.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable
from postbell.publishing.web.answer import Answer, Judge, lost
from postbell.publishing.web.outside import Fit, Outside
from postbell.publishing.web.rates import Rest, asked_time, reset_time, rest_after
from postbell.publishing.web.tokens import Tokens
from postbell.publishing.web.transport import LEFT, Connections, read_url


#: Seconds that one request may take in all, its answer included.
DEADLINE = 60.0
#: The longest answer that is read.
_MOST_BYTES = 8_000_000
#: What every request says of itself; what a network says under the same name goes instead.
_HEADERS = {
    "accept": "*/*",
    "accept-encoding": "gzip, deflate",
    "connection": "keep-alive",
    "user-agent": f"postbell/{__version__}",
}

#: An address is asked again and again, and reading it is a tenth of what a request costs.
_url = functools.lru_cache(maxsize=256)(read_url)

#: What a transport that does not tell raises before anything is sent.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
#: Answers that say that nothing was taken (RFC 9110, 15.5.9 and 15.6.4; RFC 8470, 5.2). After any other
#: server error nothing is known: a gateway may have lost the answer of a server that did its work.
_NOT_TAKEN = frozenset({408, 425, 503})


class SessionKeeper(Protocol):
    """Keeps what a network wants kept for an account."""

    async def load(self) -> dict[str, Any]:
        """Return what is stored now; nothing if the account is another one now."""
        ...

    async def save(self, session: dict[str, Any]) -> None:
        """Store it; durable when this returns."""
        ...

    def alone(self) -> AbstractAsyncContextManager[None]:
        """Keep other processes from renewing the login of the account meanwhile."""
        ...

    async def load_tokens(self) -> Tokens | None:
        """Return the tokens of OAuth that are stored now; None if the account is another one now."""
        ...

    async def save_tokens(self, tokens: Tokens, before: Tokens | None) -> None:
        """Store them in the place of those before; durable when this returns.

        Where others are stored by now, because a person has consented anew, those stay.
        """
        ...


class Clients:
    """What every request goes out by, of whichever account: no redirect is followed, no cookie is kept."""

    def __init__(
        self,
        *,
        ca_file: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        allowed: Allowed | None = None,
        fit: Fit | None = None,
    ) -> None:
        self.transport = transport or Connections(ca_file=ca_file)
        #: The way to what strangers or users wrote addresses of; `allowed` is what need not be public.
        self.outside = Outside(transport=transport, ca_file=ca_file, allowed=allowed, fit=fit)
        self._turns: dict[str, asyncio.Lock] = {}

    def turn(self, account: str) -> asyncio.Lock:
        """Return what lets only one task at a time renew the session of an account."""
        return self._turns.setdefault(account, asyncio.Lock())

    async def close(self) -> None:
        """Close every connection."""
        await self.transport.aclose()


class Http:
    """What a network's code is given to reach its network on behalf of one account."""

    def __init__(
        self,
        clients: Clients,
        clock: Clock,
        *,
        account: str = "",
        session: Mapping[str, Any] | None = None,
        tokens: Tokens | None = None,
        keeper: SessionKeeper | None = None,
        secrets: Iterable[str] = (),
        deadline: float = DEADLINE,
    ) -> None:
        self._clients = clients
        self._clock = clock
        self._account = account
        self._keeper = keeper
        self._given = secrets
        self._deadline = deadline
        #: What the network stored for the account: tokens, its own id.
        self.session: Mapping[str, Any] = dict(session or {})
        #: What OAuth has given for the account, if it has.
        self.tokens = tokens
        #: For how long the account had better rest, by all the answers so far that were successes.
        self.rest: Rest | None = None

    @functools.cached_property
    def _secrets(self) -> tuple[str, ...]:
        return tuple(self._given)  # most often there is nothing to hide them in

    def now(self) -> datetime:
        """Return this instant (aware UTC)."""
        return self._clock.now()

    async def save_session(self, session: Mapping[str, Any]) -> None:
        """Store what the network needs next time. Durable when it returns."""
        self.session = dict(session)
        if self._keeper:
            await self._keeper.save(dict(session))

    async def reload_session(self) -> bool:
        """Take what is stored now, if that is another session; whether it is.

        A refresh token works once: another task, or a command, may have traded ours in.
        """
        stored = await self._keeper.load() if self._keeper else {}
        if not stored or stored == self.session:
            return False
        self.session = stored
        return True

    @property
    def outside(self) -> Outside:
        """The way to what strangers or users wrote addresses of, without anything of the account."""
        return self._clients.outside

    async def save_tokens(self, tokens: Tokens) -> None:
        """Store what the account is accepted by from now on. Durable when it returns, and used only then."""
        if self._keeper:
            await self._keeper.save_tokens(tokens, self.tokens)
        self.tokens = tokens

    async def reload_tokens(self) -> bool:
        """Take the tokens that are stored now, if they are others; whether they are."""
        stored = await self._keeper.load_tokens() if self._keeper else None
        if stored is None or stored == self.tokens:
            return False
        self.tokens = stored
        return True

    def turn(self) -> asyncio.Lock:
        """Return what is to be held while the session is renewed: one task of an account at a time."""
        return self._clients.turn(self._account)

    def alone(self) -> AbstractAsyncContextManager[None]:
        """Return what keeps other processes, such as commands, from doing the same meanwhile."""
        return self._keeper.alone() if self._keeper else nullcontext()

    async def request(
        self,
        method: str,
        url: str,
        *,
        publishes: bool = False,
        judge: Judge | None = None,
        deadline: float | None = None,
        **how: Any,
    ) -> Answer:
        """Send one request and return its answer if that is a success; raises a PublishError otherwise.

        `publishes` marks the call that makes a post public: if its answer is lost, the error is Unsure.
        `judge` reads the network's own errors first. `how` goes to httpx: headers, params, json, content,
        data, files, auth.
        """
        place = _place(url)
        try:
            request = _request(method, url, **how)
        except httpx.InvalidURL as error:
            raise Rejected(self.redact(f"{place} has no usable address: {error}")) from None
        try:
            async with asyncio.timeout(deadline or self._deadline):
                answer = await self._exchange(request, place, publishes=publishes)
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise Rejected(self.redact(f"{place} has no usable address: {error}")) from None
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            sent = _may_have_left(request, error)
            raise lost(self.redact(f"{place} {_reason(error, sent=sent)}"), publishes and sent) from None
        if answer.ok:
            self._note(rest_after(answer.headers, now=self.now()))
            return answer
        failure = (judge and judge(answer)) or self._read(answer)
        failure.args = (answer.hide(str(failure)),)
        raise failure

    async def _exchange(self, request: httpx.Request, place: str, *, publishes: bool) -> Answer:
        response = await self._clients.transport.handle_async_request(request)
        body = bytearray()
        try:
            async for chunk in _parts(response):
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise httpx.DecodingError(f"the answer is longer than {_MOST_BYTES:,} bytes")
        finally:
            await response.aclose()
        return Answer(
            status=response.status_code,
            headers=response.headers,
            body=bytes(body),
            publishes=publishes,
            place=place,
            hide=lambda text: self.redact(text, request.headers.get("authorization", "").rpartition(" ")[2]),
        )

    def _note(self, rest: Rest | None) -> None:
        if rest and (self.rest is None or rest.until > self.rest.until):
            self.rest = rest

    def redact(self, text: str, *more: str) -> str:
        """Return `text` without the secrets of the account and `more`, in whichever form they were echoed."""
        tokens = (str(value) for key, value in self.session.items() if "jwt" in key or "token" in key)
        given = self.tokens.secrets if self.tokens else ()
        known = (*self._secrets, *tokens, *given, *more)
        secrets = {form for secret in known if secret for form in _forms(secret)}
        # The longest first: a secret that begins with another one must not leave its end behind.
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def _read(self, answer: Answer) -> PublishError:
        # What was echoed is hidden before it is cut: half a secret would not be recognised.
        said = " ".join(answer.hide(answer.text).split())[:300]
        message = f"{answer.place} answered {answer.status}" + (f": {said}" if said else "")
        if answer.status == 401:
            return Unauthorized(message)
        if answer.status == 429:
            return RateLimited(message, until=reset_time(answer.headers, now=self.now()))
        if answer.status in _NOT_TAKEN:
            until = asked_time(answer.headers, now=self.now())
            return RateLimited(message, until=until) if until else Unavailable(message)
        if answer.status >= 500:
            return lost(message, answer.publishes)
        if location := 300 <= answer.status < 400 and answer.headers.get("location"):
            return Rejected(f"{message} (it points to {location}; give the account that address)")
        return Rejected(message)


def secrets_of(credentials: BaseModel) -> Iterator[str]:
    """Yield every secret value of an account's credentials, and every line of a value of several lines.

    Of a line `Name: value` the value too: it may be echoed alone.
    """
    values = (getattr(credentials, name) for name in type(credentials).model_fields)
    for text in [value.get_secret_value() for value in values if isinstance(value, SecretStr)]:
        yield text
        for line in map(str.strip, text.splitlines()):
            yield line
            if ": " in line:
                yield line.partition(": ")[2]


def _request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | Callable[[httpx.Request], None] | None = None,
    content: Any = None,
    **how: Any,
) -> httpx.Request:
    """Make a request with what every one of ours says; `auth`, or a name in the address, as Basic.

    An `auth` that can be called signs the request as it will be sent.
    """
    address, ours = _url(url), _HEADERS
    if content and isinstance(content, bytes):
        # To add these two, httpx would go through all headers three times.
        ours = {"host": address.netloc.decode(), **ours, "content-length": str(len(content))}
        how["stream"] = httpx.ByteStream(content)
    else:
        how["content"] = content
    named = {name.lower() for name in headers or ()}
    said = {name: value for name, value in ours.items() if name not in named}
    request = httpx.Request(method, address, headers={**said, **(headers or {})}, **how)
    if callable(auth):
        auth(request)
        return request
    if not auth and request.url.userinfo:
        auth = request.url.username, request.url.password
    if auth:
        request = next(httpx.BasicAuth(*auth).auth_flow(request))
    return request


def _parts(response: httpx.Response) -> AsyncIterable[bytes]:
    """Return the body as it comes; what is not encoded needs none of what httpx has for that."""
    if "content-encoding" in response.headers:
        return response.aiter_bytes()
    assert isinstance(response.stream, httpx.AsyncByteStream)
    return response.stream


def _may_have_left(request: httpx.Request, error: Exception) -> bool:
    """Trust a transport that tells; another one is judged by its exception."""
    if (left := request.extensions.get(LEFT)) is not None:
        return bool(left)
    return isinstance(error, httpx.RequestError | TimeoutError) and not isinstance(error, _NOT_SENT)


def _place(url: str) -> str:
    """Return the server of a URL: enough to know what was meant, without secrets in path or query."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or "the server"
    except ValueError:
        return "the server"


def _forms(secret: str) -> tuple[str, ...]:
    """Return how a secret looks as it is, in a URL, in a form and in JSON."""
    return secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]


def _reason(error: Exception, *, sent: bool) -> str:
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return "did not answer in time" if sent else "could not be reached in time"
    detail = str(error) or type(error).__name__
    return f"broke off: {detail}" if sent else f"could not be reached: {detail}"
