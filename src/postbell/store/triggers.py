"""What happens is written down by SQLite itself, in the transaction that does it, whoever does it.

Triggers belong to the program and not to the data: an upgrade removes them before it changes tables and makes
those of this version afterwards (`postbell.store.schema`). To change them takes a migration, if an empty one.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, text

from postbell.domain.account import Health
from postbell.domain.event import EventKind
from postbell.domain.job import ItemState
from postbell.domain.states import DELETABLE, DeliveryState, Outcome, PostState


_PREFIX = "event_"
_D, _P, _O = DeliveryState, PostState, Outcome


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))


def _iso(column: str) -> str:
    return f"replace({column}, ' ', 'T') || 'Z'"


_ENDED = _listed((_P.PROCESSED, _P.CANCELLED))
_NOW = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"

#: How a delivery `d` of a post that has ended did: in one that was just cancelled some may still wait.
_OF_DELIVERY = f"""CASE d.state WHEN '{_D.PROCESSED}' THEN d.result WHEN '{_D.UNSURE}' THEN '{_O.UNSURE}'
    WHEN '{_D.MISSED}' THEN '{_O.MISSED}' ELSE '{_O.CANCELLED}' END"""

#: What `domain.states.derive_outcome` says of all deliveries `d` of a post; a test holds the two together.
_OF_POST = f"""CASE
    WHEN count(*) = 0 THEN '{_O.CANCELLED}'
    WHEN sum(d.state = '{_D.UNSURE}') > 0 THEN '{_O.UNSURE}'
    WHEN sum(d.result = '{_O.PUBLISHED}') = count(*) THEN '{_O.PUBLISHED}'
    WHEN sum(d.result = '{_O.PUBLISHED}') > 0 THEN '{_O.PARTIAL}'
    WHEN sum(d.result = '{_O.FAILED}') > 0 THEN '{_O.FAILED}'
    WHEN sum(d.state = '{_D.MISSED}') > 0 THEN '{_O.MISSED}'
    ELSE '{_O.CANCELLED}' END"""


def _about_post(post: str, *more: str) -> str:
    """Return what is told of a post, whose row has a name in SQL."""
    return f"""json_object('external_id', {post}.external_id,
    'state', {post}.state, 'at', {_iso(f"{post}.at")}, 'version', {post}.version,
    'excerpt', substr(coalesce(nullif({post}.title, ''), {post}.text), 1, 80), 'series', {post}.series_id,
    'labels', json({post}.labels){"".join(f", {each}" for each in more)})"""


def _note(columns: str, what: str) -> str:
    """Return what writes down that something has happened; `what` is in SQL, as are all parts of it."""
    return f"INSERT INTO event (at, kind, {columns}) SELECT {_NOW}, {what}"


def _of_post(kind: str, post: str = "NEW") -> str:
    return _note("post_id, data", f"'{kind}', {post}.id, {_about_post(post)}")


def _ended(post: str, source: str, where: str) -> str:
    """Return what writes down how a post ended, with how it did on each of its accounts."""
    about = _about_post(post, "'outcome', o.outcome", "'accounts', json(o.accounts)")
    of_account = f"""json_object('account', a.name, 'network', a.network, 'outcome', {_OF_DELIVERY},
    'url', d.url, 'message', d.message)"""
    how = f"""SELECT {_OF_POST} AS outcome, json_group_array({of_account}) AS accounts
    FROM delivery AS d CROSS JOIN account AS a ON a.id = d.account_id WHERE d.post_id = {where}"""  # noqa: S608
    return _note("post_id, data", f"'post.' || o.outcome, {post}.id, {about}\n    FROM {source} ({how}) AS o")


def _of_delivery(kind: str) -> str:
    """Return what writes down how far a delivery has come; `kind` is in SQL."""
    about = f"""json_object('delivery', NEW.id, 'network', a.network, 'state', NEW.state,
    'due_at', {_iso("NEW.due_at")}, 'try_at', {_iso("NEW.try_at")}, 'tries', NEW.tries,
    'url', NEW.url, 'message', NEW.message)"""
    what = f"{kind}, NEW.post_id, a.name, {about}\n    FROM account AS a WHERE a.id = NEW.account_id"
    return _note("post_id, account, data", what)


def _of_account(kind: str) -> str:
    about = f"""json_object('network', NEW.network, 'handle', NEW.handle, 'server', NEW.server,
    'health', NEW.health, 'message', NEW.health_note, 'paused_at', {_iso("NEW.paused_at")},
    'paused_until', {_iso("NEW.paused_until")})"""
    return _note("account, data", f"'{kind}', NEW.name, {about}")


def _of_series(kind: str, row: str) -> str:
    about = f"json_object('series', {row}.id, 'state', {row}.state, 'version', {row}.version)"
    return _note("data", f"'{kind}', {about}")


def _of_pause(kind: str, row: str) -> str:
    about = f"json_object('scope', {row}.scope, 'name', {row}.name, 'until', {_iso(f'{row}.until')})"
    return _note("data", f"'{kind}', {about}")


def _of_media(kind: str, row: str) -> str:
    about = f"json_object('sha256', {row}.sha256, 'kind', {row}.kind, 'mime', {row}.mime, 'alt', {row}.shows)"
    return _note("data", f"'{kind}', {about}")


def _of_job(kind: str) -> str:
    failed = f"sum(json_extract(value, '$.state') = '{ItemState.FAILED}')"
    about = f"""json_object('job', NEW.id, 'items', count(*), 'failed', {failed})
    FROM json_each(NEW.items)"""
    return _note("data", f"'{kind}', {about}")


def _differs(*columns: str) -> str:
    return " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in columns)


_K = EventKind
_GIVEN_TIME = f"NEW.state = '{_P.SCHEDULED}' AND ({_differs('state', 'at')})"
_REOPENED = f"OLD.state = '{_P.PROCESSED}' AND NEW.state = '{_P.PROCESSING}'"
_OTHERWISE = f"NEW.state != '{_P.CANCELLED}' AND NOT ({_GIVEN_TIME})"
_AS_IT_IS = "'delivery.' || coalesce(NEW.result, NEW.state)"
_SETTLED = f"OLD.state = '{_D.UNSURE}' AND NEW.state = '{_D.PROCESSED}'"
_POST = "post AS p CROSS JOIN"
_DOUBT_OVER = f"p.id = NEW.post_id AND p.state IN ({_ENDED}) AND o.outcome != '{_O.UNSURE}'"
_TOLD = f"OLD.state != '{_D.DRAFT}' AND NEW.state NOT IN ({_listed((_D.DRAFT, _D.PROCESSING))})"
_ACCOUNT = (
    *("name", "handle", "server", "paused_at", "paused_until"),
    *("slots", "late_limit", "min_gap", "cooldown", "quotas", "adds"),
)

#: Name → when, and what is written down.
_TRIGGERS: dict[str, tuple[str, str]] = {
    "post_added": (
        "INSERT ON post",
        f"{_of_post(_K.POST_ADDED)}; {_of_post(_K.POST_SCHEDULED)} WHERE NEW.state = '{_P.SCHEDULED}'",
    ),
    "post_scheduled": (f"UPDATE OF state, at ON post WHEN {_GIVEN_TIME}", _of_post(_K.POST_SCHEDULED)),
    "post_changed": (
        f"UPDATE OF state, version ON post WHEN {_REOPENED} OR ({_differs('version')}) AND {_OTHERWISE}",
        _of_post(_K.POST_CHANGED),
    ),
    "post_deleted": (
        # What is older than the history is long is removed too, and was not deleted.
        f"DELETE ON post WHEN OLD.state IN ({_listed(DELETABLE)})",
        _of_post(_K.POST_DELETED, "OLD"),
    ),
    "post_ended": (
        f"UPDATE OF state ON post WHEN NEW.state IN ({_ENDED}) AND OLD.state NOT IN ({_ENDED})",
        _ended("NEW", "", "NEW.id"),
    ),
    "delivery_moved": (
        # Drafts, and what becomes of them, are told of their post. That one is under way is not told: most
        # are for less than a second, and it would cost as much as the end.
        f"UPDATE OF state ON delivery WHEN ({_differs('state')}) AND {_TOLD} AND NOT ({_SETTLED})",
        _of_delivery(_AS_IT_IS),
    ),
    # While one delivery is in doubt its post is; the post itself is not touched when that ends.
    "delivery_settled": (
        f"UPDATE OF state ON delivery WHEN {_SETTLED}",
        f"{_of_delivery(_AS_IT_IS)}; {_ended('p', _POST, 'NEW.post_id')} WHERE {_DOUBT_OVER}",
    ),
    "delivery_removed": (
        "UPDATE OF deleted_at ON delivery WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL",
        _of_delivery(f"'{_K.DELIVERY_REMOVED}'"),
    ),
    "delivery_edited": (
        f"UPDATE OF edited_at ON delivery WHEN {_differs('edited_at')}",
        _of_delivery(f"'{_K.DELIVERY_EDITED}'"),
    ),
    "account_added": ("INSERT ON account", _of_account(_K.ACCOUNT_ADDED)),
    "account_changed": (
        f"UPDATE OF {', '.join(_ACCOUNT)} ON account WHEN {_differs(*_ACCOUNT)}",
        _of_account(_K.ACCOUNT_CHANGED),
    ),
    "account_removed": (
        f"UPDATE OF removed_at ON account WHEN {_differs('removed_at')}",
        _of_account(_K.ACCOUNT_REMOVED),
    ),
    "account_unauthorized": (
        f"UPDATE OF health ON account WHEN ({_differs('health')}) AND NEW.health = '{Health.UNAUTHORIZED}'",
        _of_account(_K.ACCOUNT_UNAUTHORIZED),
    ),
    "account_recovered": (
        f"UPDATE OF health ON account WHEN ({_differs('health')}) AND NEW.health = '{Health.OK}'",
        _of_account(_K.ACCOUNT_RECOVERED),
    ),
    "series_added": ("INSERT ON series", _of_series(_K.SERIES_ADDED, "NEW")),
    "series_changed": (
        f"UPDATE OF state, version ON series WHEN {_differs('state', 'version')}",
        _of_series(_K.SERIES_CHANGED, "NEW"),
    ),
    "series_deleted": ("DELETE ON series", _of_series(_K.SERIES_DELETED, "OLD")),
    "pause_begun": ("INSERT ON pause", _of_pause(_K.PAUSE_BEGUN, "NEW")),
    "pause_changed": (f"UPDATE ON pause WHEN {_differs('until')}", _of_pause(_K.PAUSE_BEGUN, "NEW")),
    "pause_ended": ("DELETE ON pause", _of_pause(_K.PAUSE_ENDED, "OLD")),
    "media_added": ("INSERT ON media", _of_media(_K.MEDIA_ADDED, "NEW")),
    "media_changed": (
        f"UPDATE OF shows ON media WHEN {_differs('shows')}",
        _of_media(_K.MEDIA_CHANGED, "NEW"),
    ),
    "media_deleted": ("DELETE ON media", _of_media(_K.MEDIA_DELETED, "OLD")),
    "job_added": ("INSERT ON job", _of_job(_K.JOB_ADDED)),
    "job_ended": (
        "UPDATE OF ended_at ON job WHEN OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL",
        _of_job(_K.JOB_ENDED),
    ),
}


def drop_triggers(tx: Connection) -> None:
    """Remove what writes down what happens, so that tables can be changed."""
    named = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name GLOB :names")
    for name in tx.execute(named, {"names": f"{_PREFIX}*"}).scalars().all():
        tx.exec_driver_sql(f'DROP TRIGGER "{name}"')


def make_triggers(tx: Connection) -> None:
    """Let everything that happens be written down from now on."""
    for name, (when, what) in _TRIGGERS.items():
        tx.exec_driver_sql(f"CREATE TRIGGER {_PREFIX}{name} AFTER {when} BEGIN {what}; END")
