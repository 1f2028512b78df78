"""Series in the database: what goes in comes out, and the hot question is answered by an index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from postbell.domain.calendar_days import ShortMonth, Weekday
from postbell.domain.content import Content, Override
from postbell.domain.recurrence import Recurrence, Unit
from postbell.domain.recycling import Gap, GapUnit, Recycling
from postbell.domain.series import Series
from postbell.domain.states import SeriesState
from postbell.store import media, series
from postbell.store.engine import Store
from support.repeating import daily, piece
from support.world import START, add_account, locate, open_store, picture


DAY = timedelta(days=1)
RULES: list[Recurrence | Recycling] = [
    daily("09:00", "17:30", zone="Europe/Berlin", last=date(2027, 1, 31), interval=3),
    daily(every=Unit.WEEK, weekdays=(Weekday(day=0), Weekday(day=4)), count=7),
    daily(every=Unit.MONTH, days=(1, -1), short_month=ShortMonth.SKIP),
    daily(every=Unit.YEAR, months=(2, 7), weekdays=(Weekday(day=1, nth=2),)),
    Recurrence(cron="0 9 * * 1-5", zone="UTC", first=date(2026, 11, 1)),
    piece(3, count=5, last=date(2027, 5, 1)),
    Recycling(gap=Gap(count=5, unit=GapUnit.MONTHS), first=START.replace(tzinfo=None), zone="Asia/Tokyo"),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        add_account(opened, "ann")
        yield opened


def _series(name: str = "aaaa2222", **more: object) -> Series:
    values = {"id": name, "rule": daily(), "content": Content(text="Hello"), "to": ("ann",)}
    times = {"created_at": START, "updated_at": START, "next_at": START}
    return Series(**values | times | more)  # type: ignore[arg-type]


def _insert(store: Store, *new: Series) -> None:
    with store.write() as tx:
        for each in new:
            media.record_media(tx, each.content.media, START)
            series.insert_series(tx, each, [1])


def _all(store: Store) -> list[Series]:
    with store.read() as tx:
        return series.list_series(tx, None, locate)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_every_kind_of_rule_comes_out_as_it_went_in(store: Store, rule: Recurrence | Recycling) -> None:
    new = _series(rule=rule)
    _insert(store, new)
    assert _all(store) == [new]


def test_everything_that_a_series_says_comes_out_as_it_went_in(store: Store) -> None:
    new = _series(
        content=Content(text="a", title="T", link="https://example.org", media=(picture(1), picture(2))),
        variants=("b", "c"),
        overrides={"ann": Override(text="A", options={"x": 1})},
        labels=("news", "old"),
        late_limit=timedelta(hours=3),
        delete_after=DAY,
        made=7,
        made_until=START + DAY,
    )
    _insert(store, new)
    assert _all(store) == [new]


def test_only_active_series_whose_time_has_come_are_due_and_the_first_comes_first(store: Store) -> None:
    times = {"later222": 3 * DAY, "second22": 2 * DAY, "first222": DAY}
    _insert(store, *(_series(name, next_at=START + at) for name, at in times.items()))
    _insert(store, _series("ended222", state=SeriesState.ENDED, next_at=START))
    _insert(store, _series("piece222", rule=piece(), next_at=None))
    with store.read() as tx:
        assert series.due_series(tx, START + 2 * DAY, 10) == ["first222", "second22"]
        assert series.due_series(tx, START + 2 * DAY, 1) == ["first222"]


def test_the_question_which_series_are_due_is_answered_by_its_index(store: Store) -> None:
    with store.read() as tx:
        statement = str(series._DUE.compile(dialect=tx.dialect))
        plan = tx.execute(text(f"EXPLAIN QUERY PLAN {statement.replace('?', '1')}")).all()
    assert ["ix_series_next (state=? AND next_at<?)" in row.detail for row in plan] == [True]


def test_how_far_it_has_come_is_no_change_by_the_user(store: Store) -> None:
    new = _series()
    _insert(store, new)
    advanced = replace(new, made=3, made_until=START + DAY, next_at=None, state=SeriesState.ENDED)
    with store.write() as tx:
        series.advance_series(tx, [advanced])
        series.advance_series(tx, [])
    assert _all(store) == [advanced]


def test_accounts_that_stay_keep_when_they_used_a_piece(store: Store) -> None:
    add_account(store, "bob")
    new = _series(rule=piece(), next_at=None)
    _insert(store, new)
    with store.write() as tx:
        series.mark_used(tx, [(new.id, 1, START)])
        series.mark_used(tx, [])
        series.update_series(tx, new, [1, 2])
        assert [each.last_use for user in (1, 2) for each in series.list_pieces(tx, user)] == [START, None]
        assert (series.last_recycled(tx, 1), series.last_recycled(tx, 2)) == (START, None)
        assert series.last_recycled(tx, 3) is None
    assert _all(store)[0].to == ("ann", "bob")


def test_very_many_series_are_read_in_parts(store: Store) -> None:
    _insert(store, *(_series(f"s{n:07}") for n in range(501)))
    assert len(_all(store)) == 501
    with store.read() as tx:
        assert len(series.with_own_times(tx, [each.id for each in _all(store)])) == 501


def test_a_rule_is_read_once_however_often_it_is_loaded() -> None:
    stored = series.rule_json(daily("09:00", first=date(2020, 1, 1)))
    assert series.rule_from(stored) is series.rule_from(dict(stored))
