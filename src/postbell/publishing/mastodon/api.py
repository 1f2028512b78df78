"""The way to a server that speaks Mastodon's API, on behalf of one account.

Facts from docs.joinmastodon.org. Errors may come in the account's language, so the status counts, never the
text.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from postbell.domain.media import Media
from postbell.errors import Gone, PublishError, Rejected, Unauthorized, Unavailable
from postbell.publishing.mastodon.fediverse import read_server, software
from postbell.publishing.protocol import Absent, Counts, Profile, Target
from postbell.publishing.web.addresses import keeps_secrets
from postbell.publishing.web.answer import Answer, Refused, lost
from postbell.publishing.web.consent import Client
from postbell.publishing.web.oauth import OAuth, call_as


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http


#: An upload gets a second for each of so many bytes, once it has more than a million.
_PACE = 200_000
#: For how long what a server says of itself is taken to be so.
_FRESH = timedelta(days=1)
#: Of forty posts each.
_MOST_PAGES = 20
#: English, so that people who write to one another about an error have the same words. And JSON: Pixelfed, as
#: all programs made with Laravel, else answers what it refuses with a page, or with a redirect
#: (laravel.com/docs/validation, "XHR Requests and Validation").
_WISHES = {"accept": "application/json", "accept-language": "en"}
#: Tells who the account is.
_ME = "/api/v1/accounts/verify_credentials"
#: Scopes, and what does not work without one.
_SCOPES = {
    "write:statuses": "nothing can be published",
    "write:media": "posts with files will fail",
    "read:statuses": "it cannot be looked up whether a post is public when an answer was lost",
}
#: Where a post of the server itself, or one that it knows, is on its pages.
_OWN = re.compile(r"/@[^/]+/([0-9]+)|/(?:@|users/)[^/]+/statuses/(\w+)|/notice/(\w+)")
#: What people do with a post, by what it is called there (docs.joinmastodon.org/entities/Status).
_COUNTS = {
    "likes": "favourites_count",
    "reposts": "reblogs_count",
    "replies": "replies_count",
    "quotes": "quotes_count",  # since 4.5
}


#: What GoToSocial 0.19, Mastodon 2.4.3 and Pleroma take; Pixelfed knows only the coarse ones.
_LEAST = ("read:accounts", "read:search", "read:statuses", "write:media", "write:statuses")
_COARSE = ("read", "write")


async def register(target: Target, redirect: str, http: Http) -> Client:
    """Make Postbell known to a server (docs.joinmastodon.org/methods/apps). Raises a PublishError."""
    line = Line(target, http)
    scopes = _COARSE if await line.kind() == "pixelfed" else _LEAST
    app = {"client_name": "Postbell", "redirect_uris": redirect, "scopes": " ".join(scopes)}
    answer = await line.ask_unknown("POST", "/api/v1/apps", data=app)
    client_id, secret = answer.field("client_id", str), answer.field("client_secret", str)
    return Client(id=client_id, secret=secret, scopes=scopes)


#: How an account of such a server is connected in the browser.
OAUTH = OAuth(authorize="/oauth/authorize", token="/oauth/token", scopes=_LEAST, register=register)  # noqa: S106


class _NotThere(Unavailable):
    """Nothing that speaks this API answers at this address."""


class _Forbidden(Unauthorized):
    """The token does not allow it."""


class Line:
    """An account's way to its server."""

    def __init__(self, target: Target, http: Http) -> None:
        self._http, self._address = http, str(target.server)
        self._place = urlsplit(self._address).netloc.rpartition("@")[2]
        self._target = target

    async def ask(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **how: Any
    ) -> Answer:
        """Send a request as the account."""
        if not keeps_secrets(self._address):
            message = f"{self._place} needs an address with https: a token is not sent in clear."
            raise Unauthorized(message)

        async def send(token: str) -> Answer:
            ours = {"authorization": f"Bearer {token}", **_WISHES, **(headers or {})}
            url = f"{self._address}{path}"
            return await self._http.request(method, url, headers=ours, judge=self._judge, **how)

        if given := self._target.credentials.access_token:
            return await send(given.get_secret_value())
        return await call_as(OAUTH, self._target, self._http, send)

    async def facts(self) -> Mapping[str, Any]:
        """Return what is stored of the account and its server; learn it where there is nothing."""
        if not {"id", "app", "server"} <= self._http.session.keys():
            await self.learn()
        return self._http.session

    async def keep_fresh(self) -> None:
        """Learn anew what was read a day ago or earlier: servers are upgraded, and take more or less then."""
        read_at = self._http.session.get("read_at")
        if read_at and self._http.now() - datetime.fromisoformat(read_at) >= _FRESH:
            with contextlib.suppress(PublishError):
                await self.learn()

    async def learn(self) -> Profile:
        """Ask who the account is, by which application we speak, and what the server takes; store it."""
        me = await self.ask("GET", _ME)
        name, url = me.field("acct", str), me.json().get("url")
        kind, said = await self.kind(), await self._instance()
        app = await self._application()
        there = read_server(kind, said)
        facts = {"id": me.field("id", str), "app": str(app.get("name") or ""), "server": asdict(there)}
        home = str(said.get("domain") or said.get("uri") or self._place).removeprefix("https://")
        facts |= {"home": home, "read_at": self._http.now().isoformat()}
        await self._http.save_session({**self._http.session, **facts})
        has = app.get("scopes")
        missing = [
            scope
            for scope in _SCOPES
            if isinstance(has, list) and not {scope, scope.partition(":")[0]} & set(has)
        ]
        return Profile(
            handle=f"@{name}@{home}",
            url=url if isinstance(url, str) else None,
            notes=tuple(f"The application lacks the scope {it}: {_SCOPES[it]}." for it in missing),
        )

    async def ask_unknown(self, method: str, path: str, **how: Any) -> Answer:
        """Send a request as anybody: no token goes there."""
        url = f"{self._address}{path}"
        return await self._http.request(method, url, headers=_WISHES, judge=self._judge, **how)

    async def kind(self) -> str:
        """Return which software the server is; empty if it does not tell."""

        async def ask(url: str) -> Answer:  # everybody may: no token goes there
            return await self._http.request("GET", url, judge=self._judge)

        try:
            return await software(ask, self._address)
        except (Rejected, _NotThere):
            return ""

    async def _instance(self) -> Mapping[str, Any]:
        try:
            answer = await self.ask("GET", "/api/v2/instance")
        except (Refused, _NotThere):  # older than Mastodon 4, or of another kind
            answer = await self.ask("GET", "/api/v1/instance")
        answer.field("version", str)
        said: Mapping[str, Any] = answer.json()
        return said

    async def _application(self) -> Mapping[str, Any]:
        try:
            return (await self.ask("GET", "/api/v1/apps/verify_credentials")).error_json()
        except (Refused, Unauthorized, _NotThere):  # not every server tells
            return {}

    async def upload(
        self, item: Media, *, focus: str | None = None, thumbnail: Media | None = None
    ) -> dict[str, Any]:
        """Upload a file with its alt text; return its id, and whether it can be posted already.

        `focus` is the point that previews keep: `x,y`, each from -1 to 1; `thumbnail` stands for a video.
        Raises Rejected where the account may do anything but that.
        """
        data = await asyncio.to_thread(item.path.read_bytes)
        files = {"file": (item.name, data, item.mime)}
        if thumbnail:
            look = await asyncio.to_thread(thumbnail.path.read_bytes)
            files["thumbnail"] = (thumbnail.name, look, thumbnail.mime)
        deadline = 60.0 + len(data) / _PACE if len(data) > 1_000_000 else None
        words = {name: said for name, said in (("description", item.alt), ("focus", focus)) if said}
        try:
            answer = await self.ask("POST", "/api/v2/media", files=files, data=words, deadline=deadline)
        except _Forbidden as refusal:
            await self.ask("GET", _ME)  # raises the same where it is closed to the account altogether
            raise Rejected(str(refusal)) from None
        return {"id": answer.field("id", str), "ready": _is_ready(answer)}

    async def find_status(self, wanted: str) -> str:
        """Return the id that the server has for a post, by its address or by that id.

        Raises Rejected where it finds none. Addresses of other servers are searched for.
        """
        if "://" not in wanted:
            return wanted
        parts = urlsplit(wanted)
        if parts.netloc == self._place and (found := _OWN.fullmatch(parts.path)):
            return str(next(filter(None, found.groups())))
        query = {"q": wanted, "resolve": "true", "type": "statuses", "limit": "1"}
        try:
            statuses = (await self.ask("GET", "/api/v2/search", params=query)).field("statuses", list)
        except _Forbidden:
            raise Rejected(f"the token may not search for {wanted}: it lacks the scope read:search") from None
        if not statuses or not isinstance(statuses[0], dict) or "id" not in statuses[0]:
            raise Rejected(f"{self._place} finds no post to quote at {wanted}")
        return str(statuses[0]["id"])

    async def look(self, file: str) -> bool | None:
        """Return whether a file can be posted, None if the server does not have it (any more)."""
        try:
            return _is_ready(await self.ask("GET", f"/api/v1/media/{file}"))
        except Refused as refusal:
            if refusal.code == "404":
                return None
            raise

    async def delete(self, status: str) -> None:
        """Delete a post; what is not there any more counts as deleted."""
        try:
            answer = await self.ask("DELETE", f"/api/v1/statuses/{status}")
        except Refused as refusal:
            if refusal.code not in ("404", "410"):
                raise
            # A server has the same words for what is not there and for what belongs to somebody else.
            if await self._is_there(status):
                raise Rejected(f"{status} belongs to another account of {self._place}") from None
        else:
            answer.json()  # a page of something in between is no deletion

    async def _is_there(self, name: str) -> bool:
        try:
            await self.status(name)
        except (Gone, _Forbidden):  # a token that may not read could only remove
            return False
        return True

    async def status(self, name: str) -> Mapping[str, Any]:
        """Return a post that shall be there; raises Rejected if it is not."""
        try:
            answer = await self.ask("GET", f"/api/v1/statuses/{name}")
        except Refused as refusal:
            if refusal.code in ("404", "410"):
                raise Gone from None
            raise
        answer.field("id", str)
        said: Mapping[str, Any] = answer.json()
        return said

    async def change(self, name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change a post, and return what it is now; harmless to repeat."""
        try:
            answer = await self.ask("PUT", f"/api/v1/statuses/{name}", json=body)
        except (Refused, _NotThere) as refusal:
            if isinstance(refusal, Refused) and refusal.code != "404":
                raise
            raise Rejected(f"{self._place} knows of no changes to what is public") from None
        answer.field("id", str)
        said: Mapping[str, Any] = answer.json()
        return said

    async def counts(self, status: str) -> Counts:
        """Count what people did with a post; a server hears late, or never, of some who are elsewhere."""
        try:
            answer = await self.ask("GET", f"/api/v1/statuses/{status}")
        except Refused as refusal:
            if refusal.code in ("404", "410"):
                return Absent()
            raise
        answer.field("id", str)
        said = answer.json()
        counts = {word: said.get(name) for word, name in _COUNTS.items()}
        return {word: count for word, count in counts.items() if isinstance(count, int)}

    async def own(self, account: str, *, since: datetime) -> AsyncIterator[tuple[datetime, dict[str, Any]]]:
        """Yield what the account has posted since then, the newest first, and when that was (aware)."""
        query = {"limit": "40", "exclude_reblogs": "true"}
        for _ in range(_MOST_PAGES):
            answer = await self.ask("GET", f"/api/v1/accounts/{account}/statuses", params=query)
            page = _read_statuses(answer)
            for made, status in page:
                if made < since:
                    return
                yield made, status
            if not page:
                return
            query["max_id"] = page[-1][1]["id"]
        raise Unavailable(f"{self._place} has more than {_MOST_PAGES * 40} posts to look through")

    def _judge(self, answer: Answer) -> PublishError | None:
        """Read an error, {error, error_description}, or a page of something in front of the server."""
        said, status = answer.error_json().get("error"), answer.status
        if status in (408, 425, 429) or status >= 500 or 300 <= status < 400:
            return None
        if status == 401:
            return Unauthorized(
                f"{self._place} does not accept the access token: {said or status}. Connect the account "
                "again, or copy the token from the page of its application once more."
            )
        if not isinstance(said, str):
            if status == 413:
                return Rejected(f"the file is too large for the web server of {self._place}")
            kind = _NotThere if status in (404, 405, 410) else Unavailable
            return kind(f"{self._place} answered {status}, and not as Mastodon does; is that its address?")
        message = f"{self._place} answered {status}: {said[:300]}"
        if status == 403:  # a scope is missing, or the account is closed: no post of it will be taken
            return _Forbidden(f"{message}. The token needs the scopes {', '.join(_SCOPES)}, read:accounts.")
        return Refused(message, code=str(status))


def _is_ready(answer: Answer) -> bool:
    # 202 and 206 say that it is being worked on; Pleroma says 202 to what it has done.
    return answer.status == 200 or bool(answer.json().get("url"))


def _read_statuses(answer: Answer) -> list[tuple[datetime, dict[str, Any]]]:
    said = answer.json()
    try:
        if isinstance(said, list):
            return [(_instant(it["created_at"]), {**it, "id": str(it["id"])}) for it in said]
    except (KeyError, TypeError, ValueError):
        pass
    raise lost(f"{answer.place} answered with posts that are none", answer.publishes)


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
