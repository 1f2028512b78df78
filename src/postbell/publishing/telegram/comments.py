"""First comments on Telegram: answers in a group, and below a channel's post in its discussion group.

Telegram forwards each post of a channel to the group that is linked to it. The bot learns the number of that
copy from its updates alone (core.telegram.org/bots/api#getting-updates), which are kept for 24 hours and have
one reader: whoever reads on has confirmed what came before. So no more is confirmed than must be.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from postbell.errors import PublishError, Rejected, Unavailable
from postbell.publishing.protocol import Outgoing, Progress
from postbell.publishing.telegram.api import Bot
from postbell.publishing.telegram.message import messages_of, request_of
from postbell.publishing.web.answer import Refused


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http

#: What the key of a first comment ends in.
_MARK = "-c"
#: How often it is looked for the post in the group, and the first wait between two looks; it doubles.
_LOOKS, _WAIT = 8, timedelta(seconds=2)
#: So many updates come at once, and so many times they are asked for.
_PAGE, _PAGES = 100, 20
#: So many copies are remembered that were seen while another one was looked for.
_KEPT = 200


def is_comment(outgoing: Outgoing) -> bool:
    """Whether it is a first comment, and no part of a thread."""
    return outgoing.reply is not None and outgoing.key.endswith(_MARK)


def is_elsewhere(outgoing: Outgoing, done: Mapping[str, Any]) -> bool:
    """Whether it goes to another chat than its post, once `place` has found that."""
    return bool(done["group"] != _answered(outgoing)[0])


async def missing_rights(bot: Bot, channel: Mapping[str, Any], me: Any) -> list[str]:
    """Return what the bot needs in the discussion group of a channel, if there is one and it is not that."""
    group, member = channel.get("linked_chat_id"), dict[str, Any]()
    if group is None or channel.get("type") != "channel":
        return []
    with suppress(PublishError):  # so it is said of a group that the bot is not in
        member = await bot.member(group, me)
    if member.get("status") in ("administrator", "creator"):
        return []
    return ["For first comments make the bot an administrator of the channel's discussion group, too."]


def preview(outgoing: Outgoing, chat: int | str) -> tuple[str, dict[str, Any]]:
    """Return the method and the parameters; nobody knows yet where the post is discussed."""
    method, fields = request_of(replace(outgoing, reply=None), f"<the group that discusses {chat}>")
    return method, fields | {"reply_parameters": {"message_id": "<number of the post there>"}}


def request(outgoing: Outgoing, done: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the method and the parameters, once `place` has found the group and what is answered there."""
    method, fields = request_of(replace(outgoing, reply=None), done["group"])
    return method, fields | {"reply_parameters": {"message_id": done["answers"]}}


async def place(bot: Bot, outgoing: Outgoing, progress: Progress | None, http: Http) -> Progress | None:
    """Take a step towards knowing the group and what is answered there; None if both are known.

    Raises a PublishError, Rejected where the channel has no group or the bot does not see the post there.
    """
    done = dict(progress.data) if progress else {}
    chat, number = _answered(outgoing)
    if not done:
        told = await bot.call("getChat", {"chat_id": chat}, dict)
        if told.get("type") != "channel":
            return Progress(step="the group is known", data={"group": chat, "answers": number})
        if not (linked := told.get("linked_chat_id")):
            raise Rejected("the channel has no discussion group; link one to it in its settings")
        return Progress(step="the group is known", data={"group": linked, "answers": None, "looks": 0})
    if done["answers"] is not None:
        return None
    if copy := await _copy_of(bot, chat, number, http):
        return Progress(step="the post is found in the group", data=done | {"answers": copy})
    if done["looks"] == _LOOKS:
        raise Rejected(
            "the bot has not seen the post in the channel's discussion group: make it an administrator there"
        )
    again_at = http.now() + _WAIT * 2 ** done["looks"]
    data = done | {"looks": done["looks"] + 1}
    return Progress(step="waits for the post in the group", data=data, again_at=again_at)


def _answered(outgoing: Outgoing) -> tuple[int, int]:
    """Return chat and number of the post: of the last part of a thread, of an album its first message."""
    assert outgoing.reply, "the caller has looked"
    name = outgoing.reply.parent if "/" in outgoing.reply.parent else outgoing.reply.root
    return messages_of(name)[0]


async def _copy_of(bot: Bot, channel: int, number: int, http: Http) -> int | None:
    """Return the number that a post of a channel has in its discussion group; None if nobody has told."""
    copies: dict[str, int] = dict(http.session.get("copies", {}))
    asked: dict[str, int] = {"limit": _PAGE}
    for _ in range(_PAGES):
        if known := copies.get(f"{channel}/{number}"):
            return known
        updates = await _updates(bot, asked)
        copies |= dict(filter(None, map(_copy_in, updates)))
        if len(updates) < _PAGE:
            break
        # What is asked for next confirms these: copies among them will be wanted by other comments.
        kept = dict(list(copies.items())[-_KEPT:])
        await http.save_session({**http.session, "copies": kept})
        asked["offset"] = updates[-1]["update_id"] + 1
    return copies.get(f"{channel}/{number}")


async def _updates(bot: Bot, asked: dict[str, int]) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = await bot.call("getUpdates", asked, list)
    except Refused as refusal:
        if "terminated by other getUpdates" in refusal.code:  # another account of the same bot, for a moment
            raise Unavailable(str(refusal)) from None
        raise
    return found


def _copy_in(update: dict[str, Any]) -> tuple[str, int] | None:
    """Return of which post an update tells a copy, and its number."""
    message = update.get("message") or {}
    origin = message.get("forward_origin") or {}
    if not message.get("is_automatic_forward") or origin.get("type") != "channel":
        return None
    return f"{origin['chat']['id']}/{origin['message_id']}", int(message["message_id"])
