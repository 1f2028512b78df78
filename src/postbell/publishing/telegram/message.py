"""What a post is as a message of Telegram's Bot API (core.telegram.org/bots/api#available-methods)."""

from __future__ import annotations

import html
import re
from typing import Any

from postbell.domain.content import Content
from postbell.domain.links import has_link
from postbell.domain.media import Media, MediaKind
from postbell.domain.text import SpanKind, find_spans
from postbell.errors import Rejected
from postbell.publishing.protocol import Outgoing
from postbell.publishing.telegram.markup import MODES, escape_markdown


#: The sounds that apps play as music (core.telegram.org/bots/api#sendaudio), and the videos that they do not.
_PLAYED = ("audio/mpeg", "audio/mp4")
_UNSHOWN = ("video/quicktime",)
#: The words of a button and where it leads, and what stands between two buttons of a row.
_BUTTON = re.compile(r"\s*(\S.*?)\s+((?:https?|tg)://\S+)\s*")
_BESIDE = re.compile(r"\s\|\s")


def way_of(item: Media, options: Any) -> str:
    """Return as what a file is sent."""
    if options.as_files or item.mime in _UNSHOWN:
        return "document"
    if item.mime in _PLAYED:
        return "audio"
    if item.mime == "image/gif":
        return "animation"
    return {MediaKind.IMAGE: "photo", MediaKind.VIDEO: "video"}.get(item.kind, "document")


def parts_of(content: Content, options: Any) -> dict[str, Media]:
    """Return the files of a request under the names by which its parameters know them."""
    media = content.media
    if len(media) == 1:
        return {way_of(media[0], options): media[0]}
    return {f"file{number}": item for number, item in enumerate(media, 1)}


def ways_of(content: Content, options: Any) -> list[str]:
    """Return the same of each file of a post."""
    return [way_of(item, options) for item in content.media]


def written(content: Content, options: Any) -> str:
    """Return the text that goes out. A link that it lacks is its last line."""
    link = content.link or ""
    shown = {
        "html": html.escape(link),
        "markdown": escape_markdown(link),
        "commonmark": f"<{link}>",
    }.get(options.markup, link)
    if not link or has_link(content.text, link) or has_link(content.text, shown):
        return content.text
    between = "\n\n" if options.markup == "commonmark" else "\n"
    return f"{content.text.rstrip()}{between}{shown}".lstrip("\n")


def request_of(outgoing: Outgoing, chat: int | str) -> tuple[str, dict[str, Any]]:
    """Return the method that publishes and its parameters, but for the files beside them."""
    content, options = outgoing.content, outgoing.options
    topic = options.topic or outgoing.target.credentials.topic
    flags = {"disable_notification": options.silent, "protect_content": options.protect}
    fields: dict[str, Any] = {"chat_id": chat, **({"message_thread_id": topic} if topic else {})}
    fields |= {name: True for name, wanted in flags.items() if wanted}
    if outgoing.reply:
        fields["reply_parameters"] = {"message_id": first_message(outgoing.reply.parent)}
    said = _said(content, options)
    if len(content.media) > 1:
        items = [_look(item, options) for item in content.media]
        for name, way, look in zip(parts_of(content, options), ways_of(content, options), items, strict=True):
            look |= {"type": way, "media": f"attach://{name}"}
        items[0] |= said
        return "sendMediaGroup", fields | {"media": items}
    if options.buttons:
        fields["reply_markup"] = {"inline_keyboard": list(map(row_of, options.buttons))}
    if options.poll:
        return "sendPoll", fields | _poll(written(content, options), options)
    if content.media:
        way = way_of(content.media[0], options)
        return f"send{way.capitalize()}", fields | said | _look(content.media[0], options)
    names = {"caption": "text", "caption_entities": "entities"}
    said = {"text": "", **{names.get(name, name): value for name, value in said.items()}}
    return "sendMessage", fields | said | _preview(content, options)


def _said(content: Content, options: Any) -> dict[str, Any]:
    """Return the text as it stands below files, with its markup or with what is special about its parts."""
    text = written(content, options)
    if options.markup == "commonmark":
        from postbell.publishing.telegram.formatted import formatted

        shown = formatted(text)
        entities = {"caption_entities": list(shown.entities)} if shown.entities else {}
        return {"caption": shown.text, **entities} if shown.text else {}
    mode = MODES.get(options.markup)
    return ({"caption": text} | ({"parse_mode": mode} if mode else {})) if text else {}


