"""How the tries of a post end, for those who look at it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from postbell.domain.post import Delivery
from postbell.store import deliveries
from support.command import Command


NOW = datetime(2100, 1, 1, 12, 0, tzinfo=UTC)
Ending = Callable[[Connection, Delivery], None]


def published(tx: Connection, delivery: Delivery) -> None:
    """Let it be published, with a warning."""
    url = "https://example.org/1"
    deliveries.record_published(tx, delivery.id, receipt_id="1", url=url, warnings=["cropped"], now=NOW)


def failed(tx: Connection, delivery: Delivery) -> None:
    """Let it fail."""
    deliveries.record_failed(tx, delivery.id, "too rude", NOW)


def lost(tx: Connection, delivery: Delivery) -> None:
    """Let its answer be lost."""
    deliveries.lose_track(tx, delivery.id, "the answer was lost")


def put_off(tx: Connection, delivery: Delivery) -> None:
    """Let it wait for another try."""
    deliveries.record_retry(tx, delivery.id, "it is down", NOW + timedelta(minutes=1))


def not_yet(_tx: Connection, _delivery: Delivery) -> None:
    """Let it be under way."""


def ended(cli: Command, **endings: Ending) -> str:
    """Let a post end like this on each account; return its id."""
    post_id = cli.add("Hello", "--to", ",".join(endings), "--now")
    claimed = cli.claim()
    with cli.store() as store, store.write() as tx:
        for account, ending in endings.items():
            ending(tx, claimed[account])
    return post_id


def outcome_of(cli: Command, post_id: str) -> str:
    """Return how a post ended."""
    return str(cli.post(post_id)["outcome"])
