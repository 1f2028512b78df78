"""What Prometheus is told: gauges are read when it asks, tries are counted from when it asked first.

In a registry of its own: what others register in this process is not ours to tell.
"""

from __future__ import annotations

import threading
from datetime import timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import Connection

from postbell.app import App
from postbell.domain.post import AttemptKind
from postbell.store import measures, summary, wal
from postbell.store.measures import Tried


#: So many tries are read at a time.
_AT_ONCE = 5000
#: Seconds; a post is on time within the first.
_LATENESS = (0.1, 1, 5, 30, 60, 300, 900, 3600, 6 * 3600, 24 * 3600)


class Meters:
    """All that is measured of one Postbell."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._registry = of = CollectorRegistry()
        self._posts = Gauge("postbell_posts", "Posts by state.", ["state"], registry=of)
        self._unsure = Gauge("postbell_unsure", "Deliveries that may be public or not.", registry=of)
        self._overdue = Gauge("postbell_overdue", "Deliveries whose time has come.", registry=of)
        self._oldest = Gauge(
            "postbell_oldest_overdue_seconds",
            "Since when the oldest of them waits; 0 if none does. What is paused does not count.",
            registry=of,
        )
        self._log = Gauge("postbell_wal_bytes", "Size of the write-ahead log of the database.", registry=of)
        self._tokens = Gauge(
            "postbell_token_expiry_seconds",
            "In how many seconds the login of an account ends, where that is known.",
            ["account", "network"],
            registry=of,
        )
        self._attempts = Counter(
            "postbell_attempts",
            "Tries that have ended, by network, kind (publish, look_up, ...) and how.",
            ["network", "kind", "outcome"],
            registry=of,
        )
        self._lateness = Histogram(
            "postbell_lateness_seconds",
            "How long after its time what was published became public.",
            ["network"],
            registry=of,
            buckets=_LATENESS,
        )
        #: Up to which try all are counted, and which of those had not ended.
        self._after: int | None = None
        self._open: set[int] = set()

    def text(self, app: App) -> bytes:
        """Return everything as Prometheus reads it (text format)."""
        with self._lock, app.ctx.store.read() as tx:
            now = app.ctx.now()
            for state, count in measures.count_posts(tx).items():
                self._posts.labels(state.value).set(count)
            self._unsure.set(measures.count_unsure(tx))
            late = summary.overdue(tx, now, now=now)
            self._overdue.set(late.count)
            self._oldest.set(max(now - late.oldest, timedelta()).total_seconds() if late.oldest else 0)
            self._log.set(wal.log_bytes(app.places.database))
            self._tokens.clear()
            for account, network, ends_at in measures.token_ends(tx):
                self._tokens.labels(account, network).set((ends_at - now).total_seconds())
            self._count(tx)
            return generate_latest(self._registry)

    def _count(self, tx: Connection) -> None:
        if self._after is None:
            self._after = measures.last_attempt(tx)
        while found := measures.tries_since(tx, self._after, self._open, _AT_ONCE):
            for tried in found:
                self._note(tried)
            more, self._after = found[-1].id > self._after, max(found[-1].id, self._after)
            if not more or len(found) < _AT_ONCE:
                return

    def _note(self, tried: Tried) -> None:
        if tried.result is None:
            self._open.add(tried.id)
            return
        self._open.discard(tried.id)
        self._attempts.labels(tried.network, tried.kind.value, tried.result).inc()
        if tried.kind is AttemptKind.PUBLISH and tried.result == "published":
            self._lateness.labels(tried.network).observe(tried.late)
