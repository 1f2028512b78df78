"""Mastodon, and the servers that speak its API: GoToSocial, Pleroma, Akkoma, Pixelfed.

A repeat is harmless only on Mastodon itself, and only for an hour (Idempotency-Key): versions 4.6 answer it
with 500, though they publish nothing twice. So a lost answer is looked up among the account's own posts.
Facts from docs.joinmastodon.org and from the sources of Mastodon; errors may come in the account's language,
so that the status counts, never the text.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from postbell.domain.content import Content
from postbell.domain.limits import Length, Limits
from postbell.domain.media import Media, MediaKind
from postbell.errors import Problem, PublishError, Rejected, Unavailable
from postbell.publishing import chain, protocol
from postbell.publishing.faults import problems_of
from postbell.publishing.mastodon.api import OAUTH, Line
from postbell.publishing.mastodon.check import faults, lengths, unsendable
from postbell.publishing.mastodon.fediverse import Server, stored_server
from postbell.publishing.mastodon.options import GUIDE, Credentials, Options
from postbell.publishing.mastodon.status import (
    address_of,
    body_of,
    edit_of,
    key_of,
    receipt_of,
    shown_files,
    thumbnail_of,
    why_unlisted,
    without_thumbnail,
    written,
)
from postbell.publishing.protocol import Call, Outgoing, Profile, Progress, Receipt, Target
from postbell.publishing.together import Reached, as_far_as, next_files
from postbell.publishing.web.answer import Refused
from postbell.publishing.web.oauth import OAuth


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http


_STATUSES = "/api/v1/statuses"
#: Seconds between two looks at a file that the server still works on, and how often it is looked at in all.
_MOST_WAIT, _MOST_LOOKS = 60, 120
#: How many pictures are uploaded side by side.
_AT_ONCE = 3
#: How often files that a server has thrown away are sent again.
_MOST_ANEW = 2
#: How far our clock and the server's may be apart; what is older by more is not taken for the post.
_SKEW = timedelta(minutes=2)
#: What is older by less than this may still be it, where a clock was wrong.
_DOUBTFUL = timedelta(minutes=30)
_Found = Receipt | protocol.Absent | protocol.Unknown


@dataclass(frozen=True)
class Mastodon:
    """Mastodon as a network; as the server of one account where `there` was read from that."""

    there: Server = field(default_factory=Server)

    key: ClassVar[str] = "mastodon"
    label: ClassVar[str] = "Mastodon"
    summary: ClassVar[str] = (
        "Posts on Mastodon, GoToSocial, Pleroma, Akkoma and Pixelfed: files, polls, warnings."
    )
    Options: ClassVar[type[BaseModel]] = Options
    Credentials: ClassVar[type[BaseModel]] = Credentials
    server: ClassVar[str] = "required"
    default_server: ClassVar[str | None] = None
    guide: ClassVar[str] = GUIDE
    resend: ClassVar[protocol.Resend] = protocol.Resend.LOOK_FIRST
    finds: ClassVar[bool] = True
    deletes: ClassVar[bool] = True
    threads: ClassVar[protocol.Threads] = protocol.Threads.CHAIN
    oauth: ClassVar[OAuth] = OAUTH
    comments: ClassVar[bool] = True
    comment_files: ClassVar[bool] = True

    @property
    def limits(self) -> Limits:
        """What the server takes."""
        return self.there.limits()

    def at(self, session: Mapping[str, Any]) -> Mastodon:
        """Return the network as the server of an account has it."""
        return Mastodon(stored_server(session.get("server")))

    def check(self, content: Content, options: Any, *, account: str) -> list[Problem]:
        """Return what the server minds of warnings, polls, files and quotes."""
        minded, ours = faults(self.there, content, options), unsendable(self.there, content, options)
        return problems_of(account, minded, ours)

    def lengths(self, content: Content, options: Any) -> Sequence[Length]:
        """Count the text with the link that is added to it and with its content warning."""
        return lengths(self.there, content, options)

    def preview(self, outgoing: Outgoing) -> list[Call]:
        """Return the uploads and the post itself; what is asked of the server besides is left out. Pure."""
        return chain.preview(outgoing, self._preview)

    def _preview(self, outgoing: Outgoing) -> list[Call]:
        address, media = outgoing.target.server, shown_files(outgoing.content, outgoing.options)
        there = stored_server(outgoing.target.session.get("server"))

        def post(path: str, body: Any, **headers: str) -> Call:
            headers |= {"authorization": "Bearer ***"}
            return Call(method="POST", url=f"{address}{path}", headers=headers, body=body)

        uploads = [f"<{item.name}, {item.size:,} bytes, and its alt text>" for item in media]
        quote = {there.quotes: "<id of the quoted post>"} if outgoing.options.quote else {}
        body = body_of(outgoing, [f"<id of {item.name}>" for item in media], quote)
        return [
            *(post("/api/v2/media", it) for it in uploads),
            post(_STATUSES, body, **key_of(outgoing, there)),
        ]

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        """Upload each file, wait until the server has made them ready, post: one step at a time."""
        return await chain.publish(outgoing, progress, http, self._publish)

    async def _publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        line, done = Line(outgoing.target, http), dict(progress.data) if progress else {}
        options, picture = outgoing.options, thumbnail_of(outgoing.content, outgoing.options)
        outgoing = without_thumbnail(outgoing)
        media, files = outgoing.content.media, done.get("files", [])
        if progress is None:
            await line.keep_fresh()
        if options.quote and "quote" not in done:
            return Progress(step="quote", data=done | {"quote": await line.find_status(options.quote)})
        if len(files) < len(media):
            more = await _upload(line, outgoing, len(files), picture)
            files = [*files, *more.done]
            return Progress(step=f"file {len(files)}", data=done | {"files": files}, again_at=more.again_at)
        if not all(file["ready"] for file in files):
            return await _look(line, done, http)
        try:
            return await _post(line, outgoing, [file["id"] for file in files], done.get("quote"))
        except Refused as refusal:
            if refusal.code != "422":
                raise
            if again := await _files_again(line, done):
                found = await self._find(outgoing, progress, http)  # they may be gone because a post has them
                if not isinstance(found, protocol.Unknown):
                    return found if isinstance(found, Receipt) else again
            with contextlib.suppress(PublishError):
                await line.learn()  # the server may have other limits by now
            raise

    async def find(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> _Found | Progress:
        """Look through what the account has posted since the first try.

        A post with files is known by their ids. Another one is ours if it was made by our application, says
        the same to the letter in answer to the same post, and is not older than the first try.
        """
        return await chain.find(outgoing, progress, http, self._find)

    async def _find(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> _Found:
        line, outgoing = Line(outgoing.target, http), without_thumbnail(outgoing)
        facts, since, doubt = await line.facts(), outgoing.begun_at - _SKEW, None
        files = progress.data.get("files", []) if progress else []
        ids = {file["id"] for file in files} if len(files) == len(outgoing.content.media) else set()
        found: list[Mapping[str, Any]] = []
        async for made, status in line.own(facts["id"], since=since - _DOUBTFUL):
            known = status["id"] in outgoing.known
            verdict = not known and await _is_it(line, status, outgoing, ids, facts["app"])
            if verdict and (ids or made >= since):
                found.append(status)
            elif verdict is not False:
                doubt = status
        if found and (ids or len(found) == 1 or not outgoing.forgotten):
            return receipt_of(found[-1], outgoing)
        if maybe := doubt or (found and found[-1]):
            return protocol.Unknown(reason=f"{address_of(maybe)} may be it, or another one")
        unlisted = why_unlisted(outgoing, stored_server(facts["server"]))
        return protocol.Unknown(reason=unlisted) if unlisted else protocol.Absent()

    async def edit(self, outgoing: Outgoing, receipt_id: str, http: Http) -> Receipt:
        """Change the post to what it says now; a change that is none is no revision there."""
        line = Line(outgoing.target, http)

        async def one(part: Outgoing, name: str) -> Receipt:
            there = stored_server((await line.facts())["server"])
            part, status = without_thumbnail(part), await line.status(name)
            changed = await line.change(name, edit_of(part, status, there, http.now()))
            return receipt_of(changed, part)

        return await chain.edit(outgoing, chain.ids_of(receipt_id), one)

    async def delete(self, outgoing: Outgoing, receipt_id: str, http: Http) -> None:
        """Delete the post; what is not there any more counts as deleted."""
        await chain.delete(receipt_id, Line(outgoing.target, http).delete)

    async def metrics(
        self, target: Target, receipt_id: str, http: Http
    ) -> Mapping[str, int] | protocol.Absent:
        """Read the counts of a post, of a thread those of its first part."""
        return await Line(target, http).counts(chain.ids_of(receipt_id)[0])

    async def verify(self, target: Target, http: Http) -> Profile:
        """Ask the server who the account is, and what it takes; both are stored."""
        return await Line(target, http).learn()

    def whose(self, session: Mapping[str, Any]) -> frozenset[str]:
        """Return the number of a profile, which another server gives to another one."""
        number, home = session.get("id"), session.get("home")
        return frozenset({f"{number} at {home}"} if number and home else ())


async def _upload(
    line: Line, outgoing: Outgoing, start: int, picture: Media | None
) -> Reached[dict[str, Any]]:
    """Upload the next files, side by side; return what is known of those that have come."""
    media, points = outgoing.content.media, dict(enumerate(outgoing.options.focus))

    async def one(at: int) -> dict[str, Any]:
        look = picture if media[at].kind is MediaKind.VIDEO else None
        point = points.get(at)
        return await line.upload(media[at], focus=point and point.replace(":", ","), thumbnail=look)

    return await as_far_as(next_files(media, start, most=_AT_ONCE), one, most=_AT_ONCE)


async def _post(line: Line, outgoing: Outgoing, ids: Sequence[str], quoted: str | None) -> Receipt:
    """Make the post public."""
    there = stored_server((await line.facts())["server"])
    if quoted and not there.quotes:  # it would pass over the quote in silence
        raise Rejected("the server takes no quotes, as Mastodon does since 4.5")
    body, key = body_of(outgoing, ids, {there.quotes: quoted} if quoted else {}), key_of(outgoing, there)
    answer = await line.ask("POST", _STATUSES, publishes=True, json=body, headers=key)
    answer.field("id", str)
    return receipt_of(answer.json(), outgoing)


async def _look(line: Line, done: dict[str, Any], http: Http) -> Progress:
    """Ask for the files that the server still works on; wait longer from time to time."""
    looks = done.get("looks", 0)
    states = [file["ready"] or await line.look(file["id"]) for file in done["files"]]
    if None in states:
        return _anew(done)
    if all(states):
        return Progress(step="files are ready", data=done | {"files": _marked(done["files"], states)})
    if looks >= _MOST_LOOKS:
        raise Unavailable(f"the server still works on a file after {looks} looks")
    data = done | {"files": _marked(done["files"], states), "looks": looks + 1}
    wait = timedelta(seconds=min(2 ** min(looks, 10), _MOST_WAIT))
    return Progress(step="the server works on a file", data=data, again_at=http.now() + wait)


async def _files_again(line: Line, done: dict[str, Any]) -> Progress | None:
    """Return what to do about files because of which a post was refused; None if they are not the reason."""
    states = [await line.look(file["id"]) for file in done.get("files", [])]
    if None in states:
        return _anew(done)
    if all(states):
        return None
    return Progress(step="files are not ready", data=done | {"files": _marked(done["files"], states)})


def _anew(done: Mapping[str, Any]) -> Progress:
    """Begin again: the server throws away what is not posted within a day or so."""
    times = done.get("anew", 0) + 1
    if times > _MOST_ANEW:
        raise Rejected(f"the server has lost the files {times} times; it does not keep what is uploaded")
    return Progress(step="files were lost", data={"anew": times})


def _marked(files: Sequence[Mapping[str, Any]], states: Sequence[bool | None]) -> list[dict[str, Any]]:
    return [{**file, "ready": bool(state)} for file, state in zip(files, states, strict=True)]


async def _is_it(
    line: Line, status: Mapping[str, Any], outgoing: Outgoing, ids: set[str], app: str
) -> bool | None:
    """Say whether a status is this post; None where that cannot be told."""
    files = [str(file.get("id")) for file in status.get("media_attachments") or ()]
    edited = None if status.get("edited_at") else False  # nobody knows what it said before
    if ids:
        return set(files) == ids or edited
    by = (status.get("application") or {}).get("name")
    answers = outgoing.reply.parent if outgoing.reply else None
    if status.get("reblog") or status.get("in_reply_to_id") != answers or (by and app and by != app):
        return False
    form = len(outgoing.content.media), bool(outgoing.options.poll)
    if (len(files), bool(status.get("poll"))) != form:
        return edited
    try:
        source = await line.ask("GET", f"{_STATUSES}/{status['id']}/source")
    except Refused:
        return None
    # The server cuts blanks at both ends.
    said = (source.field("text", str).strip(), source.field("spoiler_text", str).strip())
    wanted = (written(outgoing.content).strip(), outgoing.options.spoiler_text.strip())
    return said == wanted or edited


network = Mastodon()
