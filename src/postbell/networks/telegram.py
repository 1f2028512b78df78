"""Telegram: a bot that posts to one channel, group or private chat.

The Bot API knows no key that makes a repeat harmless, and a bot cannot read what it has sent: what may be
public is never sent again. It is looked for where the user has given it a chat for that. Facts from
core.telegram.org/bots/api (10.1), and from the source of its server, github.com/tdlib/telegram-bot-api
(Client.cpp).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from postbell.domain.content import Content
from postbell.domain.limits import Length, Limits, MediaLimit, TextLimit
from postbell.domain.text import code_points
from postbell.errors import Gone, PostbellError, Problem, PublishError
from postbell.publishing import chain, protocol
from postbell.publishing.faults import problems_of
from postbell.publishing.protocol import Call, Outgoing, Profile, Progress, Receipt, Target
from postbell.publishing.telegram import comments as bot_comments
from postbell.publishing.telegram.api import Bot, Moved, Own, form_part, link_to, missing_rights, moved_note
from postbell.publishing.telegram.captions import TEXT, messages, spread
from postbell.publishing.telegram.check import MOST, PHOTO, RATIO, faults, lengths, unsendable
from postbell.publishing.telegram.lookup import Known, look
from postbell.publishing.telegram.message import (
    edit_of,
    messages_of,
    names_of,
    parts_of,
    pin_of,
    request_of,
)
from postbell.publishing.telegram.options import Credentials, Options
from postbell.publishing.web.answer import Refused


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http

_SERVER = "https://api.telegram.org"
#: The most pixels a side of what is made to be a photo: two of them are allowed together.
_SIDE = 5000
_TYPES = (
    *("image/jpeg", "image/png", "image/webp", "image/gif", "video/mp4", "video/quicktime"),
    *(
        "audio/mpeg",
        "audio/mp4",
        "audio/ogg",
        "audio/flac",
        "audio/wav",
        "application/pdf",
        "application/zip",
    ),
)
_PHOTOS = ("image/jpeg", "image/png", "image/webp")
_GUIDE = """\
1. In Telegram, write /newbot to @BotFather, and copy the token that it gives you (123456:ABC…).
2. Channel: open its settings, Administrators, Add, and look for your bot's name; it needs the right to post
   messages. Group: add the bot as a member. Yourself: open your bot and press Start.
3. The chat is the channel's or group's @name. A private one has a number: copy the link of one of its posts,
   https://t.me/c/1234567890/5, and put -100 before that number: -1001234567890. The number of a small group,
   or your own, is in what https://api.telegram.org/bot<token>/getUpdates says after a message there.
4. A topic of a group with topics has a number: the last but one part of the link to a message in it.
5. Leave the server out unless you run a Bot API server of your own.
6. A first comment stands below a channel's post in the group that is linked to the channel (its settings,
   Discussion): make the bot an administrator there, too. It finds the post by its updates, which nobody else
   may read (no webhook, no other program), and which are gone after a day: comment sooner than that.
7. A lookup_chat lets the bot find out by itself whether a message is public whose answer was lost: your own
   number (press Start at the bot first), or a group of your own with the bot in it. What was sent since the
   last message that Postbell knows of is forwarded there, read, and deleted again. What is found is certain;
   what is not found is left to you. It cannot look at what is protected, nor for a first message.

