"""The way to a server of the AT Protocol, on behalf of one account: its session, kept and renewed.

The server's word counts where it differs from the lexicons: an expired token is a 400.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from postbell.domain.media import Media
from postbell.errors import PublishError, Rejected, Unauthorized, Unavailable
from postbell.publishing import protocol
from postbell.publishing.bluesky.atproto import pds_of
from postbell.publishing.bluesky.atproto_identity import find_home
from postbell.publishing.together import together
from postbell.publishing.web.addresses import keeps_secrets
from postbell.publishing.web.answer import Answer, Refused, lost
from postbell.publishing.web.tokens import expiry_of


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http


#: Where sessions are made of accounts that live on no server of their own.
SERVER = "https://bsky.social"
#: What handles end in that it gives out.
_HOSTED = ".bsky.social"
_SESSIONS = "/xrpc/com.atproto.server"
#: The collection of posts.
POST = "app.bsky.feed.post"
JSON = "application/json"
#: How many files are uploaded side by side.
_AT_ONCE = 3
#: A token that ends sooner is renewed before it is used.
_MARGIN = timedelta(minutes=5)
#: What a server says with 400 or 403 where others say 401.
_UNAUTHORIZED = frozenset({"ExpiredToken", "InvalidToken", "AccountNotFound"})


class Line:
    """An account's way to its server: the session, kept and renewed, and the calls that need it."""

    def __init__(self, target: protocol.Target, http: Http) -> None:
        self._http = http
        self._credentials = target.credentials
        #: Where sessions are made, if the user has said so; records live where the DID document says.
        self._server = target.server

    async def session(self) -> Mapping[str, Any]:
        """Return the stored session; without one, log in."""
        if not {"did", "pds", "access_jwt", "refresh_jwt"} <= self._http.session.keys():
            await self.log_in()
        return self._http.session

    async def log_in(self) -> dict[str, Any]:
        """Make a new session with the app password and store it; 30 in 5 minutes are allowed."""
        return await self._log_in(*await self._home(self._who))

    @property
    def _who(self) -> str:
        who: str = self._credentials.identifier
        return who.strip().removeprefix("@")

    async def _log_in(self, server: str, did: str | None) -> dict[str, Any]:
        who = self._who
        if not keeps_secrets(server):
            raise Unauthorized("Bluesky needs a server with https: a password is not sent in clear")
        asked = {"identifier": who, "password": self._credentials.app_password.get_secret_value()}
        url = f"{server}{_SESSIONS}.createSession"
        try:
            answer = await self._http.request("POST", url, json=asked, judge=_judge_session)
        except Unauthorized as error:
            raise Unauthorized(f"{error}. Make a new app password and connect the account again.") from None
        if did and answer.field("did", str) != did:
            raise Unauthorized(f"{server} takes {who} for another account than {did}")
        return await self._keep(answer, server)

    async def _home(self, who: str) -> tuple[str, str | None]:
        """Return where to log in, and the DID of the account where it had to be looked up."""
        if self._server or who.lower().endswith(_HOSTED):
            return self._server or SERVER, None
        home = await find_home(who, self._http, resolver=SERVER, judge=_judge)
        return _door(home.server), home.did

    async def upload(self, media: Iterable[Media]) -> list[Any]:
        """Upload files and return what stands for them in a record. The same bytes get the same name."""

        async def one(item: Media) -> Any:
            return await self.upload_bytes(item.mime, await asyncio.to_thread(item.path.read_bytes))

        await self.session()  # one log-in is enough for all
        return await together(media, one, most=_AT_ONCE)

    async def upload_bytes(self, mime: str, data: bytes) -> dict[str, Any]:
        """Upload a file and return what stands for it in a record."""
        answer = await self.call("repo.uploadBlob", mime, content=data)
        blob: dict[str, Any] = answer.field("blob", dict)
        return blob

    async def resolve(self, handles: Iterable[str]) -> dict[str, str]:
        """Return the DIDs of those handles that there are."""
        dids = {}
        for handle in handles:
            try:
                answer = await self.ask("identity.resolveHandle", {"handle": handle})
            except Refused:
                continue
            dids[handle] = answer.field("did", str)
        return dids

    async def put(self, body: Mapping[str, Any]) -> None:
        """Write the record of a post."""
        answer = await self.call("repo.putRecord", publishes=True, json=body)
        answer.field("uri", str)

    async def write(self, body: Mapping[str, Any]) -> None:
        """Write the record of a post and others beside it, all or none; it cannot be repeated."""
        answer = await self.call("repo.applyWrites", publishes=True, json=body)
        answer.field("results", list)

    async def delete(self, uri: str, *beside: str) -> None:
        """Delete a post, and the records beside it of other collections."""
        repo, _, rkey = uri.removeprefix("at://").partition(f"/{POST}/")
        # Under our own name nothing would be found, and all be well.
        if repo != (await self.session())["did"]:
            raise Rejected(f"it belongs to another account of Bluesky: {uri}")
        for collection in (POST, *beside):
            where = {"repo": repo, "collection": collection, "rkey": rkey}
            answer = await self.call("repo.deleteRecord", json=where)
            if answer.body:  # older servers answer with nothing at all
                answer.json()

    async def ask(self, method: str, params: Mapping[str, str]) -> Answer:
        """Ask the account's server what everybody may ask."""
        url = f"{(await self.session())['pds']}/xrpc/com.atproto.{method}"
        return await self._http.request("GET", url, params=params, judge=_judge)

    async def call(self, method: str, mime: str = JSON, *, publishes: bool = False, **how: Any) -> Answer:
        """Call as the account."""
        headers, name = {"content-type": mime}, f"com.atproto.{method}"
        return await self._as_account("POST", name, headers=headers, publishes=publishes, **how)

    async def service_token(self, audience: str, method: str, until: datetime) -> str:
        """Return what lets a service call a method of the account's server, until then (aware)."""
        params = {"aud": audience, "lxm": method, "exp": str(int(until.timestamp()))}
        answer = await self._as_account("GET", "com.atproto.server.getServiceAuth", params=params)
        token: str = answer.field("token", str)
        return token

    async def viewed(self, uri: str) -> list[Any]:
        """Return what the AppView, which the account's server asks, has of a post: one, or nothing."""
        answer = await self._as_account("GET", "app.bsky.feed.getPosts", params={"uris": uri})
        found: list[Any] = answer.field("posts", list)
        return found

    async def _as_account(
        self, verb: str, method: str, *, headers: Mapping[str, str] | None = None, **how: Any
    ) -> Answer:
        """Ask with the account's token; if that is not accepted, once more with a new one."""

        def send(session: Mapping[str, Any]) -> Awaitable[Answer]:
            url = f"{session['pds']}/xrpc/{method}"
            bearer = {"authorization": f"Bearer {session['access_jwt']}", **(headers or {})}
            return self._http.request(verb, url, headers=bearer, judge=_judge, **how)

        session = await self.session()
        if self._lasts():
            try:
                return await send(session)
            except Unauthorized:
                pass  # it was taken back, or the server has forgotten it
        await self._renew()
        try:
            return await send(self._http.session)
        except Unauthorized:
            if not await self._follow():
                raise
        return await send(self._http.session)

    async def _follow(self) -> bool:
        """Log in where the account lives now; return whether it has moved. What the user has named stays."""
        if self._server:
            return False
        session = self._http.session
        try:
            home = await find_home(session["did"], self._http, resolver=SERVER, judge=_judge)
        except (Unauthorized, Unavailable):
            return False
        if (door := _door(home.server)) == session.get("login", door):
            return False
        async with self._http.turn():
            await self._log_in(door, home.did)
        return True

    async def _renew(self) -> None:
        """Trade the refresh token in; log in again if it is not accepted, because its successor was lost."""
        async with self._http.turn():
            if await self._http.reload_session() and self._lasts():
                return
            headers = {"authorization": f"Bearer {self._http.session['refresh_jwt']}"}
            server = self._server or self._http.session.get("login") or SERVER
            url = f"{server}{_SESSIONS}.refreshSession"
            try:
                answer = await self._http.request("POST", url, headers=headers, judge=_judge_session)
                await self._keep(answer, server)
            except Unauthorized:  # perhaps a command, in a process of its own, has traded it in just now
                if not (await self._http.reload_session() and self._lasts()):
                    await self.log_in()

    def _lasts(self) -> bool:
        return expiry_of(self._http.session["access_jwt"]) > (self._http.now() + _MARGIN).timestamp()

    async def _keep(self, answer: Answer, server: str) -> dict[str, Any]:
        names = {"did": "did", "handle": "handle", "access_jwt": "accessJwt", "refresh_jwt": "refreshJwt"}
        session = {ours: answer.field(theirs, str) for ours, theirs in names.items()}
        said: dict[str, Any] = answer.json()
        pds = pds_of(said.get("didDoc")) or self._http.session.get("pds") or server
        await self._http.save_session({**session, "pds": pds, "login": server})
        return said


def _door(server: str) -> str:
    """Return where one logs in to a server: those of Bluesky are many, and have one door."""
    return SERVER if server.endswith(".host.bsky.network") else server


def _judge_session(answer: Answer) -> PublishError | None:
    """Read why there is no session: only by a name the server itself says so, and not somebody before it."""
    named = isinstance(answer.error_json().get("error"), str)
    if named or answer.status not in (400, 401, 403, 404):
        return _judge(answer)
    return Unavailable(f"{answer.place} answered {answer.status}, and not as one does who gives out sessions")


def _judge(answer: Answer) -> PublishError | None:
    """Read an error of XRPC: a name and a message."""
    said = answer.error_json()
    name = said.get("error")
    if answer.status == 400 and not isinstance(name, str):
        # The server itself always gives a name: this came from something in front of it.
        return lost("Bluesky answered 400 without saying why", answer.publishes)
    if answer.status >= 500 or answer.status in (408, 425, 429):
        return None
    message = f"Bluesky answered {answer.status} {name}: {str(said.get('message', ''))[:300]}"
    if answer.status == 401 or name in _UNAUTHORIZED:
        return Unauthorized(message)
    return Refused(message, code=name) if isinstance(name, str) else None
