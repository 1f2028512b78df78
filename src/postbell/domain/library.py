"""Libraries: which recycled piece fills an empty slot of an account."""

from __future__ import annotations

import math
from collections.abc import Sequence
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


def fill(
    slots: Sequence[datetime],
    pieces: Sequence[Piece],
    *,
    cooldown: timedelta | None,
    last_recycled: datetime | None,
) -> list[tuple[datetime, Piece]]:
    """Return which empty slots (aware, in order) of one account are filled, and with what.

    Each choice counts as a use for the next; the piece is returned as it was before. `cooldown` is the least
    distance between two recycled posts of the account, `last_recycled` when its last one was.
    """
    left = {piece.series_id: piece for piece in pieces}
    filled = []
    for slot in slots:
        until = last_recycled + cooldown if last_recycled and cooldown else None
        if piece := choose(list(left.values()), slot, cooldown_until=until):
            filled.append((slot, piece))
            left[piece.series_id] = replace(piece, uses=piece.uses + 1, last_use=slot)
            last_recycled = slot
    return filled


def _rest(piece: Piece) -> float:
    return piece.last_use.timestamp() if piece.last_use else -math.inf
