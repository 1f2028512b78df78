"""Who may answer and quote a post: records beside it, under its own key.

They are written with the post in one transaction (com.atproto.repo.applyWrites): there is no moment at which
it is public without them. Unlike putRecord that cannot be repeated, so before each try it is looked up
whether the post is there; then they are, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from postbell.publishing.bluesky.api import POST


THREADGATE = "app.bsky.feed.threadgate"
POSTGATE = "app.bsky.feed.postgate"
_RULES = {"mentioned": "mentionRule", "followers": "followerRule", "following": "followingRule"}


def beside(options: Any) -> list[str]:
    """Return the collections of the records beside a post; none if everybody may answer and quote."""
    return [*([THREADGATE] if options.replies else []), *([POSTGATE] if options.quotes == "off" else [])]


def gates(options: Any, uri: str, created: str, lists: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the records beside a post by their collections; `lists` are their addresses as users name them.

    `created` is the time of the post.
    """
    found: dict[str, dict[str, Any]] = {}
    if options.replies:
        allow = [_rule(word, lists) for word in options.replies if word != "nobody"]
        found[THREADGATE] = {"$type": THREADGATE, "post": uri, "allow": allow, "createdAt": created}
    if options.quotes == "off":
        rules = [{"$type": f"{POSTGATE}#disableRule"}]
        found[POSTGATE] = {"$type": POSTGATE, "post": uri, "embeddingRules": rules, "createdAt": created}
    return found


def _rule(word: str, lists: Mapping[str, str]) -> dict[str, str]:
    if word in _RULES:
        return {"$type": f"{THREADGATE}#{_RULES[word]}"}
    return {"$type": f"{THREADGATE}#listRule", "list": lists[word]}


def lists_in(words: Iterable[str]) -> list[str]:
    """Return which of the words for who may answer are lists."""
    return [word for word in words if word != "nobody" and word not in _RULES]


def writes_body(
    did: str, rkey: str, record: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what com.atproto.repo.applyWrites is given: the post and the records beside it."""
    writes = [
        {
            "$type": "com.atproto.repo.applyWrites#create",
            "collection": collection,
            "rkey": rkey,
            "value": value,
        }
        for collection, value in {POST: record, **others}.items()
    ]
    return {"repo": did, "validate": True, "writes": writes}
