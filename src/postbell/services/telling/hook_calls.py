"""One event handed to one address: what is sent, how it is signed, what comes of the answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from postbell.domain.event import Event
from postbell.domain.hook import Hook
from postbell.errors import NotFetched, OffLimits
from postbell.publishing.signing import signature
from postbell.publishing.web.rates import asked_time, reset_time
from postbell.services.context import Context


if TYPE_CHECKING:
    from postbell.publishing.web.outside import Outside

#: Seconds within which an address must have answered.
DEADLINE = 10.0


@dataclass(frozen=True, kw_only=True)
class Told:
    """How it went."""

    #: When it was sent (aware UTC), and after how many milliseconds that was over.
    at: datetime
    took_ms: int
    #: What was answered, if anything was.
    status: int | None = None
    #: Why it was not taken, a sentence without its full stop; None if it was.
    error: str | None = None
    #: Whether it can never be handed over: nobody was asked.
    hopeless: bool = False
    #: Until when the address asks to be left alone (aware UTC), if it does.
    rest_until: datetime | None = None


def way_to(ctx: Context, hook: Hook) -> Outside:
    """Return the way to an address, to be closed in the end."""
    return ctx.clients().outside.towards(hook.url, local=hook.allow_local)


def secrets_now(ctx: Context, hook: Hook) -> list[str]:
    """Return what signs for a hook now, the newest first; raises NoKey."""
    kept = ctx.vault.hook_secret(hook)
    until = kept.get("old_until")
    old = [kept["old"]] if until and ctx.now() < datetime.fromisoformat(until) else []
    return [kept["secret"], *old]


async def tell(
    way: Outside,
    event: Event,
    secrets: Sequence[str],
    hook: Hook,
    now: datetime,
    *,
    words: Callable[[str], str],
) -> Told:
    """Hand over an event at `now` (aware UTC), with its messages in these `words`. Raises nothing."""
    # Numbers come anew in a database that was restored; with the time they are unique.
    name = f"evt_{event.id}_{int(event.at.timestamp() * 1000)}"
    try:
        body = _body(str(event.kind), event.at, _worded(_data(event), words))
    except (ValueError, TypeError, RecursionError) as fault:
        error = f"the event cannot be written as JSON ({type(fault).__name__}), so it is not told"
        return Told(at=now, took_ms=0, error=error, hopeless=True)
    return await _post(way, hook, secrets, now, name=name, body=body)


async def ping(way: Outside, hook: Hook, secrets: Sequence[str], now: datetime) -> Told:
    """Send what is no event, to see whether it is taken. Raises nothing."""
    name = f"ping_{int(now.timestamp() * 1000)}"
    return await _post(way, hook, secrets, now, name=name, body=_body("ping", now, {}))


def event_json(event: Event) -> dict[str, Any]:
    """Return an event for programs."""
    return {"id": event.id, "type": str(event.kind), "timestamp": _stamp(event.at), "data": _data(event)}


async def _post(
    way: Outside, hook: Hook, secrets: Sequence[str], now: datetime, *, name: str, body: bytes
) -> Told:
    seconds = str(int(now.timestamp()))
    signed = " ".join(signature(secret, name=name, seconds=seconds, body=body) for secret in secrets)
    headers = {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": seconds,
        "webhook-signature": signed,
    }
    begun = time.perf_counter()
    status, error, until = None, None, None
    try:
        answer = await way.post(hook.url, body=body, headers=headers, deadline=DEADLINE)
    except (OffLimits, NotFetched) as failed:
        error = str(failed).rstrip(".")
    except Exception as fault:  # noqa: BLE001 - else the address would be told nothing, and nobody why
        structlog.get_logger().error("hook_call_broke", hook=hook.name, exc_info=fault)
        error = f"a fault in Postbell ({type(fault).__name__}); please report it"
    else:
        status = answer.status
        if not 200 <= status < 300:
            moved = ", and redirects are not followed" if 300 <= status < 400 else ""
            error = f"it answered {status}{moved}"
            asked = asked_time if status == 503 else reset_time
            until = asked(answer.headers, now=now) if status in (429, 503) else None
    took = time.perf_counter() - begun
    return Told(at=now, took_ms=round(took * 1000), status=status, error=error, rest_until=until)


def _body(kind: str, at: datetime, data: dict[str, Any]) -> bytes:
    """Return what is sent; nothing in it depends on the try."""
    said = {"type": kind, "timestamp": _stamp(at), "data": data}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def _data(event: Event) -> dict[str, Any]:
    about = {"post": event.post_id, "account": event.account}
    return {name: value for name, value in about.items() if value is not None} | dict(event.data)


def _worded(told: Any, words: Callable[[str], str]) -> Any:
    """Return what is told with its messages in these words, those of single accounts too."""
    if isinstance(told, list):
        return [_worded(each, words) for each in told]
    if not isinstance(told, dict):
        return told
    return {
        name: words(each) if name == "message" and isinstance(each, str) else _worded(each, words)
        for name, each in told.items()
    }


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
