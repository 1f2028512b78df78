"""What stands between a stranger and Postbell: every request comes through here, whatever it asks for.

A name in `Host` that nobody has declared is a web page that made its own name point here (DNS rebinding). A
browser says of a page's requests which site that is from (Sec-Fetch-Site, Origin); a program says nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import math
import re
from collections.abc import Awaitable, Callable, Iterable
from email.utils import format_datetime
from traceback import extract_tb
from urllib.parse import urlsplit

import structlog

from postbell.api.asgi import Asgi, Message, Receive, Scope, Send
from postbell.api.callers import Caller, caller_of, peer_caller
from postbell.api.pace import Pace
from postbell.api.problems import FAULT, MEDIA_TYPE, Refusal, document, refusal_of
from postbell.app import App
from postbell.domain.access import Key
from postbell.errors import PostbellError
from postbell.services.accounts.keys import find_key
from postbell.services.media.public_media import PATH


#: What changes nothing, and may come from anywhere.
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: What is answered to everybody.
_OPEN = frozenset({"/livez"})
#: A longer body is refused,
LONGEST_BODY = 1_000_000
#: but here, where files come.
UPLOAD = ("POST", "/api/v1/media")
#: and here, where they come in parts; what is answered there says which protocol it speaks.
UPLOADS = "/api/v1/uploads"
#: So often a minute one address may come with a wrong key, or none.
_WRONG_KEYS = 30

_NO_KEY = "This needs a key: `Authorization: Bearer postbell_…`. Make one with `postbell key add`."
_WRONG_KEY = (
    "The key that was sent is not valid: it was mistyped, was revoked, or has expired. "
    "`postbell key list` shows those that there are; one is sent as `Authorization: Bearer postbell_…`."
)
_BEARER = re.compile(r"[Bb]earer +(postbell_[a-z0-9_]{1,100})")

#: What goes with a refusal of a body whose rest nobody reads.
_ENDS = (("Connection", "close"),)

_HEADERS = (
    ("x-content-type-options", "nosniff"),
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
)


#: What is said besides where files come in parts.
_TUS = (("tus-resumable", "1.0.0"),)


class Wall:
    """An ASGI application around another one, which it asks only for what a caller with a key wants."""

    def __init__(
        self,
        inner: Callable[[], Awaitable[Asgi]],
        app: Callable[[], App],
        *,
        used: Callable[[Key], None] = lambda _key: None,
    ) -> None:
        """Take what makes the application behind it when that is first needed, what returns Postbell as it
        is configured now, and what is told of keys that were used.
        """
        self._inner, self._app, self._used = inner, app, used
        self._callers, self._strangers = Pace(), Pace()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"only HTTP is served here, not {scope['type']}")
        answer = _Answer(send, self._app, _TUS if scope["path"].startswith(UPLOADS) else ())
        try:
            headers = _Headers(scope["headers"])
            self._require_known_host(scope, headers)
            if scope["method"] not in _SAFE:
                _require_own_page(headers)
                scope = _meant(scope, headers)
            if scope["path"] in _OPEN:
                await _answer_alive(scope, answer)
                return
            if scope["path"].startswith(PATH):
                await self._answer_stranger(scope, receive, answer)
                return
            caller = await self._authenticate(scope, headers)
            body = self._body(scope, receive, headers)
            scope["state"] = {**scope.get("state", {}), "caller": caller, "body": body}
            inner = await self._inner()
            await inner(scope, body.receive, answer)
        except Refusal as refusal:
            await answer.refuse(refusal)
        except PostbellError as error:
            await answer.refuse(refusal_of(error))
        except Exception as error:  # noqa: BLE001 - the last resort: nobody outside is told what went wrong
            structlog.get_logger().error(
                "api_fault", kind=type(error).__name__, path=scope["path"], at=_place_of(error)
            )
            await answer.refuse(FAULT)

    def _require_known_host(self, scope: Scope, headers: _Headers) -> None:
        given = headers.all("host")
        if len(given) != 1 or not scope["path"].startswith("/"):
            raise Refusal(status=400, code="malformed", detail="Ask for a path, with one Host header.")
        config = self._app().settings.api
        public = [config.public_host] if config.public_host and scope["path"].startswith(PATH) else []
        if not is_known(given[0], [*config.hosts, *public]):
            raise Refusal(
                status=421,
                code="unknown_host",
                detail="Postbell is not known by that name; its names are those of `api.hosts`.",
            )

    async def _answer_stranger(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        """Answer who has a link to a file; who tries out links is told to wait."""
        from postbell.api.public import answer_public

        if not await answer_public(self._app(), scope, receive, answer):
            address = scope["client"][0] if scope.get("client") else ""
            if wait := self._strangers.take(address, _WRONG_KEYS):
                raise _too_often(wait, "Too many requests for what there is not came from there.")
            detail = "There is no such file, or its link has expired."
            raise Refusal(status=404, code="not_found", detail=detail)

    async def _authenticate(self, scope: Scope, headers: _Headers) -> Caller:
        config, uid = self._app().settings.api, scope.get("state", {}).get("peer_uid")
        caller = None if uid is None else peer_caller(uid, config.socket_users)
        if caller is None:
            bearer = _BEARER.fullmatch(headers.get("authorization") or "")
            key = await asyncio.to_thread(find_key, self._app().ctx, bearer[1]) if bearer else None
            if key is None:
                raise self._unknown(scope, given="authorization" in headers)
            self._used(key)
            caller = caller_of(key)
        if config.requests_per_minute and (wait := self._callers.take(caller.id, config.requests_per_minute)):
            raise _too_often(wait, "This key has asked too often.")
        return caller

    def _body(self, scope: Scope, receive: Receive, headers: _Headers) -> _Body:
        settings = self._app().settings
        if (scope["method"], scope["path"]) == UPLOAD:
            limits = settings.media
            return _Body(receive, headers, most=limits.most_at_once, seconds=limits.upload_seconds)
        if scope["method"] == "PATCH" and scope["path"].startswith(f"{UPLOADS}/"):
            limits = settings.media
            return _Body(receive, headers, most=limits.most(None), seconds=limits.upload_seconds)
        return _Body(receive, headers, most=LONGEST_BODY, seconds=settings.api.body_seconds)

    def _unknown(self, scope: Scope, *, given: bool) -> Refusal:
        address = scope["client"][0] if scope.get("client") else ""
        if wait := self._strangers.take(address, _WRONG_KEYS):
            return _too_often(wait, "Too many requests with a wrong key, or without one, came from there.")
        structlog.get_logger().info("api_refused", client=address, key="wrong" if given else "missing")
        return Refusal(
            status=401,
            code="wrong_key" if given else "no_key",
            detail=_WRONG_KEY if given else _NO_KEY,
            headers=(("WWW-Authenticate", 'Bearer realm="postbell"'),),
        )


def is_known(host: str, declared: Iterable[str]) -> bool:
    """Whether a request may have this Host: an address, localhost, or a name that was declared.

    Nobody can make an address, or localhost, point elsewhere; RFC 6761 gives localhost what is below it too.
    """
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?", host)
    if not found:
        return False
    if found[1] is not None:
        return _is_address(found[1], 6)
    name = found[2].lower()
    local = name == "localhost" or name.endswith(".localhost")
    return local or _is_address(name, 4) or name in (each.lower() for each in declared)


def _is_address(text: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(text).version == version
    except ValueError:
        return False


def _require_own_page(headers: _Headers) -> None:
    """Refuse what a page of another site wants done in the name of who looks at it."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:
        foreign = origin is not None and _host_of(origin) != (headers.get("host") or "").lower()
    if foreign:
        raise Refusal(
            status=403, code="cross_site", detail="A page of another site may not change anything here."
        )


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:  # it is no address: not ours
        return None


