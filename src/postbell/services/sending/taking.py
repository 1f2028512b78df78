"""What one ring finds to do: what is given up, what is claimed, and why something of it is late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from postbell.domain.post import LATE_AFTER, Delivery
from postbell.services.context import Context
from postbell.services.sending.caution import Look
from postbell.services.sending.lateness import Why, give_up_late
from postbell.store import glance, overdue, pauses, queue
from postbell.store.queue import Claim


#: So exactly the beginning of a first try is stored.
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What one ring found."""

    missed: list[Delivery]
    claims: list[Claim]
    #: Whether there may be more to be missed, before which nothing is claimed.
    more: bool
    #: When there is more to claim; None if it is known that there is now, or never.
    next_at: datetime | None = None
    #: The one of the claims during whose last try a process ended.
    suspect: Claim | None
    #: Whether there may be more of that kind.
    wary: bool


def take_due(
    tx: Connection, ctx: Context, look: Look, limit: int, why: Why, *, wary: bool, at: datetime | None
) -> Taken | None:
    """Claim what is due, now or `at` a time soon; give up what is too late, and say why what is late is.

    If a process ended during the last try of something, nobody knows what it was that ended it. Such are
    tried one at a time, so that the one that ends processes soon stands alone; `wary` says that there may be
    some, and that none is under way. Returns None if the clock was set a moment ago, as a `look` tells that
    was had in this transaction: nothing was done.
    """
    if look.is_far:
        return None
    now = max(look.now, at or look.now)
    pauses.end_pauses(tx, now)
    missed, more = give_up_late(tx, now, ctx.late_limit, why)
    if more:  # nothing may be published before all of it is done
        return Taken(missed=missed, claims=[], more=True, suspect=None, wary=wary)
    suspects = queue.claim_due(tx, now, 1, ctx.media.path_of, suspects=True) if wary else []
    found = suspects + queue.claim_due(tx, now, limit - len(suspects), ctx.media.path_of)
    claims = _tell_late(tx, [claim for claim in found if _is_in_budget(tx, ctx, claim, now)], now, why)
    still_wary = wary and (bool(suspects) or queue.has_suspects(tx))
    ids = {claim.attempt_id for claim in suspects}
    suspect = next((claim for claim in claims if claim.attempt_id in ids), None)
    next_at = glance.next_change(tx, now) if len(found) < limit else None
    if len(claims) < len(found):
        next_at = now  # in the place of what was put off something else may be claimed
    return Taken(
        missed=missed,
        claims=claims,
        more=False,
        next_at=next_at,
        suspect=suspect,
        wary=still_wary,
    )


def _tell_late(tx: Connection, claims: Sequence[Claim], now: datetime, why: Why) -> list[Claim]:
    """Store of each claim that is late why it is, also of what was begun in time; return the claims so."""
    reasons = {each.delivery.id: why(each.delivery, each.account) for each in claims if _is_untold(each, now)}
    overdue.record_late(tx, reasons)

    def told(claim: Claim) -> Claim:
        reason = reasons.get(claim.delivery.id)
        return replace(claim, delivery=replace(claim.delivery, late_reason=reason)) if reason else claim

    return [told(claim) for claim in claims]


def _is_untold(claim: Claim, now: datetime) -> bool:
    """Whether more may be known of why a claim is late than is stored: of a first try a pause says it all."""
    due_at, begun_at = claim.delivery.due_at, claim.delivery.begun_at
    assert due_at is not None, "what is claimed has a time"
    assert begun_at is not None, "what is claimed has begun"
    again = now - begun_at >= _MILLISECOND
    return now - due_at > LATE_AFTER and (again or claim.delivery.late_reason is None)


def _is_in_budget(tx: Connection, ctx: Context, claim: Claim, now: datetime) -> bool:
    """Whether something may be tried now; if not, it is put off. A first try is never put off for that."""
    if claim.delivery.tries > 1 and claim.account.setbacks:
        at = ctx.budget.ask(claim.delivery.id, now)
        if at > now:
            queue.put_off(tx, claim, "it waits for its turn: much is tried again at the moment", at)
            return False
    return True
