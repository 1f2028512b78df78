"""What Telegram minds of a post beyond the limits that are checked of any: markup, albums, photos, polls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from postbell.domain.content import Content
from postbell.domain.limits import Length
from postbell.domain.text import code_points
from postbell.publishing.faults import Fault
from postbell.publishing.telegram.captions import CAPTION, TEXT
from postbell.publishing.telegram.markup import MODES, plain_of
from postbell.publishing.telegram.message import way_of, ways_of, written


#: The most characters of a poll's question.
_QUESTION = 300
#: The most bytes of all files of one post, and of one that is sent as a photo (core.telegram.org/bots/api,
#: "Sending files" and sendPhoto); how many times as long as the other one a side of that may be.
MOST, PHOTO, RATIO = 50_000_000, 10_000_000, 20
_NOTHING = "Telegram has no titles, and nothing else is left to read; give the post a text."
_PHOTO_RULE = f"at most 10 MB, 10,000 pixels of width and height together, one {RATIO} times the other"


def unsendable(content: Content, options: Any) -> list[Fault]:
    """Return what would be left out before Telegram sees it: a title, buttons, what is beside a poll."""
    found, only_titled = list[Fault](), content.title and not content.text.strip()
    if only_titled and not (written(content, options).strip() or content.media or options.poll):
        found.append(("text", _NOTHING))
    if options.buttons and len(content.media) > 1:
        found.append(("[telegram] buttons", "an album has none; use one file only."))
    beside = content.media or written(content, options) != content.text or options.markup != "text"
    if options.poll and beside:
        why = "a poll has neither files nor a link of its own nor markup; leave them out."
        found.append(("[telegram] poll", why))
    return found


def faults(content: Content, options: Any) -> list[Fault]:
    """Return everything else that Telegram would refuse."""
    read = (_text_faults, _file_faults, _poll_faults)
    return [fault for faults in read for fault in faults(content, options)]


def lengths(content: Content, options: Any) -> Length:
    """Return how long the text is, with its link and without what is only markup.

    What is too long to stand below files follows as a message, unless it has markup, which cannot be cut.
    """
    text = written(content, options)
    what, most, when = "text" if text == content.text else "text and link", TEXT, ""
    if options.poll:
        most, when = _QUESTION, " of a poll's question"
    elif content.media and options.markup != "text":
        most, when = CAPTION, " with files and markup"
    with suppress(ValueError):  # it is refused for that
        text = plain_of(text, options.markup)
    return Length(count=code_points(text.strip()), most=most, unit="characters", what=what, when=when)


def _text_faults(content: Content, options: Any) -> Iterator[Fault]:
    if options.poll:
        return
    try:
        plain = plain_of(written(content, options), options.markup)
    except ValueError as error:
        yield "text", f"as {MODES[options.markup]}, {error}"
        return
    if not plain.strip() and not content.media and content.text.strip():
        yield "text", _NOTHING


def _file_faults(content: Content, options: Any) -> Iterator[Fault]:
    if len(content.media) > 1:
        yield from _album_faults(content, options)
    for name in ("audio_performer", "audio_title"):
        if getattr(options, name) and "audio" not in ways_of(content, options):
            yield f"[telegram] {name}", "it needs an MP3 or M4A."
    for item in content.media:
        sides = sorted((item.width or 1, item.height or 1))
        if way_of(item, options) == "photo" and (
            item.size > PHOTO or sum(sides) > 10_000 or sides[1] > RATIO * sides[0]
        ):
            where = f"media {item.name}"
            yield where, f"too much for a photo ({_PHOTO_RULE}); set telegram.as_files=true."


def _album_faults(content: Content, options: Any) -> Iterator[Fault]:
    ways, size = set(ways_of(content, options)), sum(item.size for item in content.media)
    if "animation" in ways:
        yield "media", "a GIF stands alone; take the others out, or set telegram.as_files=true."
    elif len(ways) > 1 and ways & {"audio", "document"}:
        kinds = "photos and MP4 videos, MP3 and M4A, or other files"
        yield "media", f"an album is of one kind: {kinds}; part them, or set telegram.as_files=true."
    if size > MOST:
        yield "media", f"{size:,} bytes in all, the limit is {MOST:,}."


def _poll_faults(content: Content, options: Any) -> Iterator[Fault]:
    question = content.text.strip()
    if not options.poll:
        for name in sorted(
            name for name in type(options).model_fields if name.startswith(("poll_", "quiz_"))
        ):
            if getattr(options, name):
                yield f"[telegram] {name}", "it needs the answers of a poll (telegram.poll)."
        return
    if not question:
        yield "text", "a poll needs a question; give the post a text."
    if (options.quiz_answer or 0) > len(options.poll):
        yield "[telegram] quiz_answer", f"there are {len(options.poll)} answers only."
    if options.quiz_answer and options.poll_multiple:
        yield "[telegram] poll_multiple", "a quiz has one right answer; leave it out."
    if options.poll_hide_results and not options.poll_expires_in:
        yield "[telegram] poll_hide_results", "it needs a poll that closes (telegram.poll_expires_in)."
    if options.quiz_explanation and not options.quiz_answer:
        yield "[telegram] quiz_explanation", "it needs quiz_answer."
