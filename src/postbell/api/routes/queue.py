"""Queues: the posting times of accounts, and the posts that take them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Query
from pydantic import Field

from postbell.api import plan_models
from postbell.api.asked import MOST, Asked, Whole
from postbell.api.call import Answer, Running, tag_of
from postbell.api.resource import Call, Resource
from postbell.api.routes.accounts import Name
from postbell.domain.access import Scope
from postbell.domain.weekly import WeeklySlots, parse_days_off, parse_weekly
from postbell.domain.zones import zone_named
from postbell.errors import Invalid, Noting, Problem
from postbell.services.accounts.accounts import get_account
from postbell.services.plan import queueing
from postbell.shapes.base import stamp
from postbell.shapes.plan import seat_json, slots_json


resource = Resource(
    "queue", "Queues: the posting times of accounts, and the posts that take them.", path="/api/v1/accounts"
)


class SlotsAsked(Asked):
    """All of the weekly posting times of an account; without any times it has none."""

    times: list[str] = Field(
        description="Lines of days and times; empty takes all of them away.",
        max_length=MOST,
        examples=[["mon-fri 09:00,17:30", "sat 11:00"]],
    )
    zone: str | None = Field(
        None,
        description="The zone whose clocks count; left out: as before, or that of the configuration.",
        examples=["Europe/Berlin"],
    )
    days_off: list[str] | None = Field(
        None,
        description="All days without posts, single or A..B; left out: as before.",
        max_length=1000,
        examples=[["2026-12-24..2026-12-26"]],
    )


class OrderAsked(Asked):
    """Another order of a queue."""

    posts: list[str] = Field(
        description="The ids of the posts that come first, in this order.",
        min_length=1,
        max_length=500,
        examples=[["k7f2m9qx"]],
    )


class ShuffleAsked(Asked):
    """Any order of a queue."""

    seed: Whole | None = Field(None, description="The same number always gives the same order.", examples=[7])


@resource.get(
    "/{name}/slots", "Read posting times", returns=plan_models.Slots, refuses=(404,), unchanged=True
)
def slots(call: Call, name: Name) -> Answer:
    """Read the weekly posting times of an account, its days off, and what is queued at other times."""
    return _told(call, name)


@resource.serve(
    "PUT",
    "/{name}/slots",
    "Replace posting times",
    needs=Scope.ACCOUNTS,
    returns=plan_models.Slots,
    refuses=(404, 412),
    sends=("ETag",),
)
def set_slots(call: Call, name: Name, asked: SlotsAsked) -> Answer:
    """Give an account other posting times, or none; what is queued keeps its time."""
    with call.unit.write():
        account = get_account(call.ctx, name)
        call.require_match(tag_of(_shown(call, name)))
        wanted = _wanted(asked, account.slots or WeeklySlots(zone=call.ctx.zone.key, times=()))
        queueing.set_slots(call.ctx, name, wanted)
        return _told(call, name)


@resource.get("/{name}/queue", "Read a queue", returns=plan_models.Queue, refuses=(404,))
def queue(
    call: Call,
    name: Name,
    count: Annotated[int, Query(description="How many posting times.", ge=1, le=500)] = 10,
) -> Answer:
    """Read the next posting times of an account and what is published then; the first free one is told."""
    roster = queueing.list_queue(call.ctx, name, count)
    free = next((seat.at for seat in roster.seats if seat.slot and not seat.posts), None)
    return Answer(
        body={
            "account": name,
            "zone": roster.account.slots.zone if roster.account.slots else None,
            "seats": [seat_json(name, seat) for seat in roster.seats],
            "next_free": stamp(free),
            "later": roster.later,
        }
    )


@resource.serve(
    "POST",
    "/{name}/queue/reorder",
    "Reorder a queue",
    needs=Scope.PUBLISH,
    returns=plan_models.Moved,
    refuses=(404,),
)
def reorder(call: Call, name: Name, asked: OrderAsked) -> Answer:
    """Put these posts first in the queue of an account; the others follow as they did."""
    return _moved(name, queueing.reorder(call.ctx, name, asked.posts))


@resource.serve(
    "POST",
    "/{name}/queue/shuffle",
    "Shuffle a queue",
    needs=Scope.PUBLISH,
    returns=plan_models.Moved,
    refuses=(404,),
)
def shuffle(call: Call, name: Name, asked: ShuffleAsked | None = None) -> Answer:
    """Put what is queued for an account in any order."""
    return _moved(name, queueing.shuffle(call.ctx, name, asked.seed if asked else None))


def _wanted(asked: SlotsAsked, before: WeeklySlots) -> WeeklySlots | None:
    """Return the posting times that are asked for; raises Invalid with every problem."""
    noting, found = Noting(), before
    if zone := noting(lambda: zone_named(asked.zone, where="--tz") if asked.zone else None):
        found = replace(found, zone=zone.key)
    times = noting(lambda: parse_weekly(asked.times, where="TIMES"))
    days = noting(lambda: parse_days_off(asked.days_off or (), where="--off"))
    if not asked.times and (asked.zone or asked.days_off):
        message = "without posting times there is neither a zone nor days off."
        noting.problems.append(Problem(where="TIMES", message=message))
    if noting.problems:
        raise Invalid(noting.problems)
    found = replace(
        found, times=times or (), days_off=found.days_off if asked.days_off is None else days or ()
    )
    return found if found.times else None


def _shown(call: Running, name: str) -> dict[str, object]:
    account = get_account(call.ctx, name)
    return slots_json(name, account.slots, queueing.list_outside(call.ctx, name))


def _told(call: Running, name: str) -> Answer:
    shown = _shown(call, name)
    return Answer(body=shown, tag=tag_of(shown))


def _moved(name: str, ids: tuple[str, ...]) -> Answer:
    return Answer(body={"account": name, "moved": list(ids)})
