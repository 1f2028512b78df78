"""Who has come for the files that strangers may fetch."""

from __future__ import annotations

from postbell.domain.public_link import PublicLink
from postbell.services.context import Context
from postbell.store import fetches
from postbell.store.fetches import Fetch


def note_fetch(ctx: Context, link: PublicLink, *, address: str, agent: str) -> None:
    """Write down that a file was fetched: that a network came for it says that it has heard of the post."""
    with ctx.store.write() as tx:
        fetches.record_fetch(tx, link.number, file=link.file, address=address, agent=agent, now=ctx.now())


def fetches_of(ctx: Context, numbers: list[int]) -> list[Fetch]:
    """Return who has fetched files of deliveries, the first first."""
    with ctx.store.read() as tx:
        return fetches.list_fetches(tx, numbers)
