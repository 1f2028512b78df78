"""Comments on a post of WordPress (developer.wordpress.org/rest-api/reference/comments)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from postbell.publishing.answer import Answer, Refused, lost
from postbell.publishing.protocol import Absent, Counts


async def count_comments(ask: Callable[[str, str], Awaitable[Answer]], post_id: str) -> Counts:
    """Return how many comments on a post are approved; `ask` sends a request to a path below wp/v2."""
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
