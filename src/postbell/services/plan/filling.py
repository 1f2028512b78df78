"""Libraries fill the empty posting times of accounts with the piece least recently used."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from postbell.domain import library
from postbell.domain.account import Account
from postbell.domain.library import Filler, Piece
from postbell.domain.pause import Pause, PauseScope
from postbell.domain.post import PlacedBy
from postbell.domain.recurrence import Occurrence
from postbell.domain.recycling import Recycling
from postbell.domain.series import Series
from postbell.domain.zones import wall_to_instant
from postbell.services.context import Context
from postbell.services.plan.making import Turn, make
from postbell.services.plan.planning import Place
from postbell.store import accounts as account_store
from postbell.store import calendar, occurrences, pauses
from postbell.store import series as series_store


def fill_libraries(tx: Connection, ctx: Context, now: datetime) -> int:
    """Fill the posting times that nothing is planned for within `ctx.fill_ahead`; return how many that were.

    A time stays empty where the user has cancelled what filled it, and while the account or everything is
    paused; a piece is passed over while it, or one of its labels, is paused.
    """
    if not series_store.any_pieces(tx):
        return 0
    held = pauses.list_pauses(tx, now)
    by_id = {each.id: each for each in account_store.list_accounts(tx) if each.slots and each.slots.times}
    end = now + ctx.fill_ahead
    empty = {
        (slot.at, account.id): slot
        for account in by_id.values()
        for slot in _empty_slots(tx, account, now, end)
        if _is_open(held, slot.at)
    }
    passed_over = _paused_pieces(tx, held) if empty else set()
    fillers = {key: shelf_of(tx, by_id[key], passed_over) for key in {key for _, key in empty}}
    # What the user has moved away keeps its slot: its piece does not fill that a second time.
    filled = [
        (empty[at, key], by_id[key], piece)
        for at, key, piece in library.fill(sorted(empty), fillers)
        if not occurrences.ids_of_slots(tx, piece.series_id, [_key(by_id[key], empty[at, key])])
    ]
    _make(tx, ctx, filled, now)
    return len(filled)


def over_at(rule: Recycling, horizon: timedelta) -> datetime | None:
    """Return for the `next_at` of a library piece when its last day is over; None if it has none."""
    if rule.last is None:
        return None
    midnight = datetime.combine(rule.last + timedelta(days=1), time.min)
    return wall_to_instant(midnight, ZoneInfo(rule.zone))[0] + horizon


def library_turn(series: Series, account: Account, slot: Occurrence, zone: str) -> Turn:
    """Return the next turn of a piece, to fill a posting time of an account."""
    said = f"fills the empty slot {slot.local:%a %H:%M} of {account.name} from library {series.library}"
    return Turn(
        series=series,
        occurrence=replace(slot, key=_key(account, slot)),
        zone=zone,
        number=series.made,
        accounts=[account],
        places={account.id: Place(at=slot.at, by=PlacedBy.LIBRARY, why=said)},
    )


def _key(account: Account, slot: Occurrence) -> str:
    return f"{account.id}:{slot.key}"


def _is_open(held: list[Pause], at: datetime) -> bool:
    """Whether everything that is paused as a whole goes on by then."""
    ends = [pause.until for pause in held if pause.scope is PauseScope.EVERYTHING]
    return all(until is not None and until <= at for until in ends)


def shelf_of(tx: Connection, account: Account, passed_over: Container[str]) -> Filler:
    """Return what an account fills its empty slots from: its pieces but for the ids `passed_over`."""
    pieces = series_store.list_pieces(tx, account.id)
    return Filler(
        pieces=tuple(piece for piece in pieces if piece.series_id not in passed_over),
        cooldown=account.cooldown,
        last_recycled=series_store.last_recycled(tx, account.id),
    )


def _make(
    tx: Connection, ctx: Context, filled: list[tuple[Occurrence, Account, Piece]], now: datetime
) -> None:
    """Store a post for each of these slots, and that its piece was used."""
    ids = list(dict.fromkeys(piece.series_id for _, _, piece in filled))
    found = {each.id: each for each in series_store.load_series(tx, ids, ctx.media.path_of)}
    turns = []
    for slot, account, piece in filled:
        series = found[piece.series_id]
        turns.append(library_turn(series, account, slot, account.slots.zone if account.slots else "UTC"))
        found[series.id] = _used(series, slot.at, ctx.horizon)
    make(tx, ctx, turns, now)
    series_store.mark_used(tx, [(piece.series_id, account.id, slot.at) for slot, account, piece in filled])
    series_store.advance_series(tx, found.values())


def _empty_slots(tx: Connection, account: Account, now: datetime, end: datetime) -> list[Occurrence]:
    assert account.slots is not None, "only accounts with posting times are filled"
    slots = takewhile(lambda slot: slot.at <= end, account.slots.occurrences(now))
    taken = {
        *calendar.taken_times(tx, account.id, now, end),
        *occurrences.skipped_times(tx, account.id, now, end),
    }
    return [slot for slot in slots if slot.at not in taken and not account.is_paused(slot.at)]


def _paused_pieces(tx: Connection, held: list[Pause]) -> set[str]:
    labels = [pause.name for pause in held if pause.scope is PauseScope.LABEL]
    return {
        *(pause.name for pause in held if pause.scope is PauseScope.SERIES),
        *(series_store.labelled_pieces(tx, labels) if labels else ()),
    }


def _used(series: Series, at: datetime, horizon: timedelta) -> Series:
    """Return a piece after one more use; where that was its last, it ends when this has come."""
    made = series.made + 1
    assert isinstance(series.rule, Recycling), "only recycled posts belong to a library"
    over = series.rule.ends_before(at, made)
    return replace(series, made=made, next_at=at + horizon if over else series.next_at)
