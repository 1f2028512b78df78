"""Webhooks and their calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postbell.shapes.base import stamp


if TYPE_CHECKING:
    from postbell.domain.hook import Hook, HookCall


def hook_json(hook: Hook) -> dict[str, Any]:
    """Return an address that is told what happens; what signs is told nowhere."""
    return {
        "name": hook.name,
        "url": hook.url,
        "events": list(hook.events),
        "allow_local": hook.allow_local,
        "created_at": stamp(hook.created_at),
        "failures": hook.failures,
        "failing_since": stamp(hook.failing_since),
        "error": hook.error,
        "rests_until": stamp(hook.rests_until),
    }


def hook_call_json(call: HookCall) -> dict[str, Any]:
    """Return how an event was told to an address."""
    return {
        "event": call.event_id,
        "type": str(call.kind),
        "post": call.post_id,
        "account": call.account,
        "state": str(call.state),
        "tries": call.tries,
        "first_at": stamp(call.first_at),
        "last_at": stamp(call.last_at),
        "try_at": stamp(call.try_at),
        "status": call.status,
        "took_ms": call.took_ms,
        "error": call.error,
    }
