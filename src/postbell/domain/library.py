"""Libraries: which recycled piece fills an empty slot of an account."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from postbell.domain.recycling import Recycling


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A recycled post of a library, as one account sees it."""

    series_id: str
    rule: Recycling
    #: How often it was used in all, by every account.
    uses: int = 0
    #: When (aware UTC) this account used it last, or is to use it.
    last_use: datetime | None = None

    def free_at(self, at: datetime) -> bool:
        """Whether this account may use it at `at` (aware): begun, not ended, and its gap is over."""
        return self.rule.next_use(self.last_use) <= at and not self.rule.ends_before(at, self.uses)


def choose(pieces: Sequence[Piece], at: datetime, *, cooldown_until: datetime | None) -> Piece | None:
    """Return the piece that an account uses at `at` (aware): the one that it has not used for the longest.

    One that it never used comes first; among equals the order of `pieces` decides. None if there is none,
    and before `cooldown_until`.
    """
    if cooldown_until is not None and at < cooldown_until:
        return None
    # The first in this order is free most of the time, and to ask takes long.
    return next((piece for piece in sorted(pieces, key=_rest) if piece.free_at(at)), None)


@dataclass(frozen=True, kw_only=True)
class Filler:
    """An account that fills its empty slots from libraries."""

    #: As it sees them, the oldest first.
    pieces: tuple[Piece, ...]
    #: The least distance between two of its recycled posts.
    cooldown: timedelta | None = None
    #: When (aware UTC) its last one was, or is to be.
    last_recycled: datetime | None = None

    def choose(self, at: datetime) -> Piece | None:
        """Return the piece that it uses at `at` (aware), if there is one."""
        rests = self.last_recycled + self.cooldown if self.last_recycled and self.cooldown else None
        return choose(self.pieces, at, cooldown_until=rests)

    def after_use(self, series_id: str, at: datetime, *, own: bool) -> Filler:
        """Return it after a use of a piece, by itself or by another."""
        pieces = tuple(
            replace(piece, uses=piece.uses + 1, last_use=at if own else piece.last_use)
            if piece.series_id == series_id
            else piece
            for piece in self.pieces
        )
        return replace(self, pieces=pieces, last_recycled=at if own else self.last_recycled)


def fill(
    slots: Sequence[tuple[datetime, int]], fillers: Mapping[int, Filler]
) -> list[tuple[datetime, int, Piece]]:
    """Return which empty slots are filled, and with what: (instant, account, piece) each.

    `slots` are (instant, account), in order: where several accounts share a piece, its texts follow one
    another in time. Each choice counts as a use for the next; the piece is returned as it was before, so
    that its `uses` are the turn of the text.
    """
    left = dict(fillers)
    filled = []
    for at, key in slots:
        if piece := left[key].choose(at):
            filled.append((at, key, piece))
            left = {
                other: filler.after_use(piece.series_id, at, own=other == key)
                for other, filler in left.items()
            }
    return filled


def _rest(piece: Piece) -> float:
    return piece.last_use.timestamp() if piece.last_use else -math.inf
