"""The way to the Threads API on behalf of one account.

Facts from developers.facebook.com/docs/threads. Calls go to `me`: paths with the account's number are said
to fail at times.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from postbell.errors import PublishError, Unauthorized, Unavailable
from postbell.publishing.protocol import Absent, Counts, Target
from postbell.publishing.threads.errors import ACCOUNT, is_gone, is_published, read_error
from postbell.publishing.threads.oauth import OAUTH, SERVER
from postbell.publishing.web.answer import Answer, Refused, lost
from postbell.publishing.web.oauth import call_as


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http


API = f"{SERVER}/v1.0"
#: What a list says of each post.
_FIELDS = "id,text,timestamp,permalink,media_type"
#: Of fifty posts each.
_MOST_PAGES = 20
#: What people do with a post. How often it was seen is no response.
_COUNTS = ("likes", "reposts", "replies", "quotes")


@dataclass(frozen=True, kw_only=True)
class State:
    """How far Threads is with a container."""

    #: IN_PROGRESS, FINISHED, PUBLISHED, ERROR, EXPIRED; GONE: there is none; POST: it is no container.
    word: str
    #: Threads' word for what went wrong.
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class Posted:
    """A post, as a list tells of it."""

    id: str
    url: str | None
    text: str
    #: TEXT_POST, IMAGE, VIDEO, CAROUSEL_ALBUM and others.
    kind: str
    #: Aware, whole seconds.
    made: datetime
    #: The id of the post that it answers.
    answers: str | None


class Line:
    """An account's way to Threads."""

    def __init__(self, target: Target, http: Http) -> None:
        self._target, self._http = target, http

    async def ask(
        self,
        method: str,
        path: str,
        values: Mapping[str, str],
        *,
        publishes: bool = False,
        right: str | None = None,
    ) -> Answer:
        """Send a request as the account; `right` is a permission that only such requests need."""

        def judge(answer: Answer) -> PublishError | None:
            return read_error(answer, now=self._http.now(), right=right)

        async def send(token: str) -> Answer:
            said = {**values, "access_token": token}
            how: dict[str, Any] = {"data": said} if method == "POST" else {"params": said}
            url = f"{API}/{path}"
            return await self._http.request(method, url, judge=judge, publishes=publishes, **how)

        given = self._target.credentials.access_token
        try:
            if given and self._http.tokens is None:
                return await send(given.get_secret_value())
            return await call_as(OAUTH, self._target, self._http, send)
        except Refused as refusal:
            if refusal.code == ACCOUNT:
                raise Unauthorized(str(refusal)) from None
            raise

    async def create(self, form: Mapping[str, str], *, right: str | None = None) -> str:
        """Make a container; return its id. Nothing is public, and what is not published is thrown away."""
        answer = await self.ask("POST", "me/threads", form, right=right)
        return str(answer.field("id", str))

    async def state(self, container: str) -> State:
        """Ask how far Threads is with a container."""
        try:
            answer = await self.ask("GET", container, {"fields": "id,status,error_message"})
        except Refused as refusal:
            if is_published(refusal):
                return State(word="POST")
            if is_gone(refusal):
                return State(word="GONE")
            raise
        return State(word=answer.field("status", str), message=str(answer.json().get("error_message") or ""))

    async def publish(self, container: str, *, right: str | None = None) -> str:
        """Make what is in a container public; return the id of the post."""
        answer = await self.ask(
            "POST", "me/threads_publish", {"creation_id": container}, publishes=True, right=right
        )
        return str(answer.field("id", str))

    async def address(self, post: str) -> str:
        """Ask where people find a post."""
        return str((await self.ask("GET", post, {"fields": "id,permalink"})).field("permalink", str))

    async def own(self, *, answers: bool, since: datetime) -> AsyncIterator[Posted]:
        """Yield what the account has posted since then, the newest first: its posts, or its answers."""
        path, fields = ("me/replies", f"{_FIELDS},replied_to") if answers else ("me/threads", _FIELDS)
        right = "threads_read_replies" if answers else None
        query = {"fields": fields, "since": str(int(since.timestamp())), "limit": "50"}
        for _ in range(_MOST_PAGES):
            answer = await self.ask("GET", path, query, right=right)
            for each in answer.field("data", list):
                if (post := _posted(each, answer)).made < since:
                    return
                yield post
            after = _after(answer.json())
            if after is None:
                return
            query["after"] = after
        raise Unavailable(f"there are more than {_MOST_PAGES * 50} posts to look through")

    async def quota(self, *, answers: bool = False) -> tuple[int, int]:
        """Ask how much the account has published within 24 hours, and how much it may: posts, or answers."""
        what = "reply_" if answers else ""
        fields = f"{what}quota_usage,{what}config"
        answer = await self.ask("GET", "me/threads_publishing_limit", {"fields": fields})
        try:
            (said,) = answer.field("data", list)
            return int(said[f"{what}quota_usage"]), int(said[f"{what}config"]["quota_total"])
        except (KeyError, TypeError, ValueError):
            raise lost(f"{answer.place} answered with a limit that is none", answer.publishes) from None

    async def is_there(self, post: str) -> bool:
        """Ask whether a post of the account is there."""
        try:
            await self.ask("GET", post, {"fields": "id"})
        except Refused as refusal:
            if is_gone(refusal):
                return False
            raise
        return True

    async def delete(self, post: str) -> None:
        """Delete a post; what is not there any more counts as deleted."""
        try:
            answer = await self.ask("DELETE", post, {}, right="threads_delete")
        except Refused as refusal:
            # Threads has the same words for what is not there and for what is not allowed.
            if not is_gone(refusal) or await self.is_there(post):
                raise
        else:
            answer.field("success", bool)

    async def counts(self, post: str) -> Counts:
        """Count what people did with a post; answers to answers are not counted."""
        right = "threads_manage_insights"
        try:
            metric = {"metric": ",".join(_COUNTS)}
            answer = await self.ask("GET", f"{post}/insights", metric, right=right)
        except Refused as refusal:
            if is_gone(refusal) and not await self.is_there(post):
                return Absent()
            raise
        counts = {}
        for each in answer.field("data", list):
            try:
                name, value = each["name"], each["values"][0]["value"]
            except (KeyError, IndexError, TypeError):
                continue
            if name in _COUNTS and isinstance(value, int):
                counts[name] = value
        return counts


def _posted(said: Any, answer: Answer) -> Posted:
    try:
        return Posted(
            id=str(said["id"]),
            url=said.get("permalink"),
            text=str(said.get("text") or ""),
            kind=str(said["media_type"]),
            made=datetime.fromisoformat(said["timestamp"]).astimezone(UTC),
            answers=(said.get("replied_to") or {}).get("id"),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise lost(f"{answer.place} answered with posts that are none", answer.publishes) from None


def _after(said: Mapping[str, Any]) -> str | None:
    """Return where the next page begins; None if this was the last one."""
    paging = said.get("paging")
    cursors = paging.get("cursors") if isinstance(paging, dict) and said["data"] else None
    after = cursors.get("after") if isinstance(cursors, dict) else None
    return after if isinstance(after, str) else None
