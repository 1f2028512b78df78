"""Telegram behind the transport: one bot, and the chats that it knows.

It answers as the server of the Bot API does (github.com/tdlib/telegram-bot-api), and raises Violation for a
call that the description of the API does not allow, although the server would pass over much of that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from postbell.domain.media import Media, kind_of
from postbell.networks import telegram
from postbell.testing import FakeClock
from support import pictures
from support.bot_methods import Excess, Upload, methods
from support.farside import START, Daemon, FarSide, Public, Subject, TooMuch, Violation
from support.forms import File, is_form, read_form
from support.sounds import of_type
from support.telegram_copies import Copies
from support.telegram_texts import BadMarkup, check_entities, parsed


SERVER = "https://api.telegram.org"
TOKEN = "4839574812:AAFD39kkdpWt3ywyRZergyOLMaJhac60qcK"
BOT = {"id": 4839574812, "is_bot": True, "first_name": "Bell", "username": "bell_bot"}
CHANNEL, GROUP, SMALL, PERSON = -1001234567890, -1009876543210, -4455667788, 99887766
#: Where the posts of the channel are discussed.
DISCUSSION = -1002223334445
#: Where a small group goes when it becomes a supergroup.
UPGRADED = -1005550001112
#: The start of a file, as what it may be sent: a photo, or something else.
_MAGIC = {b"\x89PNG": "photo", b"\xff\xd8\xff": "photo", b"RIFF": "photo", b"GIF8": "animation"}
_MAGIC |= {b"ID3": "audio", b"\0\0\0\x1cftypM4A ": "audio"} | dict.fromkeys(
    (b"%PDF", b"PK", b"OggS"), "document"
)
_SENDING = re.compile(r"send(Message|Photo|Video|Animation|Audio|Document|MediaGroup|Poll)")


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, why: str, **parameters: Any) -> None:
        super().__init__(why)
        self.status = status
        self.body: dict[str, Any] = {"ok": False, "error_code": status, "description": why}
        self.body |= {"parameters": parameters} if parameters else {}


@dataclass
class FakeTelegram(FarSide):
    """One bot that may post everywhere, until a test takes a right away."""

    #: Where it is asked.
    address: str = SERVER
    #: False when the token was revoked.
    token_works: bool = True
    chats: dict[int, dict[str, Any]] = field(
        default_factory=lambda: {
            CHANNEL: {
                "id": CHANNEL,
                "type": "channel",
                "title": "Bell tower",
                "username": "bell_tower",
                "linked_chat_id": DISCUSSION,
            },
            DISCUSSION: {"id": DISCUSSION, "type": "supergroup", "title": "Under the tower"},
            GROUP: {"id": GROUP, "type": "supergroup", "title": "Ringers", "is_forum": True},
            SMALL: {"id": SMALL, "type": "group", "title": "Few"},
            UPGRADED: {"id": UPGRADED, "type": "supergroup", "title": "Few"},
            PERSON: {"id": PERSON, "type": "private", "first_name": "Maria"},
        }
    )
    #: What the bot is in a chat; None: it is not known there.
    member: dict[str, Any] | None = field(
        default_factory=lambda: {
            "status": "administrator",
            "can_post_messages": True,
            "can_edit_messages": True,
            "can_pin_messages": True,
        }
    )
    #: What is answered to the next calls of a method instead.
    refusals: dict[str, list[Refusal]] = field(default_factory=dict)
    #: Whether the small group has become a supergroup.
    upgraded: bool = False
    #: What was sent, as its parameters said it, by chat and number.
    messages: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    pinned: list[tuple[int, int]] = field(default_factory=list)
    copies: Copies = field(default_factory=Copies)
    #: The number of the last message of each chat.
    _last: dict[int, int] = field(default_factory=dict)

    def calls(self) -> list[str]:
        """Every method that was called."""
        return [request.url.path.rpartition("/")[2] for request in self.requests]

    def last(self) -> dict[str, Any]:
        """What the parameters of the message said that was sent last."""
        return list(self.messages.values())[-1]

    def is_publishing(self, request: httpx.Request, body: bytes) -> bool:
        return _SENDING.fullmatch(request.url.path.rpartition("/")[2]) is not None

    def is_deleting(self, request: httpx.Request) -> bool:
        return "/delete" in request.url.path

    def is_editing(self, request: httpx.Request, body: bytes) -> bool:
        return "/editMessage" in request.url.path

    def rate_limited(self) -> httpx.Response:
        why = "Too Many Requests: retry after 120"
        return httpx.Response(
            429, json=Refusal(429, why, retry_after=120).body, headers={"Retry-After": "120"}
        )

    def unauthorized(self) -> httpx.Response:
        return httpx.Response(401, json=Refusal(401, "Unauthorized").body)

    def public(self) -> list[Public]:
        posts: dict[str, list[tuple[int, int]]] = {}
        for place, said in self.messages.items():
            posts.setdefault(str(said["post"]), []).append(place)
        return [self._as_public(places) for places in posts.values()]

    def _as_public(self, places: list[tuple[int, int]]) -> Public:
        files = [self.messages[place].get("file") for place in places]
        return Public(
            id=f"{places[0][0]}/{','.join(str(number) for _, number in places)}",
            text=self.messages[places[0]]["plain"],
            media=tuple((file.data, "") for file in files if file),
            answers=self._answered(self.messages[places[0]]),
        )

    def _answered(self, said: dict[str, Any]) -> str | None:
        """Return the id of the post that a message answers."""
        number = said.get("reply_parameters", {}).get("message_id")
        _, number = self.copies.known.get((said["chat_id"], number), (0, number))
        found = [place for place, each in self.messages.items() if number in (place[1], each["post"])]
        together = [place for place in found if self.messages[place]["post"] == number]
        numbers = ",".join(str(place[1]) for place in together)
        return f"{together[0][0]}/{numbers}" if together else None

    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        _, bot, method = request.url.path.split("/")
        if request.method != "POST" or not str(request.url).startswith(f"{self.address}/bot"):
            raise Violation(f"{request.method} {request.url}")
        values, files = _values(method, request, body)
        # What belongs to an album is named in it, and is no parameter of the method.
        loose = {} if method == "sendMediaGroup" else dict.fromkeys(files, Upload())
        try:
            _check_kinds(values.get("media", []))
            if found := methods().faults(method, {**values, **loose}):
                much = all(isinstance(fault, Excess) for fault in found)
                raise (TooMuch if much else Violation)("; ".join(found))
            self._check_token(bot)
            result = self._serve(method, values, files)
        except BadMarkup as markup:
            return httpx.Response(400, json=Refusal(400, f"Bad Request: {markup}").body)
        except Refusal as refusal:
            return httpx.Response(refusal.status, json=refusal.body)
        return httpx.Response(200, json={"ok": True, "result": result})

    def _check_token(self, bot: str) -> None:
        if bot != f"bot{TOKEN}" or not self.token_works:
            raise Refusal(401, "Unauthorized")

    def _serve(self, method: str, values: dict[str, Any], files: dict[str, File]) -> Any:
        if waiting := self.refusals.get(method):
            raise waiting.pop(0)
        if method == "getMe":
            return BOT
        if method == "getUpdates":
            return self.copies.told(values)
        chat = self._chat(values["chat_id"])
        if method.startswith("get"):
            return self._tell(method, chat)
        if self.upgraded and chat["id"] == SMALL:
            why = "Bad Request: group chat was upgraded to a supergroup chat"
            raise Refusal(400, why, migrate_to_chat_id=UPGRADED)
        acts = {
            "pinChatMessage": self._pin,
            "forwardMessage": self._forward,
            "deleteMessage": self._delete,
            "editMessageText": self._edit,
            "editMessageCaption": self._edit,
        }
        if act := acts.get(method):
            return act(chat, values)
        send = self._send_album if method == "sendMediaGroup" else self._send
        return send(chat, {"method": method, **values}, files)

    def _pin(self, chat: dict[str, Any], values: dict[str, Any]) -> bool:
        self.pinned.append((chat["id"], values["message_id"]))
        return True

    def _delete(self, chat: dict[str, Any], values: dict[str, Any]) -> bool:
        place = (chat["id"], values["message_id"])
        if not (self.copies.known.pop(place, None) or self.messages.pop(place, None)):
            raise Refusal(400, "Bad Request: message to delete not found")
        return True

    def _tell(self, method: str, chat: dict[str, Any]) -> dict[str, Any]:
        if method == "getChat":
            return {**chat, "accent_color_id": 0, "max_reaction_count": 11}
        if self.member is None:
            raise Refusal(400, "Bad Request: member list is inaccessible")
        return {"user": BOT, **self.member}

    def _chat(self, name: int | str) -> dict[str, Any]:
        for chat in self.chats.values():
            if name in (chat["id"], f"@{chat.get('username')}"):
                return chat
        raise Refusal(400, "Bad Request: chat not found")

    def _send(self, chat: dict[str, Any], values: dict[str, Any], files: dict[str, File]) -> dict[str, Any]:
        method, text = values["method"], values.get("text", values.get("caption", ""))
        plain = parsed(text, values.get("parse_mode"))
        check_entities(text, values.get("entities") or values.get("caption_entities") or [])
        said = {**values, "plain": values.get("question", plain)}
        if method == "sendMessage":
            _check_length(plain, 4096, "message is too long")
            if not plain:
                raise Refusal(400, "Bad Request: message text is empty")
        elif method == "sendPoll":
            if chat["type"] == "channel" and values.get("is_anonymous") is False:
                raise Refusal(400, "Bad Request: non-anonymous polls can't be sent to channel chats")
        else:
            _check_length(plain, 1024, "message caption is too long")
            way = method.removeprefix("send").lower()
            said["file"] = files[way]
            _check_file(way, files[way])
        return self._keep(chat, said, self.last_of(chat) + 1)

    def _edit(self, chat: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        """Change a text or a caption; what is left out of markup and buttons is taken away."""
        said = self.messages.get((chat["id"], values["message_id"]))
        if said is None:
            raise Refusal(400, "Bad Request: message to edit not found")
        name = "text" if "text" in values else "caption"
        if ("file" in said) is (name == "text"):
            raise Refusal(400, f"Bad Request: there is no {name} in the message to edit")
        plain = parsed(values[name], values.get("parse_mode"))
        _check_length(plain, 4096 if name == "text" else 1024, f"message {name} is too long")
        entities = "entities" if name == "text" else "caption_entities"
        check_entities(values[name], values.get(entities) or [])
        now = {each: values.get(each) for each in (name, "parse_mode", "reply_markup", entities)}
        if now == {each: said.get(each) for each in now}:
            raise Refusal(400, "Bad Request: message is not modified: it is exactly the same")
        said |= now | {"plain": plain}
        return {"message_id": values["message_id"], "date": int(self.clock.now().timestamp()), "chat": chat}

    def _send_album(
        self, chat: dict[str, Any], values: dict[str, Any], files: dict[str, File]
    ) -> list[dict[str, Any]]:
        items = values["media"]
        sent, post = [], self.last_of(chat) + 1
        used = [item["media"].removeprefix("attach://") for item in items]
        if sorted(used) != sorted(files):
            raise Violation(f"{used} are in the album, and {sorted(files)} came with it")
        for item, name in zip(items, used, strict=True):
            plain = parsed(item.get("caption", ""), item.get("parse_mode"))
            check_entities(item.get("caption", ""), item.get("caption_entities", []))
            _check_length(plain, 1024, "message caption is too long")
            _check_file(item["type"], files[name])
            said = {**values, **item, "plain": plain, "file": files[name]}
            sent.append(self._keep(chat, said, post))
        return sent

    def _check_answered(self, chat: dict[str, Any], said: dict[str, Any]) -> None:
        number = said.get("reply_parameters", {}).get("message_id")
        place = (chat["id"], number)
        if number is not None and place not in self.messages and place not in self.copies.known:
            raise Refusal(400, "Bad Request: message to be replied not found")

    def last_of(self, chat: dict[str, Any]) -> int:
        """Return the number of the last message of a chat."""
        return self._last.get(chat["id"], 16)

    def _next(self, chat: dict[str, Any]) -> int:
        self._last[chat["id"]] = self.last_of(chat) + 1
        return self._last[chat["id"]]

    def _keep(self, chat: dict[str, Any], said: dict[str, Any], post: int) -> dict[str, Any]:
        self._check_answered(chat, said)
        number, date = self._next(chat), int(self.clock.now().timestamp())
        self.messages[chat["id"], number] = {**said, "post": post, "date": date}
        if group := self.chats.get(chat.get("linked_chat_id", 0)):
            copy = self.copies.make(
                group, self._next(group), (chat, number), self.messages[chat["id"], number]
            )
            self.copies.announce(copy, chat)
        return {"message_id": number, "date": date, "chat": chat}

    def _forward(self, chat: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        there, number = self._chat(values["from_chat_id"]), values["message_id"]
        said = self.messages.get((there["id"], number))
        if said is None:
            raise Refusal(400, "Bad Request: message to forward not found")
        if said.get("protect_content"):
            raise Refusal(400, "Bad Request: the message can't be forwarded")
        return self.copies.make(chat, self._next(chat), (there, number), said)


def _values(method: str, request: httpx.Request, body: bytes) -> tuple[dict[str, Any], dict[str, File]]:
    if is_form(request):
        form = read_form(request)
        return methods().read_form(method, form.fields), form.files
    if request.headers.get("content-type") != "application/json":
        raise Violation("neither JSON nor a form")
    values: dict[str, Any] = json.loads(body)
    return values, {}


def _check_kinds(album: list[dict[str, Any]]) -> None:
    kinds = {item["type"] for item in album}
    if (kinds & {"document", "audio"} and len(kinds) > 1) or "animation" in kinds:
        raise Refusal(400, "Bad Request: Can't use the media of the specified type in the album")


def _check_length(text: str, most: int, why: str) -> None:
    if len(text) > most:
        raise Refusal(400, f"Bad Request: {why}")


def _check_file(way: str, file: File) -> None:
    if not file.name or "." not in file.name or "/" not in file.mime:
        raise Violation(f"a file needs a name with an ending, and a type: {file.name} {file.mime}")
    is_a = next((kind for magic, kind in _MAGIC.items() if file.data.startswith(magic)), "video")
    if way not in ("document", is_a):
        raise Violation(f"{file.name} was sent as {way}")
    if way == "photo" and len(file.data) > 10 << 20:
        raise Refusal(400, "Bad Request: file is too big for a photo")


SUBJECT = Subject(
    network=telegram.network,
    far_side=FakeTelegram,
    server=None,
    credentials={"bot_token": TOKEN, "chat": "@bell_tower"},
    leaving={"pin": True},
    too_long="x" * 4097,
    counting={"markup": "html"},
    keeps_alt=False,
    renews=False,
)


def daemon(
    text: str = "Good morning", chat: int | str = "@bell_tower", **more: Any
) -> tuple[Daemon, FakeTelegram]:
    """Return a daemon with one delivery, and its far side."""
    far_side = FakeTelegram(FakeClock(START))
    topic = more.pop("topic", None)
    credentials = {"bot_token": TOKEN, "chat": str(chat)} | ({"topic": topic} if topic else {})
    subject = replace(SUBJECT, server=more.pop("server", None), credentials=credentials)
    return Daemon(subject, subject.outgoing(text, **more), far_side), far_side


def file(folder: Path, name: str = "bell.png", data: bytes | None = None, **more: Any) -> Media:
    """Return a small stored file of the type that its name ends in."""
    ending = name.rpartition(".")[2]
    made: dict[str, Callable[[], bytes]] = {
        "png": pictures.png,
        "jpg": pictures.jpeg,
        "webp": pictures.webp,
        "gif": pictures.gif,
    }
    made = made | {"mp4": pictures.mp4, "mov": pictures.mov}
    mimes = {"jpg": "image/jpeg", "mp4": "video/mp4", "mov": "video/quicktime"}
    mimes |= {"mp3": "audio/mpeg", "m4a": "audio/mp4", "ogg": "audio/ogg"}
    mimes |= {"pdf": "application/pdf", "zip": "application/zip", "vtt": "text/vtt"}
    mime = mimes.get(ending, f"image/{ending}")
    data = data or (made[ending]() if ending in made else of_type(mime))
    path = folder / name
    path.write_bytes(data)
    values: dict[str, Any] = {"mime": mime, "size": len(data), "name": name, "width": 40, "height": 30} | more
    return Media(sha256="a" * 64, kind=kind_of(mime), path=path, **values)
