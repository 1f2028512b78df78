"""What series will make, and libraries will fill, beyond what is stored; nothing is made for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter

from sqlalchemy import Connection

from postbell.domain import library
from postbell.domain.account import Account
from postbell.domain.content import Content, resolve
from postbell.domain.library import Piece
from postbell.domain.pause import PauseScope
from postbell.domain.recurrence import Occurrence
from postbell.domain.series import Series
from postbell.domain.states import Outcome
from postbell.services.accounts.holds import Holds
from postbell.services.context import Context
from postbell.services.plan.filling import shelf_of
from postbell.services.plan.making import reading
from postbell.store import calendar, occurrences
from postbell.store import series as series_store


#: No change of clocks is greater, and slots are named by clocks.
_MARGIN = timedelta(days=2)
#: More series than there are.
_ALL = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Coming:
    """One post for one account, as far as it is known now."""

    #: When it is due (aware UTC).
    at: datetime
    account: str
    network: str
    content: Content
    #: None where its series has not made the post yet.
    post_id: str | None = None
    series_id: str | None = None
    #: How it ended; None while it has not.
    outcome: Outcome | None = None
    #: Whether it is a dated draft: a reminder that is never published by itself.
    draft: bool = False
    #: What will hold it back at its time, as far as is known now; without a full stop.
    held: str | None = None


@dataclass(kw_only=True)
class _Maker:
    """A series with times of its own, and how far it is read."""

    series: Series
    #: What it has still to make; those that have their posts already are left out.
    rest: Iterator[Occurrence]
    head: Occurrence | None
    #: Which of its posts the head is, counted from 0.
    turn: int


@dataclass(kw_only=True)
class _Filler:
    """An account whose empty posting times libraries fill."""

    account: Account
    slots: Iterator[Occurrence]
    head: Occurrence | None
    #: With all of its pieces, also those that are paused now.
    shelf: library.Filler


class Projection:
    """Reads on from now, as a daemon would that runs all the time, and remembers which texts it has used."""

    def __init__(self, ctx: Context, tx: Connection, holds: Holds, now: datetime) -> None:
        self._ctx, self._tx, self._holds, self._now = ctx, tx, holds, now
        self._by_name = {account.name: account for account in holds.accounts.values()}
        self._makers: dict[str, _Maker] = {}
        self._fillers = self._find_fillers()
        #: Pieces of libraries, by their ids; only those that were used here.
        self._pieces: dict[str, Series] = {}
        self._passed_over = self._find_passed_over()
        self._reached = now
        #: What was read already and not yet asked for.
        self._made: list[Coming] = []

    def until(self, stop: datetime) -> list[Coming]:
        """Return what is made for times before `stop` (aware), without what was returned before, in order."""
        # What is to be filled now is filled at one go.
        self._read(max(stop, self._now + self._ctx.fill_ahead))
        found = [each for each in self._made if each.at < stop]
        self._made = [each for each in self._made if each.at >= stop]
        return sorted(found, key=attrgetter("at", "account"))

    def _read(self, stop: datetime) -> None:
        begin = self._reached
        if stop <= begin:
            return
        self._begin_makers(stop)
        own = [coming for maker in self._makers.values() for coming in self._take(maker, stop)]
        taken = self._taken(own, begin, stop)
        slots = [
            (slot.at, filler.account.id, filler)
            for filler in self._fillers
            for slot in _pop(filler, stop)
            if slot.at not in taken[filler.account.id] and self._is_open(filler.account, slot.at)
        ]
        slots.sort(key=lambda each: each[:2])
        filled = [coming for at, _, filler in slots for coming in self._fill(filler, at)]
        self._made += [*own, *filled]
        self._reached = stop

    def _begin_makers(self, stop: datetime) -> None:
        """Load the series that make something before `stop`: each knows when its next post is to be made."""
        due = series_store.due_series(self._tx, stop, _ALL)
        fresh = [series_id for series_id in due if series_id not in self._makers]
        found = series_store.load_series(self._tx, fresh, self._ctx.media.path_of)
        own = [each for each in found if each.library is None]
        if not own:
            return
        least = (min(map(_since, own)) - _MARGIN).date().isoformat()
        taken = occurrences.taken_slots(self._tx, [each.id for each in own], least)
        for each in own:
            rest = _without(taken, each)
            self._makers[each.id] = _Maker(series=each, rest=rest, head=next(rest, None), turn=each.made)

    def _take(self, maker: _Maker, stop: datetime) -> Iterator[Coming]:
        while maker.head and maker.head.at < stop:
            # What has passed gets its posts too: they take their texts.
            if maker.head.at >= self._now:
                for name in maker.series.to:
                    yield self._coming(maker.series, self._by_name[name], maker.turn, maker.head.at)
            maker.turn += 1
            maker.head = next(maker.rest, None)

    def _taken(self, own: Iterable[Coming], begin: datetime, stop: datetime) -> dict[int, set[datetime]]:
        """Return the times that no library fills, by the id of the account."""
        made: defaultdict[str, set[datetime]] = defaultdict(set)
        for each in own:
            made[each.account].add(each.at)
        return {
            filler.account.id: {
                *calendar.taken_times(self._tx, filler.account.id, begin, stop),
                *occurrences.skipped_times(self._tx, filler.account.id, begin, stop),
                *made[filler.account.name],
            }
            for filler in self._fillers
        }

    def _is_open(self, account: Account, at: datetime) -> bool:
        ends = [pause.until for pause in self._holds.pauses if pause.scope is PauseScope.EVERYTHING]
        return not account.is_paused(at) and all(end is not None and end <= at for end in ends)

    def _fill(self, filler: _Filler, at: datetime) -> Iterator[Coming]:
        # It is tried when the posting time comes near, and as long as it stays empty again and again.
        near = max(self._now, at - self._ctx.fill_ahead)
        piece = self._choose(filler, at, near)
        if piece is None and self._passed_over:
            piece = self._choose(filler, at, at)
        if piece:
            yield self._coming(self._piece(piece.series_id), filler.account, piece.uses, at)
            self._note_use(filler, piece, at)

    def _choose(self, filler: _Filler, at: datetime, chosen_at: datetime) -> Piece | None:
        passed_over = {
            piece
            for until, pieces in self._passed_over
            if until is None or until > chosen_at
            for piece in pieces
        }
        pieces = tuple(piece for piece in filler.shelf.pieces if piece.series_id not in passed_over)
        return replace(filler.shelf, pieces=pieces).choose(at)

    def _note_use(self, user: _Filler, used: Piece, at: datetime) -> None:
        for filler in self._fillers:
            filler.shelf = filler.shelf.after_use(used.series_id, at, own=filler is user)

    def _piece(self, series_id: str) -> Series:
        if series_id not in self._pieces:
            (self._pieces[series_id],) = series_store.load_series(
                self._tx, [series_id], self._ctx.media.path_of
            )
        return self._pieces[series_id]

    def _coming(self, series: Series, account: Account, turn: int, at: datetime) -> Coming:
        base, overrides = reading(series, turn)
        content, _ = resolve(base, overrides, network=account.network, account=account.name)
        return Coming(
            at=at,
            account=account.name,
            network=account.network,
            content=content,
            series_id=series.id,
            held=self._holds.reason(at, account_id=account.id, series_id=series.id, labels=series.labels),
        )

    def _find_fillers(self) -> list[_Filler]:
        fillers = []
        for account in self._holds.accounts.values() if series_store.any_pieces(self._tx) else ():
            shelf = shelf_of(self._tx, account, passed_over=set())
            if account.slots and shelf.pieces:
                slots = account.slots.occurrences(self._now)
                fillers.append(_Filler(account=account, slots=slots, head=next(slots, None), shelf=shelf))
        return fillers

    def _find_passed_over(self) -> list[tuple[datetime | None, set[str]]]:
        """Return which pieces are paused, and until when; None stands for without end."""
        found: list[tuple[datetime | None, set[str]]] = []
        for pause in self._holds.pauses:
            if pause.scope is PauseScope.SERIES:
                found.append((pause.until, {pause.name}))
            elif pause.scope is PauseScope.LABEL:
                found.append((pause.until, set(series_store.labelled_pieces(self._tx, [pause.name]))))
        return found


def _pop(filler: _Filler, stop: datetime) -> Iterator[Occurrence]:
    while filler.head and filler.head.at < stop:
        yield filler.head
        filler.head = next(filler.slots, None)


def _since(series: Series) -> datetime:
    return series.made_until or series.created_at


def _without(taken: set[tuple[str, str]], series: Series) -> Iterator[Occurrence]:
    for occurrence in series.rule.occurrences(_since(series)):
        if (series.id, occurrence.key) not in taken:
            yield occurrence
