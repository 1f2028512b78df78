"""Texts that are longer than what may stand below files: the rest follows as a message that answers them.

So such a post is a thread, with all that threads are: each message is sent once at most, what is public is
known after each, and a later try goes on behind the last one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from postbell.domain.content import Content
from postbell.publishing.protocol import Outgoing
from postbell.publishing.telegram.message import written


#: The most characters of a message, and of what stands below files.
TEXT, CAPTION = 4096, 1024


def spread(outgoing: Outgoing) -> Outgoing:
    """Return a post with what is too long to stand below its files as further parts. The same every time."""
    content = outgoing.content
    if not content.media:
        return outgoing
    made = list[Content]()
    for number, part in enumerate(content.parts):
        own = outgoing.options if number == 0 else outgoing.options.further()
        made += messages(part, own)
    if len(made) == len(content.segments) + 1:
        return outgoing
    first, *others = made
    media = [replace(item, part=number) for number, part in enumerate(made, 1) for item in part.media]
    segments = tuple(part.text for part in others)
    return replace(outgoing, content=replace(first, segments=segments, media=tuple(media)))


def messages(part: Content, options: Any) -> list[Content]:
    """Return the messages that a part becomes; one where nobody knows where its markup can be cut."""
    text = written(part, options)
    if not part.media or options.markup != "text" or options.poll or len(text.strip()) <= CAPTION:
        return [part]
    from postbell.domain.splitting import split  # few posts need its rules

    pieces = split(text, lambda index, piece: len(piece) <= (TEXT if index else CAPTION))
    if len(pieces[0]) > CAPTION:  # it begins with what cannot be cut
        pieces = ["", *pieces]
    return [replace(part, text=pieces[0], link=None), *(Content(text=piece) for piece in pieces[1:])]
