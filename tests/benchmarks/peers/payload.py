"""What every peer sends: what Postbell's webhook sends too, of a post of 280 characters."""

from __future__ import annotations

import json
import sys


TEXT = ("A post of two hundred and eighty characters, as short messages are. " * 5)[:280]


def body(number: int) -> bytes:
    """Return the body of one post."""
    data: dict[str, object] = {
        "id": f"{number:020}",
        "post": f"{number:08}",
        "account": f"hook-{number % 50}",
        "due_at": "2026-11-28T09:00:00.000Z",
        "text": TEXT,
        "title": None,
        "link": None,
        "tags": [],
        "media": [],
    }
    event = {"type": "post.published", "timestamp": "2026-11-28T09:00:00.000Z", "data": data}
    return json.dumps(event, separators=(",", ":")).encode()


def headers(number: int) -> dict[str, str]:
    """Return the headers of one post."""
    return {
        "content-type": "application/json",
        "webhook-id": f"{number:020}",
        "webhook-timestamp": "1764320400",
        "idempotency-key": f"{number:020}",
    }


def ready() -> None:
    """Tell the benchmark that everything is planted, and wait until it says go."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
