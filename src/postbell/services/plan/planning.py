"""When each account publishes a post, and under which rules: what its deliveries are scheduled with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from postbell.domain.account import Account
from postbell.domain.content import resolve
from postbell.domain.fingerprint import fingerprint
from postbell.domain.post import PlacedBy, Post
from postbell.store.deliveries import Planned


@dataclass(frozen=True, kw_only=True)
class Place:
    """A time that was chosen for one account."""

    #: The instant (aware UTC).
    at: datetime
    #: None where the user has named it.
    by: PlacedBy | None = None
    #: Why this time, a sentence without its full stop.
    why: str | None = None
    #: What clocks show then, in the words of `domain.zones`, where the user has named it.
    wall: str | None = None


def plan(
    post: Post,
    accounts: Iterable[Account],
    places: Mapping[int, Place] | None = None,
    *,
    stream: str | None = None,
) -> list[Planned]:
    """Return what the deliveries of a post are scheduled with: at its time, or at the place of each account.

    `places` is keyed by the id of the account. `stream` names the series or library that the post belongs to.
    """
    planned = []
    for account in accounts:
        place = (places or {}).get(account.id)
        at = place.at if place else post.at
        assert at is not None, "what is scheduled has a time"
        late_limit = account.late_limit if post.late_limit is None else post.late_limit
        ends = [post.not_after] if post.not_after else []
        ends += [at + late_limit] if late_limit is not None else []
        content, _ = resolve(post.content, post.overrides, network=account.network, account=account.name)
        planned.append(
            Planned(
                account_id=account.id,
                at=at,
                late_limit=late_limit,
                expires_at=min(ends, default=None),
                stream=stream,
                fingerprint=fingerprint(content),
                placed_by=place.by if place else None,
                placed_why=place.why if place else None,
                wall=place.wall if place else None,
            )
        )
    return planned