def _meant(scope: Scope, headers: _Headers) -> Scope:
    """Return a request as it is meant where its sender cannot send PATCH or DELETE, as tus has it."""
    meant = headers.get("x-http-method-override")
    if meant in ("PATCH", "DELETE") and scope["path"].startswith(f"{UPLOADS}/"):
        return {**scope, "method": meant}
    return scope


def _too_often(wait: float, detail: str) -> Refusal:
    seconds = str(math.ceil(wait))
    return Refusal(
        status=429,
        code="too_often",
        detail=f"{detail} Ask again in {seconds} s.",
        headers=(("Retry-After", seconds),),
    )


def _place_of(error: Exception) -> str:
    """Return where in Postbell it was raised: lines say nothing of values."""
    frames = [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in extract_tb(error.__traceback__)
    ]
    return " ".join(frames[-3:])


async def _answer_alive(scope: Scope, answer: _Answer) -> None:
    """Say that the loop goes round: nothing else is looked at."""
    if scope["method"] not in ("GET", "HEAD"):
        raise Refusal(
            status=405,
            code="method_not_allowed",
            detail="It can only be read.",
            headers=(("Allow", "GET, HEAD"),),
        )
    content = b'{"status": "alive"}'
    await answer.whole(200, content if scope["method"] == "GET" else b"", "application/json")


