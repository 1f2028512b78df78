"""What a program would really ask the HTTP API: by chance alone no account, no file and no time is right."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any


#: The account that there is; it can be paused, and taken away.
ACCOUNT = "sky"

Body = dict[str, Any]

#: These members may say anything.
_FREE = frozenset({"allow_duplicate", "draft", "labels", "late_limit_seconds", "text", "unchecked", "verify"})


def plausible(label: str, body: Any) -> Any:
    """Return the body of a request to an operation (`POST /api/v1/posts`), half of them with sense."""
    chance = random.Random(repr(body))
    if label not in _SENSE or chance.random() < 0.5:
        return body
    given = body if isinstance(body, dict) else {}
    return {name: value for name, value in given.items() if name in _FREE} | _SENSE[label](chance)


def _time(chance: random.Random) -> Body:
    ways: list[Body] = [{}, {"publish_now": True}, {"queue": "next"}]
    ways += [{"at": f"20{year}-05-01T12:00:00Z"} for year in range(31, 40)]
    ways += [{"times": {ACCOUNT: when}} for when in ("now", "2041-05-01T12:00:00Z")]
    return chance.choice(ways)


def _post(chance: random.Random) -> Body:
    return {"text": f"Hello {chance.random()}", "to": [ACCOUNT], **_time(chance)}


def _series(chance: random.Random) -> Body:
    rule: Body = {"repeat": {"repeat": chance.choice(["daily", "weekly"]), "times": ["09:00"]}}
    if chance.random() < 0.3:
        rule = {"recycle": {"gap": "2 weeks"}}
    return {"text": f"Good {{day|night}} {chance.random()}", "to": [ACCOUNT], **rule}


def _name(chance: random.Random) -> str:
    return f"n{chance.randrange(10**9)}"


def _hook(chance: random.Random) -> Body:
    return {
        "name": _name(chance),
        "url": "http://127.0.0.1:9/hook",
        "events": ["post.*"],
        "allow_local": True,
    }


def _account(chance: random.Random) -> Body:
    network = {"network": "webhook", "values": {"url": "http://127.0.0.1:9/hook"}}
    return {"name": _name(chance), "verify": False, **network}


_SENSE: dict[str, Callable[[random.Random], Body]] = {
    "POST /api/v1/accounts": _account,
    "POST /api/v1/hooks": _hook,
    "POST /api/v1/media/ingest": lambda _chance: {"files": [{"url": "http://127.0.0.1:9/cat.png"}]},
    "POST /api/v1/posts": _post,
    "POST /api/v1/posts/batch": lambda chance: {"posts": [_post(chance) for _ in range(3)]},
    "POST /api/v1/posts/preview": _post,
    "POST /api/v1/posts/validate": _post,
    "PATCH /api/v1/posts/{id}": _time,
    "POST /api/v1/series": _series,
    "POST /api/v1/series/preview": _series,
}
