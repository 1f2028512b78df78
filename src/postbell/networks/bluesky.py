"""Bluesky, and every other server of the AT Protocol.

A post is a record that we put under a key and with a time of our own, both known before the first try: the
same call made twice leaves one post, for ever. The lexicons com.atproto.* and app.bsky.* say how (GitHub,
bluesky-social/atproto); the server's word counts where it differs: an expired token is a 400.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from postbell.domain import limits
from postbell.domain.content import Content
from postbell.domain.film import FilmLimit
from postbell.domain.limits import Length
from postbell.domain.quota import Per, Quota
from postbell.domain.text import graphemes, utf8_bytes
from postbell.errors import Problem, Rejected
from postbell.publishing import chain, protocol
from postbell.publishing.bluesky.api import POST, Line
from postbell.publishing.bluesky.atproto import counts_of, newest_first, parent_of
from postbell.publishing.bluesky.cards import check_card
from postbell.publishing.bluesky.gates import beside, gates, writes_body
from postbell.publishing.bluesky.options import Credentials, Options
from postbell.publishing.bluesky.post import (
    card_link,
    created,
    make_record,
    put_body,
    record_key,
    shown_text,
    texts_of,
)
from postbell.publishing.bluesky.prepare import asks_first, is_prepared, prepare
from postbell.publishing.bluesky.preview import requests_of
from postbell.publishing.bluesky.video import check_video, video_of, video_step
from postbell.publishing.protocol import Call, Outgoing, Progress, Receipt
from postbell.publishing.web.answer import Refused


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http


_Found = Receipt | protocol.Absent | protocol.Unknown


class Bluesky:
    """Bluesky as a network."""

    key: ClassVar[str] = "bluesky"
    label: ClassVar[str] = "Bluesky"
    summary: ClassVar[str] = (
        "Posts with mentions, hashtags, link cards, quotes and up to ten pictures or a video, on any PDS."
    )
    limits: ClassVar[limits.Limits] = limits.Limits(
        text=(
            limits.TextLimit(most=300, unit="graphemes", count=graphemes),
            limits.TextLimit(most=3000, unit="bytes", count=utf8_bytes),
        ),
        media=limits.MediaLimit(
            most=10,
            types={
                **dict.fromkeys(("image/jpeg", "image/png", "image/webp", "image/gif"), 2_000_000),
                "video/mp4": 300_000_000,
                "text/vtt": 20_000,
            },
            # Of the video service: three minutes, and no narrow strips.
            film=FilmLimit(seconds=180, ratio=3),
        ),
        # 35,000 points a day, and a record costs 3, or 2 where it is put without gates beside it
        # (docs.bsky.app/docs/advanced-guides/rate-limits). The 5,000 an hour are kept by what answers say.
        quotas=(Quota(most=35_000 // 3, per=Per.DAY),),
    )
    Options: ClassVar[type[BaseModel]] = Options
    Credentials: ClassVar[type[BaseModel]] = Credentials
    server: ClassVar[str] = "optional"
    default_server: ClassVar[str | None] = None
    guide: ClassVar[str] = """\
1. At https://bsky.app open Settings, Privacy and security, App passwords, and add one named postbell.
2. Copy it (xxxx-xxxx-xxxx-xxxx): it is shown once. It needs no access to direct messages.
3. The identifier is your handle, such as alice.bsky.social, or your DID.
4. Leave the server out: it is found by the identifier, also if your account lives on a PDS of your own.

