"""How many posts a network takes from an account within a day or a month."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from postbell.errors import Invalid, Problem


class Per(StrEnum):
    """What a quota is for."""

    #: Any 24 hours.
    DAY = "day"
    #: Any 30 days.
    MONTH = "month"


@dataclass(frozen=True, kw_only=True)
class Quota:
    """The most posts within a span, wherever that begins."""

    #: None lifts the network's own quota.
    most: int | None
    per: Per


_SPANS = {Per.DAY: timedelta(hours=24), Per.MONTH: timedelta(days=30)}
_WORDS = {Per.DAY: "24 h", Per.MONTH: "30 d"}


def in_force(network: Sequence[Quota], account: Sequence[Quota]) -> tuple[Quota, ...]:
    """Return the quotas of a network as an account has adjusted them, without those that it lifted."""
    strongest = {quota.per: quota for quota in (*network, *account)}
    return tuple(quota for per in Per if (quota := strongest.get(per)) and quota.most is not None)


def peak(times: Sequence[datetime], at: datetime, span: timedelta) -> int:
    """Return the most posts in any window of length `span` that contains `at`, with one more at `at` itself.

    `times` are those of the other posts, in any order. Two posts exactly `span` apart share no window.
    """
    near = sorted([at, *(time for time in times if at - span < time < at + span)])
    # The fullest window can be moved on until it begins with a post; the one at `at` is the last possible.
    return max(
        bisect_left(near, time + span) - number
        for number, time in enumerate(near[: bisect_left(near, at) + 1])
    )


def over(quotas: Sequence[Quota], times: Sequence[datetime], at: datetime) -> list[str]:
    """Return a sentence without its full stop for each quota that one more post at `at` would exceed.

    `times` are those of the other posts of the account, published and scheduled, in any order.
    """
    return [
        f"it would be post {found} within {_WORDS[quota.per]}; the network takes {quota.most} a {quota.per}"
        for quota in quotas
        if quota.most is not None and (found := peak(times, at, _SPANS[quota.per])) > quota.most
    ]


def parse_quotas(texts: Sequence[str], *, where: str = "--quota") -> tuple[Quota, ...]:
    """Return the quotas that texts like `day=25`, `month=500` and `day=none` mean.

    Raises Invalid about `where` with everything that is wrong.
    """
    quotas: dict[Per, Quota] = {}
    problems = []
    for text in texts:
        found = re.fullmatch(r"(?ai) *(day|month) *= *(none|0*[1-9]\d{0,8}) *", text)
        if not found:
            problems.append(f'"{text[:80]}" is not a quota; write day=25, month=500 or day=none.')
        elif (per := Per(found[1].lower())) in quotas:
            problems.append(f"{per} is given twice; give it once.")
        else:
            most = None if found[2].lower() == "none" else int(found[2])
            quotas[per] = Quota(most=most, per=per)
    if problems:
        raise Invalid(Problem(where=where, message=message) for message in problems)
    return tuple(quotas.values())


def quotas_text(quotas: Sequence[Quota]) -> list[str]:
    """Return the texts from which `parse_quotas` reads these quotas."""
    return [f"{quota.per}={'none' if quota.most is None else quota.most}" for quota in quotas]
