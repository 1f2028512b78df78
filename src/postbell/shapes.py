"""What `--json` prints, and the HTTP API answers. Keys stay and keep their meaning; new ones may be added.

Every line that is printed is one object and begins with `"schema_version": 1`. Instants are ISO 8601 in UTC
with a Z at the end, null where there is none; `local` is the clock on the wall in `zone`, without an offset.

    post      {id, state, outcome, text, segments: [text], comment, title, link, at, local, zone, labels,
              late_limit_seconds, not_after, delete_after_seconds, allow_duplicate, bare, series, slot, turn,
              touched, media: [media], overrides, deliveries: [delivery], created_at, updated_at, version};
              `segments` are the parts of a thread after the first, `comment` the first comment {text,
              after_seconds}, `at` is the earliest of its times: each account has its own, `due_at`,
              `series`, `slot` and `turn` say what has made it, `touched` that it was changed by hand since
              what changes a post also prints {notes: [text], problems: [problem], moved: [id]}: what a draft
              still lacks, which pictures have no alt text, what may come in the way of its time, and which
              posts moved down the queue for it
    media     {name, alt, part, mime, size, width, height, sha256}; `part` of a thread shows it
    delivery  {account, network, state, outcome, due_at, zone, placed_by, placed_why, stream,
              late_limit_seconds, expires_at, try_at, tries, begun_at, ended_at, late_seconds, late_reason,
              receipt_id, url, delete_at, deleted_at, edit_at, edited_at, message, warnings: [text]};
              `zone` is that of a time of its own, null where it is that of the post, `placed_by` is queue,
              auto or library, null where the user has named the time; at `edit_at` it is changed where it is
              public, at `edited_at` it last was
    revision  {version, until, text, segments: [text], title, link, alts: [text], overrides}: what a published
              post said before it was changed
    reading   {post, account, read_at, counts: {what: count}}; what is likes, reposts, replies, quotes or
              comments, as far as its network tells
    attempt   {post, account, kind, started_at, ended_at, result, message}
    account   {name, network, server, handle, health, health_note, paused_at, paused_until, rests_until,
              rest_reason, next_post_at, late_limit_seconds, min_gap_seconds, cooldown_seconds, quotas: {per:
              most}, signature, utm: {parameter: pattern}, utm_sites: [host], values, created_at}; secrets in
              `values` are "***"
    profile   {account, handle, url, notes: [text]}; of several accounts those that fail {account, error}
    preview   {account, network, at, placed_why, lengths: {unit: {count, limit}}, parts: [lengths], given:
              [media], media: [media], calls: [{method, url, headers, body}], problems: [problem], warnings:
              [problem]}; `given` are the files as they are, `media` as they are sent, `parts` the lengths of
              each part of a thread, `lengths` of the longest
    problem   {where, message, account}
    error     {error: {code, message, problems: [problem]}}, on standard error; `code` is the kind of error
              (not_found, invalid, conflict, disk_full, ...), `usage`, or `fault` for one of Postbell's own

What each command prints:

    list, wait              post, a line for each
    show                    post with {readings: [reading], comments: [{account, state, due_at, url,
                            message}], revisions: [revision]}, the latest reading of each account, and how its
                            first comment does: it is waiting, sending, unsure, published or failed
    metrics                 reading, a line for each, the oldest first
    add, edit, reschedule, publish, cancel, retry, settle   post with {notes, problems, moved}
    add --dry-run           preview, a line for each account
    edit --published --dry-run   {account, network, url, changes: [line]}, a line for each account
    delete                  post as it was, with {deleted: true}
    unpublish               post
    log                     attempt, a line for each
    run                     nothing; its log goes to standard error, as `log.format` in the configuration says
    init, version           told in `postbell.cli.setup`
    account                 told in `postbell.cli.accounts`
    networks                told in `postbell.cli.networks`
    status, doctor          told in `postbell.cli.health`
    notify                  told in `postbell.cli.notify`
    pause, resume           told in `postbell.cli.pause`
    queue                   told in `postbell.cli.queue`
    engagement              told in `postbell.cli.engagement`
    key                     told in `postbell.cli.keys`
    hook                    told in `postbell.cli.hooks`
    series                  told in `postbell.cli.series`
    db                      told in `postbell.cli.db`
    demo                    told in `postbell.cli.demo`
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from postbell.errors import Invalid, PostbellError, Problem


if TYPE_CHECKING:
    from postbell.domain.access import Key
    from postbell.domain.account import Account
    from postbell.domain.comment import FirstComment
    from postbell.domain.content import Comment
    from postbell.domain.hook import Hook, HookCall
    from postbell.domain.job import Job
    from postbell.domain.media import Media
    from postbell.domain.metrics import Reading
    from postbell.domain.post import Attempt, Delivery, Post, Revision
    from postbell.domain.upload import Upload
    from postbell.publishing.protocol import Profile
    from postbell.services.posts.wanted import Preview, Saved
    from postbell.store.stored import Stored


def json_line(value: Mapping[str, Any]) -> str:
    """Return a value on one line."""
    return json.dumps(value, ensure_ascii=False)


def stamp(instant: datetime | None) -> str | None:
    """Return an instant as ISO 8601 in UTC: 2026-11-27T17:00:00Z."""
    if instant is None:
        return None
    there = instant if instant.tzinfo is UTC else instant.astimezone(UTC)  # most are, and that takes long
    return f"{there.isoformat()[:-6]}Z"


def post_json(post: Post) -> dict[str, Any]:
    """Return a post with its deliveries."""
    return {
        "id": post.id,
        "state": post.state,
        "outcome": post.outcome,
        "text": post.content.text,
        "segments": list(post.content.segments),
        "comment": comment_json(post.content.comment),
        "title": post.content.title,
        "link": post.content.link,
        "at": stamp(post.at),
        "local": post.local.isoformat() if post.local else None,
        "zone": post.zone,
        "labels": list(post.labels),
        "late_limit_seconds": seconds(post.late_limit),
        "not_after": stamp(post.not_after),
        "delete_after_seconds": seconds(post.delete_after),
        "allow_duplicate": post.allow_duplicate,
        "bare": post.bare,
        "series": post.series_id,
        "slot": post.slot,
        "turn": post.turn,
        "touched": post.touched,
        "media": [media_json(item) for item in post.content.media],
        "overrides": {key: asdict(override) for key, override in post.overrides.items()},
        "deliveries": [delivery_json(delivery) for delivery in post.deliveries],
        "created_at": stamp(post.created_at),
        "updated_at": stamp(post.updated_at),
        "version": post.version,
    }


def saved_json(saved: Saved, notes: Iterable[str] = ()) -> dict[str, Any]:
    """Return a post that was stored, with what came of it."""
    told = {"notes": list(notes), "problems": problems_json(saved.warnings), "moved": list(saved.moved)}
    return {**post_json(saved.post), **told}


def comment_json(comment: Comment | None) -> dict[str, Any] | None:
    """Return what is published below a post first, null for nothing."""
    return {"text": comment.text, "after_seconds": seconds(comment.after)} if comment else None


def first_comment_json(account: str, found: FirstComment) -> dict[str, Any]:
    """Return how the first comment of an account on a post does."""
    return {
        "account": account,
        "state": found.state,
        "due_at": stamp(found.due_at),
        "url": found.url,
        "message": found.message,
    }


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """Return how one post does on one account."""
    return {
        "account": delivery.account,
        "network": delivery.network,
        "state": delivery.state,
        "outcome": delivery.outcome,
        "due_at": stamp(delivery.due_at),
        "zone": delivery.zone,
        "placed_by": delivery.placed_by,
        "placed_why": delivery.placed_why,
        "stream": delivery.stream,
        "late_limit_seconds": seconds(delivery.late_limit),
        "expires_at": stamp(delivery.expires_at),
        "try_at": stamp(delivery.try_at),
        "tries": delivery.tries,
        "begun_at": stamp(delivery.begun_at),
        "ended_at": stamp(delivery.ended_at),
        "late_seconds": seconds(delivery.lateness),
        "late_reason": delivery.late_reason,
        "receipt_id": delivery.receipt_id,
        "url": delivery.url,
        "delete_at": stamp(delivery.delete_at),
        "deleted_at": stamp(delivery.deleted_at),
        "edit_at": stamp(delivery.edit_at),
        "edited_at": stamp(delivery.edited_at),
        "message": delivery.message,
        "warnings": list(delivery.warnings),
    }


def revision_json(revision: Revision) -> dict[str, Any]:
    """Return what a published post said before it was changed."""
    overrides = {key: asdict(override) for key, override in revision.overrides.items()}
    return {**vars(revision), "until": stamp(revision.until), "overrides": overrides}


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


def reading_json(post_id: str, reading: Reading) -> dict[str, Any]:
    """Return how people had responded to a post when its network was asked."""
    return {
        "post": post_id,
        "account": reading.account,
        "read_at": stamp(reading.read_at),
        "counts": dict(reading.counts),
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


def preview_json(preview: Preview) -> dict[str, Any]:
    """Return what an account would be sent."""
    lengths = [
        {unit: {"count": count, "limit": limit} for unit, (count, limit) in part.items()}
        for part in preview.lengths
    ]
    longest = {unit: max((part[unit] for part in lengths), key=lambda it: it["count"]) for unit in lengths[0]}
    return {
        "account": preview.account,
        "network": preview.network,
        "at": stamp(preview.at),
        "placed_why": preview.why,
        "lengths": longest,
        "parts": lengths,
        "given": [media_json(given) for given, _sent in preview.pictures],
        "media": [media_json(sent) for _given, sent in preview.pictures],
        "calls": [asdict(call) for call in preview.calls],
        "problems": problems_json(preview.problems),
        "warnings": problems_json(preview.warnings),
    }


def problems_json(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Return what is wrong, or lacking."""
    return [asdict(problem) for problem in problems]


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


