"""Looking up whether a post is public on Threads: by its container, and by the lists of the account's posts.

What a container says is proof: PUBLISHED, or that it can still be published. Which post it became only the
lists tell, by what it says, and when and in answer to what.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from postbell.publishing.protocol import Absent, Outgoing, Receipt, Unknown
from postbell.publishing.threads.api import Posted
from postbell.publishing.threads.post import LISTED, shown_text, type_of
from postbell.publishing.web.answer import Refused


if TYPE_CHECKING:
    from collections.abc import Mapping

    from postbell.publishing.threads.api import Line


#: How far our clock and theirs may be apart; what is older by more is not taken for the post.
_SKEW = timedelta(minutes=2)
#: What is older by less than this may still be it, where a clock was wrong.
_DOUBTFUL = timedelta(minutes=30)
Found = Receipt | Absent | Unknown


async def find_post(line: Line, outgoing: Outgoing, done: Mapping[str, Any]) -> Found:
    """Say whether a post is public; `done` is what was done for it as far as that is known."""
    if "id" in done:
        return await told_post(line, done["id"])
    state = await line.state(done["container"]) if "container" in done else None
    # Of a container that was not found when it was published, or of one before it, the list may know more.
    doubt = done.get("misses") or done.get("rounds")
    if state and state.word in ("FINISHED", "IN_PROGRESS") and not doubt:
        return Absent()
    try:
        found = await listed(line, outgoing)
    except Refused as refusal:
        return Unknown(reason=str(refusal))
    if isinstance(found, Absent) and state and state.word in ("PUBLISHED", "POST"):
        return Unknown(reason="Threads has published it, but does not list it")
    return found


async def listed(line: Line, outgoing: Outgoing) -> Found:
    """Look through what the account has posted since the first try."""
    since = outgoing.begun_at - _SKEW
    found: list[Posted] = []
    doubt: Posted | None = None
    async for post in line.own(answers=outgoing.reply is not None, since=since - _DOUBTFUL):
        if post.id in outgoing.known or not _is_it(post, outgoing):
            continue
        if post.made >= since:
            found.append(post)
        else:
            doubt = post
    if found and (len(found) == 1 or not outgoing.forgotten):
        return Receipt(id=found[-1].id, url=found[-1].url)
    maybe = doubt or (found[-1] if found else None)
    if maybe is not None:
        return Unknown(reason=f"{maybe.url or maybe.id} may be it, or another one")
    return Absent()


async def told_post(line: Line, post: str) -> Receipt:
    """Return the receipt of a post of which the id is known; its address too if Threads has it."""
    try:
        return Receipt(id=post, url=await line.address(post))
    except Refused:
        return Receipt(id=post, warnings=("Threads does not say where people find it.",))


def _is_it(post: Posted, outgoing: Outgoing) -> bool:
    content, answered = outgoing.content, outgoing.reply and outgoing.reply.parent
    if (post.kind, post.answers) != (LISTED[type_of(content)], answered):
        return False
    return _core(post.text) == _core(shown_text(content, outgoing.options))


def _core(text: str) -> str:
    """Return what is left of a text when blanks are cut, and the sign of a tag that became the topic."""
    return " ".join(text.replace("#", "").split())
