"""Copies of messages in `fake_telegram`: forwarded ones, and those in a channel's discussion group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Copies:
    """Every copy by chat and number, and what the bot has not been told of yet."""

    #: By chat and number: of which message it is a copy.
    known: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    updates: list[dict[str, Any]] = field(default_factory=list)

    def make(
        self,
        chat: Mapping[str, Any],
        number: int,
        origin: tuple[Mapping[str, Any], int],
        said: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Keep a copy with this number in a chat, and return it as a Message."""
        there, original = origin
        self.known[chat["id"], number] = (there["id"], original)
        came = {"type": "channel", "date": said["date"], "chat": there, "message_id": original}
        shown = {"message_id": number, "date": said["date"], "chat": chat, "forward_origin": came}
        return shown | _content(said)

    def announce(self, message: Mapping[str, Any], channel: Mapping[str, Any]) -> None:
        """Tell the bot of what was forwarded to a discussion group by itself."""
        told = {**message, "is_automatic_forward": True, "sender_chat": channel}
        self.updates.append({"update_id": 5000 + len(self.updates), "message": told})

    def told(self, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return what the bot asks for; what is below the offset is confirmed, and forgotten."""
        offset = values.get("offset", 0)
        waiting = [update for update in self.updates if update["update_id"] >= offset]
        self.updates = waiting
        return waiting[: values.get("limit", 100)]


def _content(said: Mapping[str, Any]) -> dict[str, Any]:
    way = said.get("type", said["method"].removeprefix("send").lower())
    if way == "message":
        return {"text": said["plain"]}
    if way == "poll":
        return {"poll": {"question": said["plain"], "options": said["options"]}}
    return {way: {}} | ({"caption": said["plain"]} if said["plain"] else {})