Bluesky has no titles: the title of a post is not used. Nor has it polls. Links, hashtags and mentions of
others by their handle (@alice.bsky.social) are made links; a link counts with all its characters. The link of
a post, or else the first one of its text, is shown as a card with the title, the description and the picture
that its page gives. Beside pictures there is no card: a link that the text does not contain is then added to
it as its last line and counts. Five pictures and more are a gallery, which older apps do not show. A video
stands alone, but for WebVTT files: its subtitles, a language each. Bluesky's video service makes it ready,
for which the e-mail address of the account must be confirmed; it takes so many videos a day, and is asked for
that first."""
    resend: ClassVar[protocol.Resend] = protocol.Resend.SAFE
    finds: ClassVar[bool] = True
    deletes: ClassVar[bool] = True
    threads: ClassVar[protocol.Threads] = protocol.Threads.CHAIN
    comments: ClassVar[bool] = True
    comment_files: ClassVar[bool] = True

    def check(self, content: Content, options: Any, *, account: str) -> list[Problem]:
        """Return what only Bluesky minds: a title alone, no card, videos."""
        card = card_link(content, options)
        found = [
            *check_card(content, options, card, account=account),
            *check_video(content, options, account=account),
        ]
        if content.title and not (content.text.strip() or content.media or content.link):
            message = "Bluesky has no titles; give the post a text, a link or a picture."
            found.append(Problem(where="text", account=account, message=message, firm=True))
        return found

    def lengths(self, content: Content, options: Any) -> Sequence[Length]:
        """Count the text with the link that is added to it where no card shows that."""
        text, _ = shown_text(content, options)
        return limits.count_shown(text, content, self.limits.text)

    def preview(self, outgoing: Outgoing) -> list[Call]:
        """Return the uploads, everything that is looked up and read, and the post itself. Pure."""
        return chain.preview(outgoing, requests_of)

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        """Upload the pictures and look up who is mentioned, if there are any; then put the record.

        Both steps can be repeated. What the first one found is kept, so that the record stays the same.
        """
        return await chain.publish(outgoing, progress, http, self._publish)

    async def _publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        line = Line(outgoing.target, http)
        if not (progress and is_prepared(progress)) and asks_first(outgoing):
            return Progress(step="prepared", data=await prepare(line, outgoing, http))
        found, did = progress.data if progress else {}, (await line.session())["did"]
        if (video := video_of(outgoing.content)) and "video" not in found:
            return await video_step(line, video, found, http)
        try:
            if beside(outgoing.options):
                await self._write_gated(line, outgoing, found, http)
            else:
                await line.put(put_body(did, record_key(outgoing), make_record(outgoing, found)))
        except Refused as refusal:
            if refusal.code == "BlobNotFound" and not found.get("again"):
                # The server throws files away that no record names for a while.
                return Progress(step="prepared again", data=await prepare(line, outgoing, http, again=True))
            # Something lies under our key. It is this very post if only a mention was looked up otherwise.
            public = await self._find(outgoing, progress, http) if refusal.code == "InvalidSwap" else None
            if not isinstance(public, Receipt):
                raise
        return _receipt(did, outgoing, found.get("warnings", ()))

    async def _write_gated(
        self, line: Line, outgoing: Outgoing, found: Mapping[str, Any], http: Http
    ) -> None:
        """Write a post with what says who may answer and quote it, unless it is there already."""
        public = await self._find(outgoing, None, http)
        if isinstance(public, protocol.Unknown):
            raise Rejected(public.reason)
        if isinstance(public, protocol.Absent):
            did, rkey = (await line.session())["did"], record_key(outgoing)
            others = gates(
                outgoing.options, f"at://{did}/{POST}/{rkey}", created(outgoing), found.get("lists", {})
            )
            await line.write(writes_body(did, rkey, make_record(outgoing, found), others))

    async def find(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> _Found | Progress:
        """Ask the account's own server for the record under our key; its word is final."""
        return await chain.find(outgoing, progress, http, self._find)

    async def _find(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> _Found:  # noqa: ARG002
        line = Line(outgoing.target, http)
        did = (await line.session())["did"]
        if outgoing.forgotten:
            return await _search(line, did, outgoing)
        where = {"repo": did, "collection": POST, "rkey": record_key(outgoing)}
        try:
            found = (await line.ask("repo.getRecord", where)).field("value", dict)
        except Refused as refusal:
            absent = refusal.code == "RecordNotFound"
            return protocol.Absent() if absent else protocol.Unknown(reason=str(refusal))
        if found.get("text") not in texts_of(outgoing) or found.get("createdAt") != created(outgoing):
            return protocol.Unknown(reason="another record lies under the key of this post")
        return _receipt(did, outgoing)

    async def delete(self, outgoing: Outgoing, receipt_id: str, http: Http) -> None:
        """Delete the records; the server calls it a success where there are none any more."""
        line, (first, *_) = Line(outgoing.target, http), chain.ids_of(receipt_id)

        async def one(uri: str) -> None:
            await line.delete(uri, *(beside(outgoing.options) if uri == first else ()))

        await chain.delete(receipt_id, one)

    async def metrics(self, target: protocol.Target, receipt_id: str, http: Http) -> protocol.Counts:
        """Read the counts of a post, of a thread those of its first part."""
        first, *_ = chain.ids_of(receipt_id)
        return counts_of(await Line(target, http).viewed(first), first)

    async def verify(self, target: protocol.Target, http: Http) -> protocol.Profile:
        """Log in: the only question whose answer is about the app password itself."""
        said = await Line(target, http).log_in()
        note = f"The account is {said.get('status') or 'inactive'}: it cannot post."
        notes = (note,) if said.get("active") is False else ()
        url = f"https://bsky.app/profile/{said['did']}"
        return protocol.Profile(handle=said["handle"], url=url, notes=notes)

    def whose(self, session: Mapping[str, Any]) -> frozenset[str]:
        """Return the DID of a profile, which it keeps whatever it is called and wherever it moves."""
        return frozenset({session["did"]} if "did" in session else ())


async def _search(line: Line, did: str, outgoing: Outgoing) -> _Found:
    """Look through what was posted since the first try can have been: keys of ours tell their number."""
    texts = texts_of(outgoing)
    async for record in newest_first(line.ask, did, POST, since=outgoing.begun_at):
        if f"at://{did}/{POST}/{record.key}" in outgoing.known:
            continue
        if parent_of(record.value) != (outgoing.reply and outgoing.reply.parent):
            continue  # another part of the same thread, or something that the user wrote
        tried, same_text = replace(outgoing, begun_at=record.made), record.value.get("text") in texts
        same_key = record.key == record_key(tried)
        if same_key or same_text:  # one alone: it was changed, or written anew, and nobody remembers
            doubt = protocol.Unknown(reason=f"at://{did}/{POST}/{record.key} may be it, or another one")
            return _receipt(did, tried) if same_key and same_text else doubt
    return protocol.Absent()


def _receipt(did: str, outgoing: Outgoing, warnings: Iterable[str] = ()) -> Receipt:
    # The DID, not the handle: it stays when the handle changes.
    rkey, url = record_key(outgoing), f"https://bsky.app/profile/{did}"
    return Receipt(id=f"at://{did}/{POST}/{rkey}", url=f"{url}/post/{rkey}", warnings=tuple(warnings))


network = Bluesky()
