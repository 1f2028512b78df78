"""What comes next, in a sentence."""

from __future__ import annotations

from postbell.store import queue
from postbell.store.engine import Store


def next_told(store: Store) -> str:
    """Return in words, without a stop, what is published next."""
    with store.read() as tx:
        waiting = queue.next_due(tx)
    first = min(waiting, key=lambda account: account.ready_at, default=None)
    if first is None:
        return "Nothing is scheduled"
    return f"Next: post {first.post_id} for {first.account} at {first.ready_at:%F %T}Z"
