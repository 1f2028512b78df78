"""Whether a message is in a chat, although a bot cannot read there.

It may forward what it knows the number of, and the numbers of a channel or supergroup are given one after the
other, whoever writes. So each message behind the last one that was known before is forwarded to a chat of the
user's own, read, and deleted there. What is found so is proved to be public. What is not found is left to the
user: that numbers have no gaps is nowhere promised, and a wrong guess would publish twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from postbell.errors import PublishError
from postbell.publishing.protocol import Outgoing, Unknown
from postbell.publishing.telegram.api import Bot
from postbell.publishing.telegram.markup import PLAIN
from postbell.publishing.telegram.message import request_of, ways_of
from postbell.publishing.web.answer import Refused


#: So many numbers in a row without a message are the end.
_FREE = 20
#: So many messages of others are read at most.
_MOST = 60
#: The clocks of Telegram and of this machine differ.
_SKEW = timedelta(minutes=2)
#: How the server says that there is no message of a number, and that one cannot be forwarded
#: (github.com/tdlib/td, MessagesManager.cpp): what says that somebody was added, or that was pinned.
_GONE, _KEPT = ("message to forward not found", "MESSAGE_ID_INVALID"), ("can't be forwarded", "RESTRICTED")


@dataclass(frozen=True, kw_only=True)
class Known:
    """The last message of a chat that is known from before a post."""

    #: The chat, as the Bot API tells of it: its number, and its name if it has one.
    chat: Mapping[str, Any]
    message: int

    @classmethod
    def of(cls, said: Any) -> Known | None:
        """Read what was stored; None for what belongs to a chat that numbers otherwise."""
        if not said or not str(said["chat"]["id"]).startswith("-100"):
            return None
        return cls(chat=said["chat"], message=said["message"])


async def look(bot: Bot, outgoing: Outgoing, known: Known, there: str | int) -> list[int] | Unknown:
    """Return the numbers of the messages of a post, or why nobody knows; `there` is the user's own chat.

    Raises a PublishError where Telegram cannot be asked.
    """
    if outgoing.options.protect or not await _read(bot, known, known.message, there):
        what = "what is protected" if outgoing.options.protect else f"message {known.message} before it"
        return Unknown(reason=f"{what} cannot be forwarded, so that the bot cannot look")
    wanted, found = _Wanted.of(outgoing), list[int]()
    async for number, message in _after(bot, known, there):
        if number > known.message + _MOST:
            return Unknown(reason=f"more than {_MOST} messages were sent since; look yourself")
        if f"{known.chat['id']}/{number}" not in outgoing.known and wanted.fits(message, len(found)):
            found.append(number)
        elif found:
            break
        if len(found) == max(len(wanted.ways), 1):
            return found if wanted.text else Unknown(reason=f"message {number} may be it; it has no text")
    if found:
        return Unknown(reason=f"only {len(found)} of its files are public, from message {found[0]} on")
    last = f"message {known.message}, the last one known from before it"
    return Unknown(reason=f"it is not among the messages behind {last}; look yourself")


async def _after(bot: Bot, known: Known, there: str | int) -> AsyncIterator[tuple[int, dict[str, Any]]]:
    """Yield the messages behind the known one, as long as there are any."""
    number, free = known.message, 0
    while free < _FREE:
        number += 1
        message = await _read(bot, known, number, there)
        free = free + 1 if message is None else 0
        if message is not None:
            yield number, message


async def _read(bot: Bot, known: Known, number: int, there: str | int) -> dict[str, Any] | None:
    """Return a message; None where there is none, and nothing in it where it cannot be forwarded."""
    asked = {"chat_id": there, "from_chat_id": known.chat["id"], "message_id": number}
    try:
        copy: dict[str, Any] = await bot.call("forwardMessage", {**asked, "disable_notification": True}, dict)
    except Refused as refusal:
        if any(words in refusal.code for words in _GONE):
            return None
        if any(words in refusal.code for words in _KEPT):
            return {}
        raise
    with suppress(PublishError):  # a copy that stays does no harm
        await bot.call("deleteMessage", {"chat_id": there, "message_id": copy.get("message_id")}, bool)
    return copy


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What is looked for."""

    #: As what each file was sent; none where there is only a text.
    ways: list[str]
    text: str
    #: The answers of a poll.
    answers: list[str]
    #: When it was sent at the earliest, in Unix time.
    since: float

    @classmethod
    def of(cls, outgoing: Outgoing) -> _Wanted:
        options, (method, fields) = outgoing.options, request_of(outgoing, 0)
        said = fields["media"][0] if method == "sendMediaGroup" else fields
        text = said.get("text") or said.get("caption") or said.get("question") or ""
        return cls(
            ways=["poll"] if options.poll else ways_of(outgoing.content, options),
            text=_bare(PLAIN[said["parse_mode"]](text) if "parse_mode" in said else text),
            answers=[each["text"] for each in fields.get("options", ())],
            since=(outgoing.begun_at - _SKEW).timestamp(),
        )

    def fits(self, message: Mapping[str, Any], place: int) -> bool:
        """Whether a message can be the one at this place of the post."""
        origin = message.get("forward_origin") or {}
        if not message or origin.get("date", self.since) < self.since:
            return False
        kinds = [
            kind for kind in ("poll", "photo", "video", "animation", "audio", "document") if kind in message
        ]
        if kinds[:1] != self.ways[place : place + 1]:
            return False
        poll = message.get("poll") or {}
        text = message.get("text") or message.get("caption") or poll.get("question") or ""
        answers = [each.get("text") for each in poll.get("options", ())]
        return _bare(text) == ("" if place else self.text) and answers == self.answers


def _bare(text: str) -> str:
    """Return a text without its blanks: Telegram takes some of them away."""
    return "".join(text.split())