class _Headers:
    """The headers of a request."""

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        self._pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in pairs]

    def all(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for each, value in self._pairs if each == name]

    def get(self, name: str) -> str | None:
        """Return the value of a header; of several none, for they might contradict one another."""
        found = self.all(name)
        return found[0] if len(found) == 1 else None if not found else ", ".join(found)

    def __contains__(self, name: str) -> bool:
        return bool(self.all(name))


class _Body:
    """The body of a request on its way in: counted, hashed, and not waited for without end."""

    def __init__(self, receive: Receive, headers: _Headers, *, most: int, seconds: float) -> None:
        self._receive, self._most = receive, most
        self._until = asyncio.get_running_loop().time() + seconds
        self._seconds = seconds
        self._size, self._whole = 0, False
        self._hash = hashlib.sha256()
        declared = headers.get("content-length") or "0"
        if not re.fullmatch("[0-9]{1,18}", declared) or int(declared) > most:
            raise self._too_long()

    @property
    def sha256(self) -> str:
        """The hash of what has come."""
        return self._hash.hexdigest()

    async def receive(self) -> Message:
        """Return the next part, or that the caller has gone."""
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            detail = f"The request did not arrive within {self._seconds:g} s."
            raise Refusal(status=408, code="too_slow", detail=detail, headers=_ENDS) from None
        part = message.get("body", b"")
        self._size += len(part)
        if self._size > self._most:
            raise self._too_long()
        self._hash.update(part)
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    def _too_long(self) -> Refusal:
        return Refusal(
            status=413,
            code="too_long",
            detail=f"The body may have {self._most:,} bytes at most.",
            headers=_ENDS,
        )


class _Answer:
    """The answer on its way out, with what browsers are told besides."""

    def __init__(self, send: Send, app: Callable[[], App], more: Iterable[tuple[str, str]]) -> None:
        self._send, self._app, self._headers = send, app, (*_HEADERS, *more)
        self._begun = False

    async def __call__(self, message: Message) -> None:
        """Send a part of it."""
        if message["type"] == "http.response.start":
            self._begun = True
            had = {name.lower() for name, _value in message["headers"]}
            date = format_datetime(self._app().ctx.now(), usegmt=True)
            ours = [(name.encode(), value.encode()) for name, value in (("date", date), *self._headers)]
            more = [(name, value) for name, value in ours if name not in had]
            message = {**message, "headers": [*message["headers"], *more]}
        await self._send(message)

    async def refuse(self, refusal: Refusal) -> None:
        """Answer with a problem, unless there is half an answer already: then the connection breaks off."""
        if self._begun:
            return
        await self.whole(refusal.status, document(refusal), MEDIA_TYPE, refusal.headers)

    async def whole(
        self, status: int, content: bytes, kind: str, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Answer all of it at once."""
        pairs = (("content-type", kind), ("content-length", str(len(content))), *headers)
        encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs]
        await self({"type": "http.response.start", "status": status, "headers": encoded})
        await self({"type": "http.response.body", "body": content})
