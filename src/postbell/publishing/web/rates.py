"""What a network says about how much it still takes, and when it will take more. Pure.

Read are, by the names in lower case:

- `retry-after` in seconds or as a date (RFC 9110, 10.2.3);
- `…-limit`, `…-remaining` and `…-reset` after `ratelimit`, `x-ratelimit`, and the three prefixes of X
  (docs.x.com/x-api/fundamentals/rate-limits). The reset is in seconds from now (Pinterest, and the IETF of
  old), in seconds since 1970 (X, Bluesky, Discord) or ISO 8601 (Mastodon);
- `x-ratelimit-reset-after`, seconds from now (discord.com/developers/docs/topics/rate-limits);
- `ratelimit` and `ratelimit-policy` as lists: `"day";r=0;t=3600` and `"day";q=100;w=86400`
  (draft-ietf-httpapi-ratelimit-headers-10);
- `x-app-usage`, `x-page-usage` and `x-business-use-case-usage`: percentages as JSON, the last one with the
  minutes until calls are taken again (developers.facebook.com/docs/graph-api/overview/rate-limiting).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from postbell.publishing.web.json_text import read_json


_PREFIXES = ("ratelimit", "x-ratelimit", "x-rate-limit", "x-app-limit-24hour", "x-user-limit-24hour")
_PERCENTAGES = ("call_count", "total_cputime", "total_time")
#: From this share on of what may be used, an account is slowed down.
_TIGHT = 0.8
#: But never for longer than this: what is left is there to be used.
_MOST_SLOWED = timedelta(minutes=1)
#: The rest where everything is used, and nobody says until when.
_LONG = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class Rest:
    """That a network had better be asked nothing for a while on behalf of an account."""

    #: Aware UTC.
    until: datetime
    reason: str


@dataclass(frozen=True, kw_only=True)
class _Use:
    """How much of one limit is used."""

    #: From 0 to 1, or more.
    share: float
    #: How much is still to be had, if the network counts it.
    remaining: float | None = None
    #: When everything is to be had again, if that is known.
    reset: datetime | None = None

    @property
    def is_up(self) -> bool:
        """Whether nothing is left."""
        return self.share >= 1

    def until(self, now: datetime) -> datetime:
        """Return until when to rest, so that what is left lasts until the reset; a minute at most."""
        if self.share < _TIGHT:
            return now
        evenly = _MOST_SLOWED * ((self.share - _TIGHT) / (1 - _TIGHT))
        if self.remaining is not None and self.reset is not None:
            evenly = (self.reset - now) / (self.remaining + 1)
        return now + min(evenly, _MOST_SLOWED)


def rest_after(headers: Mapping[str, str], *, now: datetime) -> Rest | None:
    """Return for how long an account had better rest after an answer with these headers, if at all.

    Where a limit is used up, until it is reset. Where it is used by four fifths, so long that what remains
    lasts until then, a minute at most.
    """
    uses = list(_uses(headers, now))
    if not uses:
        return None
    if used_up := [use.reset for use in uses if use.is_up]:
        until = max((reset for reset in used_up if reset), default=now + _LONG)
        reason = "the network's rate limit is used up"
    else:
        until = max(use.until(now) for use in uses)
        reason = "the network's rate limit is nearly used up"
    return Rest(until=until, reason=reason) if until > now else None


def reset_time(headers: Mapping[str, str], *, now: datetime) -> datetime | None:
    """Return when a network that takes nothing will listen again; None if it does not say.

    First counts what it asks for, then the limits that are used up, then whatever is reset first.
    """
    if until := _asked(headers, now):
        return until
    uses = [(use.is_up, use.reset) for use in _uses(headers, now) if use.reset]
    if used_up := [reset for is_up, reset in uses if is_up]:
        return max(used_up)
    resets = [reset for prefix in _PREFIXES if (reset := _reset(headers, prefix, now))]
    return min([*resets, *(reset for _is_up, reset in uses)], default=None)


def asked_time(headers: Mapping[str, str], *, now: datetime) -> datetime | None:
    """Return until when a server that is busy, or in maintenance, asks to be left alone; None if it does not.

    What is left of its limits it says with every answer, and that is no word about when it is well again.
    """
    until = _asked(headers, now)
    return until if until and until > now else None


def _asked(headers: Mapping[str, str], now: datetime) -> datetime | None:
    value = headers.get("retry-after")
    return _read_time(value, now) if value else None


def _uses(headers: Mapping[str, str], now: datetime) -> Iterator[_Use]:
    said = {name: value for name, value in headers.items() if "limit" in name or name.endswith("-usage")}
    if said:  # most answers say nothing, and every answer is looked at
        yield from _counted(said, now)
        yield from _listed(said, now)
        yield from _percentages(said, now)


def _counted(headers: Mapping[str, str], now: datetime) -> Iterator[_Use]:
    for prefix in _PREFIXES:
        remaining, reset = _number(headers.get(f"{prefix}-remaining")), _reset(headers, prefix, now)
        if remaining is not None and reset is not None:
            yield _use(remaining, _number(headers.get(f"{prefix}-limit")), reset)


def _listed(headers: Mapping[str, str], now: datetime) -> Iterator[_Use]:
    limits = {name: values.get("q") for name, values in _items(headers.get("ratelimit-policy", ""))}
    for name, values in _items(headers.get("ratelimit", "")):
        if "r" in values and "t" in values:
            yield _use(values["r"], limits.get(name), now + timedelta(seconds=values["t"]))


def _percentages(headers: Mapping[str, str], now: datetime) -> Iterator[_Use]:
    for name in ("x-app-usage", "x-page-usage"):
        yield from _usage(_json(headers.get(name)), now)
    by_business = _json(headers.get("x-business-use-case-usage"))
    for uses in by_business.values() if isinstance(by_business, dict) else ():
        for use in uses if isinstance(uses, list) else ():
            yield from _usage(use, now)


def _usage(said: Any, now: datetime) -> Iterator[_Use]:
    if isinstance(said, dict):
        percent = max(_plain_number(said.get(name)) for name in _PERCENTAGES)
        minutes = min(_plain_number(said.get("estimated_time_to_regain_access")), 1e6)
        # Calls are refused as long as it takes minutes, whatever the percentages are by now.
        reset = now + timedelta(minutes=minutes) if minutes > 0 else None
        yield _Use(share=1.0 if reset else percent / 100, reset=reset)


def _use(remaining: float, limit: float | None, reset: datetime) -> _Use:
    share = float(remaining <= 0) if not limit else 1 - remaining / limit
    return _Use(share=share, remaining=remaining, reset=reset)


def _reset(headers: Mapping[str, str], prefix: str, now: datetime) -> datetime | None:
    value = headers.get(f"{prefix}-reset-after") or headers.get(f"{prefix}-reset")
    return _read_time(value, now) if value else None


def _items(value: str) -> Iterator[tuple[str, dict[str, float]]]:
    """Read the items of a list with the whole numbers among their parameters (RFC 9651, 3.1)."""
    for item in value.split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        pairs = (parameter.partition("=") for parameter in parameters)
        yield name, {key: float(number) for key, _, number in pairs if re.fullmatch(r"\d{1,9}", number)}


def _number(value: str | None) -> float | None:
    found = re.match(r"\s*(\d{1,15}(\.\d+)?)", value or "")
    return float(found[1]) if found else None


def _plain_number(value: Any) -> float:
    try:
        number = float(value) if isinstance(value, int | float) else 0.0
    except OverflowError:  # JSON knows no largest number
        return 0.0
    return number if math.isfinite(number) else 0.0


def _json(value: str | None) -> Any:
    try:
        return read_json(value or "null")
    except ValueError:
        return None


def _read_time(value: str, now: datetime) -> datetime | None:
    try:
        seconds = float(value)
        # Nobody asks to wait for 30 years: a number that large counts from 1970.
        return datetime.fromtimestamp(seconds, UTC) if seconds > 1e9 else now + timedelta(seconds=seconds)
    except (ValueError, OverflowError, OSError):
        pass
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(value.strip())
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            continue
    return None