With markup=commonmark the text is ordinary Markdown: **bold**, *italic*, ~~struck out~~, `code`, lists,
quotations and [links](https://example.org).
Telegram has no titles and no alt texts: they are not used. A link that the text does not contain is added
to it as its last line and counts with it. A text may have 4,096 characters; markup does not count. Of a text
with files what is beyond 1,024 characters follows as a message that answers them; with markup it may not be
longer than that. A thread is a message for each part, which answers the one before it. What is public can be
changed, and keeps its number of messages. One photo, video, GIF, MP3, M4A or other file stands alone; two to
ten make an album: of photos and MP4 videos, of MP3 and M4A, or of files only: PDF, ZIP, other sounds, MOV
videos, and whatever you send as_files. A picture that is sent as_files is no photo: it stays as it is, and
may have 50 MB and any shape. All files of a post have 50 MB together. A poll has its text as the question, of
at most 300 characters. What is older than two days a bot can only delete in a channel, or as an administrator
of the group who may delete messages."""


class Telegram:
    """Telegram as a network."""

    key: ClassVar[str] = "telegram"
    label: ClassVar[str] = "Telegram"
    summary: ClassVar[str] = (
        "Posts to a channel, group or chat: photos, videos, sounds, files, albums, polls."
    )
    limits: ClassVar[Limits] = Limits(
        text=(TextLimit(most=TEXT, unit="characters", count=code_points),),
        media=MediaLimit(most=10, types=dict.fromkeys(_TYPES, MOST)),
    )
    Options: ClassVar[type[BaseModel]] = Options
    Credentials: ClassVar[type[BaseModel]] = Credentials
    server: ClassVar[str] = "optional"
    default_server: ClassVar[str | None] = _SERVER
    guide: ClassVar[str] = _GUIDE
    resend: ClassVar[protocol.Resend] = protocol.Resend.NEVER
    finds: ClassVar[bool] = False
    deletes: ClassVar[bool] = True
    threads: ClassVar[protocol.Threads] = protocol.Threads.CHAIN
    comments: ClassVar[bool] = True

    def fits(self, options: Mapping[str, Any]) -> MediaLimit:
        """Return what pictures are made to be: photos, or files of any shape."""
        if options.get("as_files"):
            return self.limits.media
        types = {mime: PHOTO if mime in _PHOTOS else MOST for mime in _TYPES}
        return MediaLimit(most=self.limits.media.most, types=types, side=_SIDE, ratio=RATIO)

    def check(self, content: Content, options: Any, *, account: str) -> list[Problem]:
        """Return what only Telegram minds: markup, albums, photos, polls."""
        return problems_of(account, faults(content, options), unsendable(content, options))

    def lengths(self, content: Content, options: Any) -> Sequence[Length]:
        """Count the text with the link that is added to it, and without what is only markup."""
        return (lengths(content, options),)

    def messages(self, content: Content, options: Any) -> int:
        """Count the message of a part, and the one in which a text goes on that is too long for a caption."""
        return len(messages(content, options))

    def preview(self, outgoing: Outgoing) -> list[Call]:
        """Return the one request, and the one that pins; of a thread those of each part."""
        return chain.preview(spread(outgoing), self._preview)

    def _preview(self, outgoing: Outgoing) -> list[Call]:
        target, content, options = outgoing.target, outgoing.content, outgoing.options
        base, chat = f"{target.server or _SERVER}/bot<bot token>", _chat(target, target.session)
        request = bot_comments.preview if bot_comments.is_comment(outgoing) else request_of
        method, fields = request(outgoing, chat)
        files = {
            name: f"<{item.name}, {item.size:,} bytes>" for name, item in parts_of(content, options).items()
        }
        calls = [Call(method="POST", url=f"{base}/{method}", body=fields | files)]
        if options.pin:
            body = pin_of(chat, "<id of the message>", options)
            calls.append(Call(method="POST", url=f"{base}/pinChatMessage", body=body))
        return calls

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        """Send each part in one request, then pin the first one: what goes wrong with that is a warning."""
        if bot_comments.is_comment(outgoing):
            return await self._comment(outgoing, progress, http)
        if progress and progress.receipt:
            return await self._pin(outgoing, progress.receipt, http)
        result = await chain.publish(spread(outgoing), progress, http, self._publish)
        if isinstance(result, Receipt) and outgoing.options.pin:
            return Progress(step="public, and not pinned yet", receipt=result)
        return result

    async def _pin(self, outgoing: Outgoing, receipt: Receipt, http: Http) -> Receipt:
        """Pin the first message. To do that again changes nothing."""
        chat, message = messages_of(receipt.id)[0]
        try:
            body = pin_of(chat, message, outgoing.options)
            await _bot(outgoing.target, http).call("pinChatMessage", body, bool)
        except PublishError as error:
            return replace(receipt, warnings=(*receipt.warnings, f"It is not pinned: {error}"))
        return receipt

    async def _comment(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        bot = _bot(outgoing.target, http)
        if step := await bot_comments.place(bot, outgoing, progress, http):
            return step
        assert progress, "its place is known by now"
        done = dict(progress.data)
        own: Own | None = "chat" if bot_comments.is_elsewhere(outgoing, done) else _own(outgoing)
        return _receipt(await bot.send(*bot_comments.request(outgoing, done), {}, own=own), ())

    def at(self, session: Mapping[str, Any]) -> Telegram:
        """Return the network as an account has it: one with a chat for that looks up what is in doubt."""
        return _Looking() if session.get("looks") else self

    async def _publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        if outgoing.target.credentials.lookup_chat and not (progress or outgoing.reply):
            # What a look-up must know; of what answers a message that one is enough.
            return Progress(step="ready for a look-up", data={"last": http.session.get("last")})
        target, options, bot = outgoing.target, outgoing.options, _bot(outgoing.target, http)
        files = {name: await form_part(item) for name, item in parts_of(outgoing.content, options).items()}
        chat, own = _chat(target, http.session), _own(outgoing)
        try:
            sent = await bot.send(*request_of(outgoing, chat), files, own=own)
        except Moved as moved:  # nothing was taken, and nothing ever will be again under that number
            await http.save_session({**http.session, "moved": {"from": _given(target), "to": moved.chat}})
            chat = moved.chat
            sent = await bot.send(*request_of(outgoing, chat), files, own=own)
        if target.credentials.lookup_chat:
            last = {"chat": sent[-1]["chat"], "message": sent[-1]["message_id"]}
            with suppress(PostbellError):  # it is public: nothing may fail any more
                await http.save_session({**http.session, "last": last})
        warnings = [moved_note(chat)] if chat != _given(target) else []
        return _receipt(sent, warnings)

    async def find(
        self, outgoing: Outgoing, progress: Progress | None, http: Http
    ) -> Receipt | Progress | protocol.Absent | protocol.Unknown:
        """Look for it by forwarding, where the account has a chat for that; else nobody can tell."""
        if progress and progress.receipt:
            return progress.receipt
        return await chain.find(spread(outgoing), progress, http, self._find)

    async def _find(
        self, outgoing: Outgoing, progress: Progress | None, http: Http
    ) -> Receipt | protocol.Unknown:
        there = outgoing.target.credentials.lookup_chat
        if not there:
            return protocol.Unknown(reason="a bot cannot read what it has sent to Telegram")
        known = _known_before(outgoing, progress, http.session.get("last"))
        if known is None:
            return protocol.Unknown(reason="no message of the chat is known from before it")
        bot = _bot(outgoing.target, http)
        found = await look(bot, outgoing, known, _number(there))
        if not isinstance(found, list):
            return found
        return _receipt([{"chat": known.chat, "message_id": number} for number in found], ())

    async def edit(self, outgoing: Outgoing, receipt_id: str, http: Http) -> Receipt:
        """Change the text of the message, or what stands below its files."""
        bot = _bot(outgoing.target, http)

        async def one(part: Outgoing, name: str) -> Receipt:
            try:
                await bot.call(*edit_of(part, *messages_of(name)[0]), dict)
            except Refused as refusal:
                if "message to edit not found" in refusal.code:
                    raise Gone from None
                if "message is not modified" not in refusal.code:
                    raise
            return Receipt(id=name)

        return await chain.edit(spread(outgoing), names_of(receipt_id), one)

    async def delete(self, outgoing: Outgoing, receipt_id: str, http: Http) -> None:
        """Delete each message of it.

        One by one: deleteMessages also says that all is well where it could not look for the messages. The
        chat is the one of then, even if the group has moved since: the numbers mean other messages there.
        """
        bot = _bot(outgoing.target, http)
        for chat, message in reversed(messages_of(receipt_id)):
            try:
                await bot.call("deleteMessage", {"chat_id": chat, "message_id": message}, bool)
            except Refused as refusal:
                if "message to delete not found" not in refusal.code:
                    raise

    async def verify(self, target: Target, http: Http) -> Profile:
        """Ask who the bot is, for the chat, and what the bot may do there."""
        bot, number = _bot(target, http), _chat(target, http.session)
        me = await bot.call("getMe", {}, dict)
        chat = await bot.call("getChat", {"chat_id": number}, dict)
        kind, name = str(chat.get("type")), chat.get("username")
        member = await bot.member(number, me.get("id"))
        notes = [moved_note(number)] if number != _given(target) else []
        await self._ready_to_look(bot, target, http)
        discussed = await bot_comments.missing_rights(bot, chat, me.get("id"))
        title = str(chat.get("title") or chat.get("first_name") or number)
        return Profile(
            handle=f"@{name}" if name else title,
            url=f"https://t.me/{name}" if name else None,
            notes=(*notes, *missing_rights(kind, member), *discussed),
        )

    async def _ready_to_look(self, bot: Bot, target: Target, http: Http) -> None:
        """Note whether the account has a chat for look-ups. Raises Unauthorized if the bot is not in it."""
        there = target.credentials.lookup_chat
        if there:
            await bot.call("getChat", {"chat_id": _number(there)}, dict)
        if bool(there) is not http.session.get("looks", False):
            await http.save_session({**http.session, "looks": bool(there)})


class _Looking(Telegram):
    """The same for an account with a chat for look-ups."""

    resend = protocol.Resend.LOOK_FIRST


def _bot(target: Target, http: Http) -> Bot:
    token = target.credentials.bot_token.get_secret_value()
    return Bot(http, server=target.server or _SERVER, token=token)


def _given(target: Target) -> int | str:
    return _number(target.credentials.chat)


def _number(chat: str) -> int | str:
    return chat if chat.startswith("@") else int(chat)


def _chat(target: Target, session: Mapping[str, Any]) -> int | str:
    """Return the chat of an account, or what it has become."""
    moved = session.get("moved") or {}
    to: int | str = moved["to"] if moved.get("from") == _given(target) else _given(target)
    return to


def _own(outgoing: Outgoing) -> Own | None:
    """Return what a message has of its own of where it goes."""
    return "topic" if outgoing.options.topic not in (None, outgoing.target.credentials.topic) else None


def _known_before(outgoing: Outgoing, progress: Progress | None, last: Any) -> Known | None:
    """Return the last message that is known from before this one, which is `last` for the account."""
    if not outgoing.reply:
        return Known.of(progress.data.get("last") if progress else None)
    chat, number = messages_of(outgoing.reply.parent)[-1]
    return Known.of({**last, "message": number}) if last and last["chat"]["id"] == chat else None


def _receipt(messages: list[dict[str, Any]], warnings: Iterable[str]) -> Receipt:
    """Name the chat by its number, which stays, and each message."""
    first, ids = messages[0], ",".join(str(message["message_id"]) for message in messages)
    return Receipt(id=f"{first['chat']['id']}/{ids}", url=link_to(first), warnings=tuple(warnings))


network = Telegram()
