"""The one way to ask a network something: a total deadline, one reading of failures, no secrets in errors.

Whether a post may be public after a failure is decided by whether bytes of the request left this machine.
The transport's own trace says so; the class of the exception does not (measured with httpx 0.28.1: a server
that closes before and one that closes after it accepted raise the same class).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

import httpx
from pydantic import BaseModel, SecretStr

from postbell import __version__
from postbell.clock import Clock
from postbell.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable
from postbell.publishing.answer import Answer, Judge, lost, reset_time


#: Seconds that one request may take in all, its answer included.
DEADLINE = 60.0
#: The longest answer that is read.
_MOST_BYTES = 8_000_000
#: A connection that was idle for longer is not used again: the server may be about to close it, and a
#: request that meets the closing cannot be told from one that was accepted.
_KEEP_ALIVE = 3.0

#: What a transport without a trace raises before anything is sent.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
#: Answers that say that nothing was taken (RFC 9110, 15.5.9 and 15.6.4; RFC 8470, 5.2). After any other
#: server error nothing is known: a gateway may have lost the answer of a server that did its work.
_NOT_TAKEN = frozenset({408, 425, 503})


class Clients:
    """HTTP clients of one connection each: a shared pool slows down with everything that waits in it."""

    def __init__(
        self, *, ca_file: str | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._ca_file = ca_file
        self._transport = transport
        self._idle: list[httpx.AsyncClient] = []
        self._verify: Any = None

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[httpx.AsyncClient]:
        """Lend one client; the most recently used first, because its connection may still be open."""
        client = self._idle.pop() if self._idle else self._make()
        try:
            yield client
        except BaseException:
            # What broke off in the middle of a connect leaves a connection that nobody ever finishes, and
            # whoever leased this client next would wait for it for ever.
            await client.aclose()
            raise
        client.cookies.clear()  # the next one to use it may be another account
        self._idle.append(client)

    async def close(self) -> None:
        """Close every connection."""
        while self._idle:
            await self._idle.pop().aclose()

    def _make(self) -> httpx.AsyncClient:
        if self._verify is None:
            verify = httpx.create_ssl_context(trust_env=False)
            if self._ca_file:
                verify.load_verify_locations(self._ca_file)
            self._verify = verify
        return httpx.AsyncClient(
            transport=self._transport,
            verify=self._verify,
            trust_env=False,
            limits=httpx.Limits(max_connections=1, keepalive_expiry=_KEEP_ALIVE),
            headers={"user-agent": f"postbell/{__version__}"},
        )


@dataclass
class _Trace:
    """Whether anything of the request can have left."""

    seen: bool = False
    left: bool = False

    async def __call__(self, event: str, _info: object) -> None:
        self.seen = True
        if event == "http11.send_request_headers.started":
            self.left = True

    def may_have_left(self, error: Exception) -> bool:
        """Trust the trace; a transport without one is judged by its exception."""
        if self.seen:
            return self.left
        return isinstance(error, httpx.RequestError | TimeoutError) and not isinstance(error, _NOT_SENT)


class Http:
    """What a network's code is given to reach its network on behalf of one account."""

    def __init__(
        self,
        clients: Clients,
        clock: Clock,
        *,
        session: Mapping[str, Any] | None = None,
        save: Callable[[dict[str, Any]], Awaitable[None]] | None = None,
        secrets: Iterable[str] = (),
        deadline: float = DEADLINE,
    ) -> None:
        self._clients = clients
        self._clock = clock
        self._save = save
        self._secrets = tuple(secrets)
        self._deadline = deadline
        #: What the network stored for the account: tokens, its own id.
        self.session: Mapping[str, Any] = dict(session or {})

    def now(self) -> datetime:
        """Return this instant (aware UTC)."""
        return self._clock.now()

    async def save_session(self, session: Mapping[str, Any]) -> None:
        """Store what the network needs next time. Durable when it returns."""
        self.session = dict(session)
        if self._save:
            await self._save(dict(session))

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
        trace = _Trace()
        try:
            async with self._clients.lease() as client, asyncio.timeout(deadline or self._deadline):
                answer = await _exchange(client, method, url, publishes=publishes, trace=trace, how=how)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise Rejected(self.redact(f"{_place(url)} has no usable address: {error}")) from None
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            sent = trace.may_have_left(error)
            message = self.redact(f"{_place(url)} {_reason(error, sent=sent)}")
            raise lost(message, publishes and sent) from None
        if answer.ok:
            proof = answer.proof
            return replace(answer, place=_place(url), hide=lambda text: self.redact(text, proof))
        failure = (judge and judge(answer)) or self._read(answer, url)
        failure.args = (self.redact(str(failure), answer.proof),)
        raise failure

    def redact(self, text: str, *more: str) -> str:
        """Return `text` without the secrets of the account and `more`, in whichever form they were echoed."""
        tokens = (str(value) for key, value in self.session.items() if "jwt" in key or "token" in key)
        secrets = {form for secret in (*self._secrets, *tokens, *more) if secret for form in _forms(secret)}
        # The longest first: a secret that begins with another one must not leave its end behind.
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def _read(self, answer: Answer, url: str) -> PublishError:
        # What was echoed is hidden before it is cut: half a secret would not be recognised.
        said = " ".join(self.redact(answer.text, answer.proof).split())[:300]
        message = f"{_place(url)} answered {answer.status}" + (f": {said}" if said else "")
        if answer.status == 401:
            return Unauthorized(message)
        if answer.status == 429:
            return RateLimited(message, until=reset_time(answer.headers, now=self.now()))
        if answer.status in _NOT_TAKEN:
            return Unavailable(message)
        if answer.status >= 500:
            return lost(message, answer.publishes)
        if location := 300 <= answer.status < 400 and answer.headers.get("location"):
            return Rejected(f"{message} (it points to {location}; give the account that address)")
        return Rejected(message)


def secrets_of(credentials: BaseModel) -> list[str]:
    """Return every secret value of an account's credentials, and every line of a value of several lines.

    Of a line `Name: value` the value too: it may be echoed alone.
    """
    values = (getattr(credentials, name) for name in type(credentials).model_fields)
    texts = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
    lines = [line.strip() for text in texts for line in text.splitlines()]
    return [*texts, *lines, *(line.partition(": ")[2] for line in lines if ": " in line)]


async def _exchange(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    publishes: bool,
    trace: _Trace,
    how: dict[str, Any],
) -> Answer:
    extensions = {"trace": trace}
    timeout = httpx.Timeout(None)  # the deadline over all is the caller's
    async with client.stream(method, url, timeout=timeout, extensions=extensions, **how) as response:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > _MOST_BYTES:
                raise httpx.DecodingError(f"the answer is longer than {_MOST_BYTES:,} bytes")
        return Answer(
            status=response.status_code,
            headers=response.headers,
            body=bytes(body),
            publishes=publishes,
            proof=response.request.headers.get("authorization", "").rpartition(" ")[2],
        )


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
