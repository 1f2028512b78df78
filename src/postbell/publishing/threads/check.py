"""What speaks against a post for Threads beyond its length and its files. Pure."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from postbell.domain.content import Content
from postbell.domain.text import SpanKind, find_spans, graphemes, utf16_units
from postbell.publishing.faults import Fault
from postbell.publishing.threads.post import shown_text, spans_of


_MOST_ALT, _MOST_LINKS, _MOST_SPOILERS = 1000, 5, 10
_MOST_ATTACHED, _MOST_ANSWER = 10_000, 25
_MOST_ANSWERS = 4


def unsendable(content: Content, options: Any) -> list[Fault]:
    """Return what would be left out before Threads sees it: what hangs on texts, beside files."""
    found, beside = list[Fault](), bool(content.media)
    said = shown_text(content, options).strip() or content.media or content.link
    if content.title and not said:
        found.append(("text", "titles are not used; give the post a text."))
    if options.poll and beside:
        found.append(("[threads] poll", "a poll takes no files beside it."))
    if len(options.poll) > _MOST_ANSWERS:
        found.append(("[threads] poll", f"give it 2 to {_MOST_ANSWERS} answers."))
    if options.text_attachment and beside:
        found.append(("[threads] text_attachment", "a long text takes no files beside it."))
    if options.gif and beside:
        found.append(("[threads] gif", "it takes no files beside it."))
    text = shown_text(content, options)
    found += [
        ("[threads] spoilers", f'the text does not contain "{passage}": it would be shown.')
        for passage in options.spoilers
        if passage not in text
    ]
    return found


def faults(content: Content, options: Any) -> list[Fault]:
    """Return everything else that speaks against it."""
    return [
        *_file_problems(content),
        *_link_problems(content, options),
        *(("[threads] poll", why) for why in _poll_problems(content, options)),
        *_spoiler_problems(content, options),
        *_attachment_problems(content, options),
        *(("[threads] gif", why) for why in _gif_problems(options)),
    ]


def _file_problems(content: Content) -> list[Fault]:
    return [
        (f"media {item.name}", f"its alt text has {count} characters, the limit is {_MOST_ALT}.")
        for item in content.media
        if (count := graphemes(item.alt)) > _MOST_ALT
    ]


def _link_problems(content: Content, options: Any) -> list[Fault]:
    texts = (shown_text(content, options), options.text_attachment)
    links = {span.value for text in texts for span in find_spans(text) if span.kind is SpanKind.LINK}
    links |= {link for link in (content.link, options.text_attachment_link) if link}
    if len(links) <= _MOST_LINKS:
        return []
    return [("text", f"{len(links)} different links, the limit is {_MOST_LINKS}; leave some out.")]


def _poll_problems(content: Content, options: Any) -> list[str]:
    answers = options.poll
    if not answers:
        return []
    wrong = {
        "a poll needs a text.": not shown_text(content, options).strip(),
        f"give it 2 to {_MOST_ANSWERS} answers.": len(answers) < 2,
        "two answers are the same.": len(set(answers)) < len(answers),
        f"an answer has at most {_MOST_ANSWER} characters.": max(map(graphemes, answers)) > _MOST_ANSWER,
    }
    return [why for why, is_wrong in wrong.items() if is_wrong]


def _spoiler_problems(content: Content, options: Any) -> list[Fault]:
    text, found = shown_text(content, options), list[Fault]()
    spans = spans_of(text, options.spoilers)
    if len(spans) > _MOST_SPOILERS:
        found.append(
            ("[threads] spoilers", f"{len(spans)} passages are hidden, the limit is {_MOST_SPOILERS}.")
        )
    if spans and utf16_units(text[: sum(spans[-1])]) != sum(spans[-1]):
        found.append(("[threads] spoilers", "hide nothing behind an emoji: its place is not sure there."))
    if any(at + length > after for (at, length), (after, _) in pairwise(spans)):
        found.append(("[threads] spoilers", "two passages overlap; give the longer one alone."))
    if options.spoiler_media and not content.media:
        found.append(("[threads] spoiler_media", "there are no files to hide."))
    return found


def _attachment_problems(content: Content, options: Any) -> list[Fault]:
    text, link = options.text_attachment, options.text_attachment_link
    if not text:
        return [("[threads] text_attachment_link", "it needs a text_attachment.")] if link else []
    wrong = {
        "a long text takes no poll beside it.": bool(options.poll),
        f"it has {len(text):,} characters, the limit is {_MOST_ATTACHED:,}.": len(text) > _MOST_ATTACHED,
        "the post has a link of its own; leave text_attachment_link out.": bool(link and content.link),
    }
    return [("[threads] text_attachment", why) for why, is_wrong in wrong.items() if is_wrong]


def _gif_problems(options: Any) -> list[str]:
    beside = {"poll": options.poll, "text_attachment": options.text_attachment}
    return [f"it takes no {what} beside it." for what, is_there in beside.items() if options.gif and is_there]
