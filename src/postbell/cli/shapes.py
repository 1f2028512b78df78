"""What `--json` prints. Keys stay and keep their meaning; new ones may be added at any time.

Every line is one object and begins with `"schema_version": 1`. Instants are ISO 8601 in UTC with a Z at the
end, null where there is none; `local` is the clock on the wall in `zone`, without an offset.

    post      {id, state, outcome, text, title, link, at, local, zone, media: [media], overrides, deliveries:
              [delivery], created_at, updated_at, version}
              what changes a post also prints {notes: [text], problems: [problem]}: what a draft still lacks
    media     {name, alt, mime, size, width, height, sha256}
    delivery  {account, network, state, outcome, due_at, try_at, tries, begun_at, ended_at, late_seconds,
              late_reason, receipt_id, url, message, warnings: [text]}
    attempt   {post, account, kind, started_at, ended_at, result, message}
    account   {name, network, server, handle, health, health_note, paused_at, rests_until, rest_reason,
              values, created_at}; secrets in `values` are "***"
    profile   {account, handle, url, notes: [text]}; of several accounts those that fail {account, error}
    preview   {account, network, at, lengths: {unit: {count, limit}}, calls: [{method, url, headers, body}],
              problems: [problem]}
    problem   {where, message, account}
    error     {error: {code, message, problems: [problem]}}, on standard error; `code` is the kind of error
              (not_found, invalid, conflict, disk_full, ...), `usage`, or `fault` for one of Postbell's own

What each command prints:

    list, show, wait        post, a line for each
    add, edit, reschedule, publish, cancel, retry, settle   post with {notes, problems}
    add --dry-run           preview, a line for each account
    delete                  post as it was, with {deleted: true}
    log                     attempt, a line for each
    run                     nothing; its log goes to standard error, as `log.format` in the configuration says
    init, version           told in `postbell.cli.setup`
    account                 told in `postbell.cli.accounts`
    networks                told in `postbell.cli.networks`
    status, doctor          told in `postbell.cli.health`
    db                      told in `postbell.cli.db`
    demo                    told in `postbell.cli.demo`
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from postbell.errors import Invalid, PostbellError, Problem


if TYPE_CHECKING:
    from postbell.domain.account import Account
    from postbell.domain.media import Media
    from postbell.domain.post import Attempt, Delivery, Post
    from postbell.publishing.protocol import Profile
    from postbell.services.compose import Preview


def json_line(value: Mapping[str, Any]) -> str:
    """Return a value on one line."""
    return json.dumps(value, ensure_ascii=False)


def stamp(instant: datetime | None) -> str | None:
    """Return an instant as ISO 8601 in UTC: 2026-11-27T17:00:00Z."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z") if instant else None


def post_json(post: Post) -> dict[str, Any]:
    """Return a post with its deliveries."""
    return {
        "id": post.id,
        "state": post.state,
        "outcome": post.outcome,
        "text": post.content.text,
        "title": post.content.title,
        "link": post.content.link,
        "at": stamp(post.at),
        "local": post.local.isoformat() if post.local else None,
        "zone": post.zone,
        "media": [_media_json(item) for item in post.content.media],
        "overrides": {key: asdict(override) for key, override in post.overrides.items()},
        "deliveries": [delivery_json(delivery) for delivery in post.deliveries],
        "created_at": stamp(post.created_at),
        "updated_at": stamp(post.updated_at),
        "version": post.version,
    }


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """Return how one post does on one account."""
    return {
        "account": delivery.account,
        "network": delivery.network,
        "state": delivery.state,
        "outcome": delivery.outcome,
        "due_at": stamp(delivery.due_at),
        "try_at": stamp(delivery.try_at),
        "tries": delivery.tries,
        "begun_at": stamp(delivery.begun_at),
        "ended_at": stamp(delivery.ended_at),
        "late_seconds": delivery.lateness.total_seconds() if delivery.lateness else None,
        "late_reason": delivery.late_reason,
        "receipt_id": delivery.receipt_id,
        "url": delivery.url,
        "message": delivery.message,
        "warnings": list(delivery.warnings),
    }


def attempt_json(delivery: Delivery, attempt: Attempt) -> dict[str, Any]:
    """Return one try."""
    return {
        "post": delivery.post_id,
        "account": delivery.account,
        "kind": attempt.kind,
        "started_at": stamp(attempt.started_at),
        "ended_at": stamp(attempt.ended_at),
        "result": attempt.result,
        "message": attempt.message,
    }


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
        "rests_until": stamp(account.rests_until),
        "rest_reason": account.rest_reason,
        "values": dict(values),
        "created_at": stamp(account.created_at),
    }


def profile_json(account: str, profile: Profile) -> dict[str, Any]:
    """Return what a network says about an account that it accepts."""
    return {"account": account, "handle": profile.handle, "url": profile.url, "notes": list(profile.notes)}


def preview_json(preview: Preview, at: datetime | None) -> dict[str, Any]:
    """Return what an account would be sent."""
    lengths = {unit: {"count": count, "limit": limit} for unit, (count, limit) in preview.lengths.items()}
    return {
        "account": preview.account,
        "network": preview.network,
        "at": stamp(at),
        "lengths": lengths,
        "calls": [asdict(call) for call in preview.calls],
        "problems": problems_json(preview.problems),
    }


def problems_json(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Return what is wrong, or lacking."""
    return [asdict(problem) for problem in problems]


def error_json(error: PostbellError) -> dict[str, Any]:
    """Return what went wrong."""
    code = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
    problems = error.problems if isinstance(error, Invalid) else ()
    return {"error": {"code": code, "message": str(error), "problems": problems_json(problems)}}


def _media_json(media: Media) -> dict[str, Any]:
    return {
        "name": media.name,
        "alt": media.alt,
        "mime": media.mime,
        "size": media.size,
        "width": media.width,
        "height": media.height,
        "sha256": media.sha256,
    }
