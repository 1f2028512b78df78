"""What a server that speaks Mastodon's API minds of a post, beyond the limits that can be checked of any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from postbell.domain.content import Content
from postbell.domain.limits import Length
from postbell.domain.media import Media, MediaKind
from postbell.domain.text import graphemes
from postbell.publishing.faults import Fault
from postbell.publishing.mastodon.fediverse import Server
from postbell.publishing.mastodon.status import shown_files, thumbnail_of, written


#: The longest content warning there, in characters.
_PIXELFED_WARNING = 140
#: The most pixels of a GIF there, of which its server makes a silent video. No server says so
#: (github.com/mastodon/mastodon, attachmentable.rb).
_GIF_PIXELS = 921_600


def unsendable(there: Server, content: Content, options: Any) -> list[Fault]:
    """Return what would be left out before the server sees it: a title, a quote, a file."""
    found = [("[mastodon] thumbnail", why) for why in _thumbnail_faults(content, options)]
    if content.title and not (written(content).strip() or content.media or options.spoiler_text.strip()):
        found.append(("text", "titles are not used; give the post a text."))
    if options.quote and not there.quotes:
        why = (
            "the server takes no quotes, as Mastodon does since 4.5; put the address into the text. "
            "Has that changed? `postbell account check`."
        )
        found.append(("[mastodon] quote", why))
    return found


def faults(there: Server, content: Content, options: Any) -> list[Fault]:
    """Return everything else that the server would refuse, or pass over in silence."""
    found = [*_text_faults(content, options), *_file_faults(there, content, options)]
    if options.poll:
        found += [("[mastodon] poll", why) for why in _poll_faults(there, content, options)]
    if len(options.focus) > len(shown_files(content, options)):
        found.append(("[mastodon] focus", "there are more points than files."))
    if there.kind == "pixelfed" and graphemes(options.spoiler_text) > _PIXELFED_WARNING:
        found.append(("[mastodon] spoiler_text", f"Pixelfed takes {_PIXELFED_WARNING} characters of it."))
    if there.kind == "pixelfed" and options.visibility == "direct":
        found.append(("[mastodon] visibility", "Pixelfed has no direct posts."))
    return found + _quote_faults(there, options)


def lengths(there: Server, content: Content, options: Any) -> tuple[Length, ...]:
    """Return how long the text is there, with its link and with its content warning."""
    text, warning = written(content), options.spoiler_text
    named = ["text", *(["link"] if text != content.text else []), *(["warning"] if warning else [])]
    what = " and ".join(filter(None, [", ".join(named[:-1]), named[-1]]))
    count = there.count(text, warning)
    return (Length(count=count, most=there.text, unit="characters", what=what),)


def _quote_faults(there: Server, options: Any) -> list[Fault]:
    if not options.quote_approval_policy or there.quotes == "quoted_status_id":
        return []
    why = "the server asks nobody who may quote a post (Mastodon does since 4.5)."
    return [("[mastodon] quote_approval_policy", why)]


def _text_faults(content: Content, options: Any) -> list[Fault]:
    if written(content).strip() or not options.spoiler_text.strip():
        return []
    # The server would take the warning for the text.
    return [("[mastodon] spoiler_text", "a content warning needs a text that it hides.")]


def _file_faults(there: Server, content: Content, options: Any) -> list[Fault]:
    media, most = shown_files(content, options), there.alt
    found = [
        (f"media {item.name}", f"its alt text has {count} characters, the limit is {most}.")
        for item in media
        if (count := graphemes(item.alt)) > most
    ]
    if there.is_mastodon:
        found += _stock_file_faults(media)
    return found


def _stock_file_faults(media: Sequence[Media]) -> list[Fault]:
    """Return what Mastodon itself minds. A GIF counts as a picture there, and may stand beside others."""
    found = []
    if len(media) > 1 and any(item.kind is not MediaKind.IMAGE for item in media):
        found.append(("media", "a video or a sound goes alone, without other files."))
    for item in media:
        width, height = item.width or 0, item.height or 0
        if item.mime == "image/gif" and width * height > _GIF_PIXELS:
            why = f"{width} x {height} pixels, the limit of a GIF is {_GIF_PIXELS:,}; make it smaller."
            found.append((f"media {item.name}", why))
    return found


def _thumbnail_faults(content: Content, options: Any) -> list[str]:
    if not options.thumbnail:
        return []
    picture = thumbnail_of(content, options)
    if picture is None:
        return [f"there is no file {options.thumbnail}; the first one is 1."]
    if picture.kind is not MediaKind.IMAGE:
        return [f"{picture.name} is no picture."]
    videos = [item for item in content.media if item.kind is MediaKind.VIDEO]
    return [] if videos else ["there is no video that it could stand for."]


def _poll_faults(there: Server, content: Content, options: Any) -> list[str]:
    answers = options.poll
    if there.kind == "pixelfed":
        return ["Pixelfed has no polls."]
    wrong = {
        "a poll needs a text.": not written(content).strip(),
        "a poll takes no files beside it.": there.is_mastodon and bool(content.media),
        f"give it 2 to {there.answers} answers.": not 2 <= len(answers) <= there.answers,
        "two answers are the same.": len(set(answers)) < len(answers),
        f"an answer has at most {there.answer} characters.": max(map(graphemes, answers)) > there.answer,
        f"poll_expires_in is {there.shortest} to {there.longest} seconds.": not (
            there.shortest <= options.poll_expires_in <= there.longest
        ),
    }
    return [why for why, is_wrong in wrong.items() if is_wrong]