def error_json(error: PostbellError) -> dict[str, Any]:
    """Return what went wrong."""
    problems = error.problems if isinstance(error, Invalid) else ()
    return {"error": {"code": code_of(error), "message": str(error), "problems": problems_json(problems)}}


def code_of(error: PostbellError) -> str:
    """Return the kind of an error as one word: not_found, disk_full."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()


def seconds(span: timedelta | None) -> float | None:
    """Return how long a span is, null where there is none."""
    return None if span is None else span.total_seconds()


def job_json(job: Job) -> dict[str, Any]:
    """Return a job."""
    return {
        "id": job.id,
        "state": "ended" if job.ended_at else "working",
        "failed": sum(item.state == "failed" for item in job.items),
        "items": [asdict(item) for item in job.items],
        "created_at": stamp(job.created_at),
        "ended_at": stamp(job.ended_at),
    }


def upload_json(upload: Upload) -> dict[str, Any]:
    """Return a file that comes in parts."""
    return {
        "id": upload.id,
        "length": upload.length,
        "offset": upload.offset,
        "alt": upload.alt,
        "sha256": upload.sha256,
        "created_at": stamp(upload.created_at),
        "expires_at": stamp(upload.expires_at),
    }


def stored_media_json(stored: Stored) -> dict[str, Any]:
    """Return a file in the store."""
    media = stored.media
    return {
        "sha256": media.sha256,
        "kind": media.kind,
        "mime": media.mime,
        "size": media.size,
        "width": media.width,
        "height": media.height,
        "alt": media.alt,
        "used": stored.used,
        "created_at": stamp(stored.created_at),
    }


def media_json(media: Media) -> dict[str, Any]:
    """Return a file of a post."""
    return {
        "name": media.name,
        "alt": media.alt,
        "part": media.part,
        "mime": media.mime,
        "size": media.size,
        "width": media.width,
        "height": media.height,
        "sha256": media.sha256,
    }
