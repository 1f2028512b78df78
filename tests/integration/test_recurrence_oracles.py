"""Recurring times against three others: a walk over all days with `whenever`, systemd, and dateutil."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise, takewhile
from random import Random
from zoneinfo import ZoneInfo

import pytest

from postbell.domain.recurrence import Occurrence, Recurrence, ShortMonth, Unit
from support.oracles import by_dateutil, by_systemd, expected, expression
from support.rules import Sample, changing_zones, plain, sample_near


SEED = 20371231
#: Rules, each asked after an instant of its own.
SAMPLES = 50_000
SPECIAL = ("Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "America/St_Johns", "Antarctica/Troll")


def ours(sample: Sample) -> list[Occurrence]:
    return list(takewhile(lambda found: found.at <= sample.until, sample.rule.occurrences(sample.after)))


def samples(rng: Random, total: int) -> list[Sample]:
    """Take every zone in turn, and the special ones fifty times as often."""
    zones = [*changing_zones(), *SPECIAL * 50]
    names = (zones * (total // len(zones) + 1))[:total]
    return [sample_near(rng, name, rng.choice(changing_zones()[name])) for name in names]


def held(sample: Sample, found: Sequence[Occurrence]) -> None:
    """Assert what is true of any rule: in order, inside its bounds, one for each local slot."""
    rule, zone = sample.rule, ZoneInfo(sample.rule.zone)
    assert all(one.at < two.at for one, two in pairwise(found))
    assert len({one.key for one in found}) == len(found)
    for one in found:
        wall = datetime.fromisoformat(one.key)
        assert one.at > sample.after
        assert rule.first <= wall.date() <= (rule.last or date.max)
        assert one.local == one.at.astimezone(zone).replace(tzinfo=None, fold=0) >= wall
        assert ("does not exist" in (one.note or "")) == (one.local != wall)
        assert one.at.utcoffset() == timedelta(0)


def tell(counted: Counter[str]) -> None:
    print(", ".join(f"{number} {name}" for name, number in sorted(counted.items())))  # noqa: T201


def count(counted: Counter[str], sample: Sample, found: Sequence[Occurrence]) -> None:
    rule = sample.rule
    counted["rules"] += 1
    counted["rules with times"] += bool(found)
    counted[f"by {rule.every or 'cron line'}"] += 1
    for one in found:
        counted["times"] += 1
        counted["moved"] += "does not exist" in (one.note or "")
        counted["of a doubled hour"] += "comes twice" in (one.note or "")
        counted["on the day that Apia lost"] += rule.zone.endswith("Apia") and one.key[:10] == "2011-12-30"
        counted["on 29 February"] += one.key[5:10] == "02-29"
        counted["on a 31st"] += one.key[8:10] == "31"
        counted["for a 31st, clamped"] += rule.days == (31,) and one.key[8:10] != "31"


def test_it_agrees_with_whenever_on_fifty_thousand_rules_over_all_zones_that_change() -> None:
    counted: Counter[str] = Counter()
    seen = set()
    for sample in samples(Random(SEED), SAMPLES):
        found = ours(sample)
        wanted = expected(sample.rule, sample.after, sample.until)
        assert [(one.key, one.at) for one in found] == list(wanted.items()), sample
        held(sample, found)
        count(counted, sample, found)
        seen |= {sample.rule.zone} if found else set()
    tell(counted)
    assert seen == set(changing_zones())
    assert counted["rules"] >= 50_000
    assert counted["rules with times"] >= 20_000
    assert counted["times"] >= 100_000
    assert counted["on the day that Apia lost"] >= 5
    assert counted["on 29 February"] >= 100
    assert counted["for a 31st, clamped"] >= 100
    assert counted["moved"] >= 1000
    assert counted["of a doubled hour"] >= 1000


@pytest.mark.parametrize(
    ("zone", "times", "day", "wanted"),
    [
        # Half an hour is left out at 02:00, and comes twice before 02:00.
        ("Australia/Lord_Howe", [time(2, 15), time(2, 45)], date(2026, 10, 4), ["02:45>02:45"]),
        ("Australia/Lord_Howe", [time(2, 0), time(2, 29)], date(2026, 10, 4), ["02:00>02:30", "02:29>02:59"]),
        ("Australia/Lord_Howe", [time(1, 45)], date(2026, 4, 5), ["01:45>01:45"]),
        # The whole day is left out.
        ("Pacific/Apia", [time(10), time(23, 59)], date(2011, 12, 30), []),
        ("Africa/Casablanca", [time(2, 30)], date(2026, 3, 22), ["02:30>03:30"]),
    ],
)
def test_the_odd_days_are_as_the_policy_says(
    zone: str, times: list[time], day: date, wanted: list[str]
) -> None:
    rule = Recurrence(every=Unit.DAY, times=tuple(times), zone=zone, first=day - timedelta(days=3))
    midnight = datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)
    sample = Sample(rule=rule, after=midnight - timedelta(days=2), until=midnight + timedelta(days=3))
    found = ours(sample)
    assert [(one.key, one.at) for one in found] == list(expected(rule, sample.after, sample.until).items())
    assert [f"{one.key[11:]}>{one.local:%H:%M}" for one in found if one.key[:10] == str(day)] == wanted


@pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed (apt: systemd)"
)
def test_it_agrees_with_systemd_save_where_the_policies_for_the_clocks_differ() -> None:
    rng = Random(SEED)
    counted: Counter[str] = Counter()
    for _ in range(30):
        base, rules = nearby_rules(rng, 12)
        answers = by_systemd([expression(rule) for rule in rules], base, 20)
        for rule, theirs in zip(rules, answers, strict=True):
            counted["rules"] += 1
            counted["times"] += len(theirs)
            counted["rules with which systemd runs in a circle"] += not theirs
            sample = Sample(rule=rule, after=base, until=theirs[-1] if theirs else base)
            counted += explained(rule, ours(sample), theirs)
    tell(counted)
    assert counted["rules"] >= 300
    assert counted["times"] >= 6000
    assert counted["moved by us, left out by systemd"] >= 30


def nearby_rules(rng: Random, total: int) -> tuple[datetime, list[Recurrence]]:
    """Return an instant, and rules of zones whose clocks change in the days after it."""
    changes = changing_zones()
    base = rng.choice(changes[rng.choice(sorted(changes))]) - timedelta(days=3)
    near = [
        (name, change)
        for name in sorted(changes)
        for change in changes[name]
        if base < change < base + timedelta(days=9)
    ]
    rules = []
    for name, change in rng.choices(near, k=total):
        zone = ZoneInfo(name)
        first = base.astimezone(zone).date()
        rules.append(plain(rng, name, change.astimezone(zone).replace(tzinfo=None), first, last=False))
    return base, rules


def explained(rule: Recurrence, found: Sequence[Occurrence], theirs: Sequence[datetime]) -> Counter[str]:
    """Assert that both have the same times but for the policies, and count those.

    A time that clocks leave out we move forward by the gap, and systemd leaves it out too. Of a time that
    comes twice we take the first, and systemd sometimes the second. Where the time left out ends a daylight
    time that is behind the standard one (Casablanca, Dublin), systemd loses the rest of that day.
    """
    counted: Counter[str] = Counter()
    zone = ZoneInfo(rule.zone)
    mine = {one.at: one for one in found}
    missing = mine.keys() - set(theirs)
    twins = {at: (at.astimezone(zone).replace(fold=1)).astimezone(UTC) for at in missing}
    for at in missing:
        one = mine[at]
        wall = datetime.fromisoformat(one.key).replace(tzinfo=zone)
        if one.local != wall.replace(tzinfo=None):
            # Before the change clocks are behind by as much as it leaves out.
            gap = wall.replace(fold=0).astimezone(UTC) - wall.replace(fold=1).astimezone(UTC)
            assert one.local - wall.replace(tzinfo=None) == gap > timedelta(0), one
            counted["moved by us, left out by systemd"] += 1
        elif twins[at] != at:
            assert twins[at] in theirs, one
            counted["of a doubled hour, the second for systemd"] += 1
        else:
            assert (wall - timedelta(days=1)).dst() == timedelta(hours=-1), one
            assert wall.dst() == timedelta(0), one
            assert any(not_shown(datetime.combine(wall, time), zone) for time in rule.times), one
            counted["later on that day, lost by systemd"] += 1
    assert set(theirs) - mine.keys() <= set(twins.values()), rule
    return counted


def not_shown(wall: datetime, zone: ZoneInfo) -> bool:
    """Say whether clocks leave a time out, by going to UTC and back."""
    return wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) != wall


def test_it_agrees_with_dateutil_on_the_times_that_a_rule_says() -> None:
    rng = Random(SEED)
    counted: Counter[str] = Counter()
    for _ in range(400):
        first = date(rng.randrange(2000, 2037), rng.randrange(1, 13), rng.randrange(1, 29))
        near = datetime.combine(first, time(rng.randrange(24), rng.randrange(60)))
        rule = replace(plain(rng, "UTC", near, first, last=True), interval=rng.randrange(1, 9))
        rule = replace(rule, count=rng.choice([None, None, 1, 17]), short_month=ShortMonth.SKIP)
        found = [one.key for one in islice(rule.occurrences(), 40)]
        until = date.fromisoformat(found[-1][:10]) if found else date(2200, 1, 1)
        assert found == by_dateutil(rule, until)[:40], rule
        counted["rules"] += 1
        counted["times"] += len(found)
    tell(counted)
    assert counted["times"] >= 8000
