"""Comments on a post of WordPress (developer.wordpress.org/rest-api/reference/comments).

A second comment of the same author on the same post that says the same is refused: to repeat one is harmless.
"""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from postbell.errors import RateLimited
from postbell.publishing.protocol import Absent, Call, Counts, Outgoing, Receipt
from postbell.publishing.web.answer import Answer, Refused, lost
from postbell.publishing.wordpress.site import things


#: Sends a request to a path below wp/v2.
Ask = Callable[..., Awaitable[Answer]]
#: What the id of a comment begins with in a receipt.
MARK = "comment:"
#: So long an author waits between two comments (wp-includes/comment.php, wp_throttle_comment_flood).
_FLOOD = timedelta(seconds=15)


async def publish(ask: Ask, outgoing: Outgoing, *, now: datetime) -> Receipt:
    """Publish a first comment; one that is there already is taken for it."""
    try:
        answer = await ask("POST", "comments", json=_body(outgoing), publishes=True)
    except Refused as refusal:
        if refusal.code == "comment_flood":
            raise RateLimited(str(refusal), until=now + _FLOOD) from None
        if refusal.code != "comment_duplicate":
            raise
        return await _find(ask, outgoing)
    (said,) = things(answer)
    return _receipt(said)


def preview(outgoing: Outgoing, address: str) -> list[Call]:
    """Return the one request; `address` is that of all comments."""
    headers = {"authorization": "Basic ***"}
    return [Call(method="POST", url=address, headers=headers, body=_body(outgoing))]


async def delete(ask: Ask, receipt_id: str) -> None:
    """Move a comment to the trash; for good where there is none."""
    path = f"comments/{receipt_id.removeprefix(MARK)}"
    try:
        (await ask("DELETE", path)).field("id", int)
    except Refused as refusal:
        if refusal.code == "rest_trash_not_supported":
            (await ask("DELETE", f"{path}?force=true")).field("previous", dict)
        elif refusal.code not in ("rest_already_trashed", "rest_comment_invalid_id"):
            raise


async def count_comments(ask: Ask, post_id: str) -> Counts:
    """Return how many comments on a post are approved."""
    try:
        status = (await ask("GET", f"posts/{post_id}?_fields=id,status")).field("status", str)
    except Refused as refusal:
        if refusal.code != "rest_post_invalid_id":
            raise
        return Absent()
    if status != "publish":  # in the trash, or a private one, of which comments are not told
        return Absent()
    answer = await ask("GET", f"comments?post={post_id}&per_page=1&_fields=id")
    total = answer.headers.get("x-wp-total", "")
    if not total.isdecimal():
        raise lost(f"{answer.place} does not say how many comments there are", answer.publishes)
    return {"comments": int(total)}


def _body(outgoing: Outgoing) -> dict[str, Any]:
    assert outgoing.reply is not None, "only what answers a post is a comment"
    parent, text = outgoing.reply.parent, outgoing.content.text
    post = int(parent) if parent.isdecimal() else parent  # in a preview nobody knows it yet
    return {"post": post, "content": {"raw": html.escape(text, quote=False)}}


async def _find(ask: Ask, outgoing: Outgoing) -> Receipt:
    """Return the comment that is there already; where it is not seen among others, all the same a receipt."""
    query = f"comments?post={_body(outgoing)['post']}&per_page=100"
    for said in things(await ask("GET", query), least=0):
        rendered = said.get("content")
        markup = rendered.get("rendered") if isinstance(rendered, dict) else None
        if _plain(str(markup)) == " ".join(outgoing.content.text.split()):
            return _receipt(said)
    return Receipt(id="")


def _receipt(said: dict[str, Any]) -> Receipt:
    waits = () if said.get("status") == "approved" else ("It waits for approval in wp-admin.",)
    link = said.get("link")
    return Receipt(id=f"{MARK}{said['id']}", url=link if isinstance(link, str) else None, warnings=waits)


def _plain(markup: str) -> str:
    return " ".join(html.unescape(re.sub("<[^>]*>", "", markup)).split())
