"""Accounts, profiles and keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from postbell.shapes.base import seconds, stamp


if TYPE_CHECKING:
    from postbell.domain.access import Key
    from postbell.domain.account import Account
    from postbell.publishing.protocol import Profile


def account_json(account: Account, values: Mapping[str, str]) -> dict[str, Any]:
    """Return an account; `values` are its credentials as people may see them."""
    return {
        "name": account.name,
        "network": account.network,
        "server": account.server,
        "handle": account.handle,
        "health": account.health,
        "health_note": account.health_note,
        "paused_at": stamp(account.paused_at),
        "paused_until": stamp(account.paused_until),
        "rests_until": stamp(account.rests_until),
        "rest_reason": account.rest_reason,
        "next_post_at": stamp(account.next_post_at),
        "login_ends_at": stamp(account.tokens_end_at),
        "login_renewed_at": stamp(account.renew_at),
        "late_limit_seconds": seconds(account.late_limit),
        "min_gap_seconds": seconds(account.min_gap),
        "cooldown_seconds": seconds(account.cooldown),
        "quotas": {quota.per: quota.most for quota in account.quotas},
        "signature": account.adds.signature or None,
        "utm": dict(account.adds.utm),
        "utm_sites": list(account.adds.sites),
        "values": dict(values),
        "created_at": stamp(account.created_at),
    }


def profile_json(account: str, profile: Profile) -> dict[str, Any]:
    """Return what a network says about an account that it accepts."""
    return {"account": account, "handle": profile.handle, "url": profile.url, "notes": list(profile.notes)}


def key_json(key: Key) -> dict[str, Any]:
    """Return a key of the HTTP API; what it is made of is told nowhere."""
    return {
        "name": key.name,
        "scopes": sorted(key.scopes),
        "start": key.start,
        "created_at": stamp(key.created_at),
        "expires_at": stamp(key.expires_at),
        "used_at": stamp(key.used_at),
    }
