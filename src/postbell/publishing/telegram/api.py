"""Telegram's Bot API: how it is called, and what its refusals mean.

Facts from core.telegram.org/bots/api#making-requests and from the source of its server,
github.com/tdlib/telegram-bot-api (Client.cpp).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from postbell.domain.media import SUFFIXES, Media
from postbell.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unsure
from postbell.publishing.web.addresses import keeps_secrets
from postbell.publishing.web.answer import Answer, Refused, lost
from postbell.publishing.web.rates import asked_time, reset_time


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http

#: Seconds for a request with more than a million bytes of files: the server hands them on before it answers.
_UPLOAD_DEADLINE = 300.0
#: What is answered with 400 and concerns the whole account: no post of it would be taken.
_ACCOUNT = re.compile(
    "chat not found|need administrator rights|have no rights to send|not enough rights to send text"
    "|CHAT_WRITE_FORBIDDEN",
    re.IGNORECASE,
)
#: The same of its topic, unless a post has one of its own.
_TOPIC = re.compile("message thread not found|TOPIC_CLOSED|TOPIC_DELETED", re.IGNORECASE)
#: What is answered about an album of which some files may be public.
_PARTIAL = re.compile("failed to send message #|group send failed", re.IGNORECASE)

#: What a message has of its own of where it goes, instead of the account's.
Own: TypeAlias = Literal["chat", "topic"]


class Moved(Rejected):
    """The group became a supergroup, which is another chat. Nothing was taken."""

    def __init__(self, message: str, chat: int) -> None:
        super().__init__(message)
        #: What the chat's number is now.
        self.chat = chat


class Bot:
    """The Bot API, asked as one bot. Its token stands in every address: none may be shown."""

    def __init__(self, http: Http, *, server: str, token: str) -> None:
        self._http, self._server, self._token = http, server, token

    async def call(self, method: str, fields: Mapping[str, Any], kind: type) -> Any:
        """Call what publishes nothing; return its result, which is of that kind."""
        return (await self._ask(method, json=fields)).field("result", kind)

    async def member(self, chat: int | str, user: Any) -> dict[str, Any]:
        """Return what somebody is in a chat; nothing of who is not there."""
        try:
            found: dict[str, Any] = await self.call("getChatMember", {"chat_id": chat, "user_id": user}, dict)
        except Refused:
            return {}
        return found

    async def send(
        self,
        method: str,
        fields: Mapping[str, Any],
        files: Mapping[str, tuple[str, bytes, str]],
        *,
        own: Own | None = None,
    ) -> list[dict[str, Any]]:
        """Publish, and return the messages that are public now. `files` are name, bytes and type of each.

        A refusal of what it has of its `own` is no trouble of the account.
        """
        how: dict[str, Any] = {"json": fields}
        if files:
            # In a form everything is text, and what is no text is JSON.
            said = {name: it if isinstance(it, str) else json.dumps(it) for name, it in fields.items()}
            large = sum(len(data) for _, data, _ in files.values()) > 1_000_000
            how = {"data": said, "files": files, "deadline": _UPLOAD_DEADLINE if large else None}
        answer = await self._ask(method, publishes=True, own=own, **how)
        album = method == "sendMediaGroup"
        result = answer.field("result", list if album else dict)
        messages: list[dict[str, Any]] = result if album else [result]
        if messages and all(map(_is_message, messages)):
            return messages
        raise lost("Telegram answered without saying what it has published", publishes=True)

    async def _ask(self, method: str, *, own: Own | None = None, **how: Any) -> Answer:
        if not keeps_secrets(self._server):
            raise Unauthorized("Telegram needs a server with https: the bot's token is not sent in clear.")

        def judge(answer: Answer) -> PublishError | None:
            return self._judge(method, answer, own)

        address = f"{self._server}/bot{self._token}/{method}"
        return await self._http.request("POST", address, judge=judge, **how)

    def _judge(self, method: str, answer: Answer, own: Own | None) -> PublishError | None:
        """Read an error of the Bot API, or the page of something in front of it."""
        said, status = answer.error_json(), answer.status
        why = said.get("description")
        if said.get("ok") is False and isinstance(why, str):
            message = f"Telegram answered {status}: {why[:300]}"
            # The server of the Bot API says no 503 of its own: what stands before it has handed nothing on.
            if status == 503 and (until := self._asked_time(answer)):
                return RateLimited(message, until=until)
            if status >= 500:
                return lost(message, answer.publishes)
            return self._refusal(method, answer, message, own)
        if 400 <= status < 500 and status not in (408, 413, 425, 429):
            message = f"{answer.place} answered {status}, but not as Telegram does; is the server right?"
            return Unavailable(message)
        return None

    def _refusal(self, method: str, answer: Answer, message: str, own: Own | None) -> PublishError:
        said, status = answer.error_json(), answer.status
        why, chat = said["description"], _parameter(answer, "migrate_to_chat_id")
        if method == "sendMediaGroup" and (status == 429 or _PARTIAL.search(why)):
            # The error of one file, even that it came too fast, is the answer for all: others may be public.
            return Unsure(f"{message}. A part of the album may be public.")
        if status == 429:
            until = self._asked_time(answer) or reset_time(answer.headers, now=self._http.now())
            return RateLimited(message, until=until)
        if chat:
            return Moved(f"{message}. {moved_note(chat)}", chat)
        # Neither says anything of where the account posts.
        if (method == "forwardMessage" or own == "chat") and status != 401:
            return Refused(message, code=why)
        if own == "topic" and _TOPIC.search(why):
            return Refused(f"{message}. Give the post another topic.", code=why)
        mend = _mend(status, why)
        return Unauthorized(f"{message}. {mend}") if mend else Refused(message, code=why)

    def _asked_time(self, answer: Answer) -> datetime | None:
        """Return until when it asks to be left alone, by its own word or else by the header."""
        own, now = {"retry-after": str(_parameter(answer, "retry_after"))}, self._http.now()
        return asked_time(own, now=now) or asked_time(answer.headers, now=now)


async def form_part(item: Media) -> tuple[str, bytes, str]:
    """Return the name, the bytes and the type of a file, as a form takes it."""
    try:
        data = await asyncio.to_thread(item.path.read_bytes)
    except FileNotFoundError:
        raise Rejected(f"The stored file of {item.name} is gone; give it to the post again.") from None
    name = item.name if PurePath(item.name).suffix else item.name + SUFFIXES[item.mime]
    return name, data, item.mime


def link_to(message: Mapping[str, Any]) -> str | None:
    """Return where people find a message; None in a small group and in a private chat: they have no links."""
    number, name = str(message["chat"]["id"]), message["chat"].get("username")
    if name and number.startswith("-"):
        return f"https://t.me/{name}/{message['message_id']}"
    private = number.removeprefix("-100")
    return f"https://t.me/c/{private}/{message['message_id']}" if private != number else None


def moved_note(chat: int | str) -> str:
    """Return what the user is told of a group that is another chat now."""
    return f"The group is a supergroup now: reconnect the account with chat={chat}."


def missing_rights(kind: str, member: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a bot may not do in a channel or group, of what posting needs."""
    status = member.get("status")
    if kind == "private" or status == "creator":
        return
    if kind == "channel":
        if not member.get("can_post_messages"):
            yield "The bot may not post here: make it an administrator that may post messages."
        elif not member.get("can_edit_messages"):
            yield "The bot may not edit messages here, so it cannot pin any."
    elif status in (None, "left", "kicked") or member.get("can_send_messages") is False:
        yield "The bot may not post here: add it to the group, and let it send messages."
    elif not member.get("can_pin_messages"):
        yield "The bot may not pin messages here."


def _mend(status: int, why: str) -> str | None:
    """Return what to do about the account; None if the refusal does not concern all of it."""
    if status == 401 or why == "Not Found":
        return "The token is not valid any more: ask @BotFather for it (/token) and reconnect the account."
    if status == 403 or _ACCOUNT.search(why) or _TOPIC.search(why):
        return "Let the bot post there (in a channel as an administrator), or reconnect with another chat."
    return None


def _parameter(answer: Answer, name: str) -> int:
    """Return a number that came with an error; 0 if none did."""
    said = answer.error_json().get("parameters")
    value = said.get(name) if isinstance(said, dict) else None
    return value if type(value) is int else 0


def _is_message(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(chat := value.get("chat"), dict):
        return False
    return type(value.get("message_id")) is int and type(chat.get("id")) is int