def row_of(said: str) -> list[dict[str, str]]:
    """Return the buttons of one row, as somebody has written them; raises ValueError for what is none."""
    found = list(map(_BUTTON.fullmatch, _BESIDE.split(said)))
    buttons = [{"text": button[1], "url": button[2]} for button in found if button]
    if len(buttons) < len(found):
        raise ValueError(said)
    return buttons


def edit_of(outgoing: Outgoing, chat: int | str, message: int) -> tuple[str, dict[str, Any]]:
    """Return the method that changes a message and its parameters: its text, or what stands below files.

    Raises Rejected for a poll.
    """
    method, fields = request_of(outgoing, chat)
    if method == "sendPoll":
        raise Rejected("Telegram changes no polls; publish it anew")
    said = fields["media"][0] if method == "sendMediaGroup" else fields
    kept = (
        *("parse_mode", "entities", "caption_entities"),
        *("link_preview_options", "show_caption_above_media"),
    )
    how = {"chat_id": chat, "message_id": message} | {name: said[name] for name in kept if name in said}
    how |= {"reply_markup": fields["reply_markup"]} if "reply_markup" in fields else {}
    if method == "sendMessage":
        return "editMessageText", how | {"text": fields["text"]}
    return "editMessageCaption", how | {"caption": said.get("caption", "")}


def _look(item: Media, options: Any) -> dict[str, Any]:
    """Return what is said of a file besides its bytes."""
    way = way_of(item, options)
    if way == "document":  # a GIF would become an animation
        return {"disable_content_type_detection": True}
    seconds = item.film.seconds if item.film and way != "photo" else None
    look: dict[str, Any] = {"duration": round(seconds)} if seconds else {}
    if way == "audio":
        named = {"performer": options.audio_performer, "title": options.audio_title}
        return look | {name: said for name, said in named.items() if said}
    if way == "video":
        look |= {"supports_streaming": True}
        look |= {"width": item.width, "height": item.height} if item.width and item.height else {}
    flags = {"has_spoiler": options.spoiler, "show_caption_above_media": options.caption_above}
    return look | {name: True for name, wanted in flags.items() if wanted}


def _preview(content: Content, options: Any) -> dict[str, Any]:
    """Return how the link is shown. The size of its picture is heeded only where the link is named."""
    spans = find_spans(content.text) if options.markup in ("text", "commonmark") else ()
    link = content.link or next((span.value for span in spans if span.kind is SpanKind.LINK), None)
    size = options.preview
    how: dict[str, Any] = {"is_disabled": True} if size == "off" else {}
    if link and not how and (content.link or size != "auto"):
        how |= {"url": link} | ({f"prefer_{size}_media": True} if size != "auto" else {})
    how |= {"show_above_text": True} if options.preview_above else {}
    return {"link_preview_options": how} if how else {}


def _poll(question: str, options: Any) -> dict[str, Any]:
    poll: dict[str, Any] = {"question": question, "options": [{"text": answer} for answer in options.poll]}
    poll |= {"is_anonymous": not options.poll_public, "allows_multiple_answers": options.poll_multiple}
    poll |= {"open_period": options.poll_expires_in} if options.poll_expires_in else {}
    poll |= {"hide_results_until_closes": True} if options.poll_hide_results else {}
    if options.quiz_answer:
        poll |= {"type": "quiz", "correct_option_ids": [options.quiz_answer - 1]}
        poll |= {"explanation": options.quiz_explanation} if options.quiz_explanation else {}
    return poll


def pin_of(chat: int | str, message: int | str, options: Any) -> dict[str, Any]:
    """Return the parameters of what pins a message."""
    return {"chat_id": chat, "message_id": message, "disable_notification": options.silent}


def names_of(receipt_id: str) -> list[str]:
    """Return the receipt of each part of a thread."""
    return re.split(r",(?=-?[0-9]+/)", receipt_id)


def messages_of(receipt_id: str) -> list[tuple[int, int]]:
    """Return chat and number of each message of a receipt: CHAT/1,2 is an album, CHAT/1,CHAT/2 a thread."""
    found, chat = list[tuple[int, int]](), 0
    for name in receipt_id.split(","):
        before, slash, number = name.rpartition("/")
        chat = int(before) if slash else chat
        found.append((chat, int(number)))
    return found


def first_message(receipt_id: str) -> int | str:
    """Return the number of the first message of a part; in a preview nobody knows it yet."""
    number = receipt_id.partition("/")[2].partition(",")[0]
    return int(number) if number else receipt_id
