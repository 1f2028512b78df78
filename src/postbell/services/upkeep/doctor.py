"""Looking for everything that keeps Postbell from its work, also where half of it is broken."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from postbell.domain.account import Account
from postbell.domain.caution import Cause, Caution
from postbell.domain.hook import Hook, fails_for_long
from postbell.domain.post import LATE_AFTER, Delivery
from postbell.domain.states import DeliveryState
from postbell.errors import BadConfig, NotTold, PostbellError, Unauthorized
from postbell.publishing import registry
from postbell.publishing.protocol import Profile
from postbell.sections import parse_listen
from postbell.services.accounts.encrypted import encryption_told
from postbell.services.accounts.holds import Hold, hold_of
from postbell.services.accounts.keys import MAKE_KEY, NO_KEY
from postbell.services.accounts.vault import find_vault
from postbell.services.media import films
from postbell.services.media.media_store import MediaStore
from postbell.services.telling.notified import Notified, failing_told, notified
from postbell.services.telling.troubles import TRY
from postbell.services.telling.ways import Way, find_ways
from postbell.services.upkeep.check import Check, Level, bad, good, odd
from postbell.services.upkeep.health import (
    caution_now,
    caution_told,
    clock_told,
    counted,
    foresee,
    foreseen_told,
    hook_told,
    lost_lately,
    lost_told,
    overdue_told,
    stamp,
    unsure_told,
)
from postbell.services.upkeep.storage import storage
from postbell.settings import Places, load_settings
from postbell.store import accounts, backup, deliveries, hooks, keys, mark, schema, summary
from postbell.store.engine import Store, require_file
from postbell.store.lock import DaemonLock
from postbell.store.summary import Lost, LostFile, Overdue


#: Asks the network of an account whether it accepts it; raises the PublishError of one that does not.
Verify = Callable[[str], Profile]

_LEAST_FREE = 200_000_000
_OLD_BACKUP = timedelta(days=8)
#: So long before its end it is told of a login that only a person can renew.
_SOON = timedelta(days=10)
_SET_CLOCK = "Set the clock: `timedatectl set-ntp true`."
#: Seconds.
_LOCK_WAIT = 2.0


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """What the database says about itself."""

    accounts: list[Account]
    waiting: int
    overdue: Overdue
    oldest_overdue: Delivery | None
    lost: Lost
    unsure: list[Delivery]
    newest: datetime | None
    lost_files: list[LostFile]
    caution: Caution | None
    foreseen: Cause | None
    notified: Notified
    hooks: list[Hook]
    any_key: bool


def doctor(places: Places, *, now: datetime, verify: Verify | None = None) -> list[Check]:
    """Look at everything at `now` (aware UTC) and say what is wrong; never raises for what is broken.

    With `verify`, which writes the answers down, the network of every account is asked too.
    """
    checks = [
        *_guarded("config", lambda: _config(places)),
        *_guarded("data folder", lambda: _folder(places)),
        *_guarded("disk", lambda: _disk(places)),
        *_program(Path(__file__).parents[2]),
        good("videos", films.told()),
    ]
    facts: _Facts | None = None
    try:
        facts = _look(places, now)
    except PostbellError as error:
        checks.append(bad("database", str(error)))
    except OSError as error:
        checks.append(bad("database", f"{places.database}: {error.strerror}."))
    else:
        checks += _guarded("database", lambda: _database(places))
    checks += _guarded("clock", lambda: _clock(now, facts.newest if facts else None))
    checks += _guarded("daemon", lambda: _daemon(places, facts.waiting if facts else 0))
    if facts:
        checks += [check for account in facts.accounts for check in _account(account, now, verify)]
        checks += [
            *_deliveries(facts),
            *_media(facts),
            *_hooks(facts.hooks, now),
            *_guarded("api", lambda: _api(places, facts)),
            *_guarded("secrets", lambda: _secrets(places, facts)),
            *_guarded("backup", lambda: _backup(places, facts, now)),
            *_guarded("log", lambda: _log(places, now)),
            *_guarded("notices", lambda: _notices(places, facts.notified)),
        ]
    return checks


def _guarded(name: str, probe: Callable[[], Iterator[Check]]) -> list[Check]:
    try:
        return list(probe())
    except PostbellError as error:
        return [bad(name, str(error))]
    except OSError as error:
        return [bad(name, f"{error.filename or name}: {error.strerror}.")]


def _config(places: Places) -> Iterator[Check]:
    path = places.config
    if not path.exists():
        yield odd("config", f"There is no {path}; everything is at its default.", "Run `postbell init`.")
        return
    load_settings(path)
    if (mode := path.stat().st_mode & 0o777) & 0o077:
        yield odd("config", f"Others can read {path} (mode {mode:04o}).", f"Run `chmod 600 {path}`.")
    else:
        yield good("config", f"{path} is in order.")


def _folder(places: Places) -> Iterator[Check]:
    folder, database = places.data_dir, places.database
    if not folder.is_dir():
        yield bad("data folder", f"There is no folder {folder}.", "Run `postbell init`.")
        return
    files = [database.with_name(database.name + suffix) for suffix in ("", "-wal", "-shm")]
    found = [(path, path.stat()) for path in (folder, *files) if path.exists()]
    owner = found[0][1].st_uid
    problems = [
        bad(
            "data folder",
            f"Others can read {path} (mode {stats.st_mode & 0o777:04o}), and secrets of accounts lie there.",
            f"Run `chmod {'700' if path == folder else '600'} {path}`.",
        )
        for path, stats in found
        if stats.st_mode & 0o077
    ] + [
        bad(
            "data folder",
            f"{path} does not belong to the owner of {folder}, as whom the daemon runs.",
            f"Run `chown --reference={folder} {path}`.",
        )
        for path, stats in found
        if stats.st_uid != owner
    ]
    yield from problems or [good("data folder", f"{folder} is private.")]


def _disk(places: Places) -> Iterator[Check]:
    if not places.data_dir.exists():
        return
    free = shutil.disk_usage(places.data_dir).free
    message = f"{free / 1e6:,.0f} MB are free where {places.data_dir} lies."
    if free < _LEAST_FREE:
        yield odd("disk", message, "Free some space: on a full disk nothing can be stored or published.")
    else:
        yield good("disk", message)


def _program(package: Path) -> Iterator[Check]:
    """Look whether Python keeps what it has compiled: without that a start takes several times as long."""
    kept = Path(importlib.util.cache_from_source(str(package / "__init__.py")))
    if not (kept.exists() or sys.dont_write_bytecode):
        message = f"Python compiles Postbell anew at every start: nothing compiled is in {kept.parent}."
        yield odd("program", message, f"Run `{sys.executable} -m compileall -q {package.parent}`.")


def _look(places: Places, now: datetime) -> _Facts:
    require_file(places.database)
    beside = mark.read_file(places.mark)  # first: of the two it is never the newer
    runs = DaemonLock(places.data_dir).holder() is not None
    store = Store(places.database, lock_wait=_LOCK_WAIT)
    try:
        schema.require_current(store)
        # Reading is nearly always possible in WAL mode; whether somebody keeps the lock shows only here.
        with store.write():
            pass
        with store.read() as tx:
            return _Facts(
                accounts=accounts.list_accounts(tx),
                waiting=deliveries.count_by_state(tx).get(DeliveryState.SCHEDULED, 0),
                overdue=summary.overdue(tx, now - LATE_AFTER, now=now),
                oldest_overdue=summary.oldest_overdue(tx, now - LATE_AFTER, now=now),
                lost=lost_lately(tx, now),
                unsure=deliveries.list_in_state(tx, DeliveryState.UNSURE),
                newest=summary.newest_time(tx),
                lost_files=summary.lost_files(tx, MediaStore(places.media).path_of),
                caution=caution_now(tx, now, registry.can_ask),
                foreseen=foresee(tx, beside, runs=runs),
                notified=notified(tx, _ways(places), now),
                hooks=hooks.list_hooks(tx),
                any_key=bool(keys.list_keys(tx)),
            )
    finally:
        store.close()


def _database(places: Places) -> Iterator[Check]:
    if problems := backup.quick_check(places.database):
        message = f"{places.database} is damaged: {problems[0]}."
        yield bad("database", message, "See `postbell db check`, then `postbell db restore latest`.")
    else:
        yield good("database", f"{places.database} is sound and has schema {schema.HEAD}.")


def _clock(now: datetime, newest: datetime | None) -> Iterator[Check]:
    if told := clock_told(now, newest):
        yield bad("clock", *told)
    elif _synchronised() is False:
        yield odd("clock", f"It is {stamp(now)}, but the clock is not kept right by NTP.", _SET_CLOCK)
    else:
        yield good("clock", f"It is {stamp(now)}.")


def _synchronised() -> bool | None:
    """Whether the clock is kept right, as systemd says; None where nobody can tell."""
    tool = shutil.which("timedatectl")
    if tool is None:
        return None
    command = [tool, "show", "--property=NTPSynchronized", "--value"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=2, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return None
    return {"yes": True, "no": False}.get(said.stdout.strip())


def _daemon(places: Places, waiting: int) -> Iterator[Check]:
    mend = "Start it: `systemctl enable --now postbell`, or `postbell run`."
    if pid := DaemonLock(places.data_dir).holder():
        yield good("daemon", f"It runs as process {pid}.")
    elif waiting:
        yield bad("daemon", f"It does not run, and {counted(waiting)} waiting for it.", mend)
    else:
        yield odd("daemon", "It does not run.", mend)


def _account(account: Account, now: datetime, verify: Verify | None) -> Iterator[Check]:
    name, held, known = f"account {account.name}", hold_of(account, now), registry.keys()
    if account.network not in known:
        yield bad(name, f"This Postbell has no network {account.network}.")
    elif verify is not None:
        try:
            yield good(name, f"{account.network} accepts it as {verify(account.name).handle}.")
        except PostbellError as error:
            yield bad(name, str(error), _mend_of(error, account))
    elif held is None and (ends := _ending(account, now)):
        told = f"Its login ends at {stamp(ends)}, and its network does not renew it."
        yield odd(name, told, f"Consent again: `postbell account reconnect {account.name}`.")
    elif held is None:
        yield good(name, "It was well when it was last used.")
    else:
        found = bad if held.hold is Hold.UNAUTHORIZED else odd
        yield found(name, f"Its posts wait: {held.told(stamp)}.")


def _ending(account: Account, now: datetime) -> datetime | None:
    """Return when a login ends that nothing renews, if that is soon."""
    ends = account.tokens_end_at
    return ends if ends and account.renew_at is None and ends < now + _SOON else None


def _mend_of(error: PostbellError, account: Account) -> str:
    if isinstance(error, Unauthorized | BadConfig):
        return f"Give it again: `postbell account reconnect {account.name}`."
    return f"Check the network, and the address with `postbell account show {account.name}`."


def _deliveries(facts: _Facts) -> Iterator[Check]:
    if facts.oldest_overdue:
        yield odd("overdue", f"{overdue_told(facts.overdue, facts.oldest_overdue)}.")
    else:
        yield good("overdue", "Nothing is overdue.")
    if facts.caution:
        yield odd("caution", *caution_told(facts.caution))
    if facts.foreseen:
        yield odd("caution", *foreseen_told(facts.foreseen))
    for delivery in facts.unsure:
        yield odd("unsure", *unsure_told(delivery))
    for told, mend in lost_told(facts.lost):
        yield odd("failed or missed", told, mend)
    if not facts.lost.count:
        yield good("failed or missed", "Nothing failed or was missed within the last day.")


def _media(facts: _Facts) -> Iterator[Check]:
    for lost in facts.lost_files:
        mend = f"Give it again: `postbell edit {lost.post_id} --media FILE`."
        yield bad("media", f"The stored file of {lost.name} is gone; post {lost.post_id} needs it.", mend)
    if not facts.lost_files:
        yield good("media", "Every file that a post needs is there.")


def _hooks(found: list[Hook], now: datetime) -> Iterator[Check]:
    failing = [odd("hooks", *hook_told(hook)) for hook in fails_for_long(found, now)]
    if found:
        yield from failing or [good("hooks", f"Told: {', '.join(hook.name for hook in found)}.")]


def _api(places: Places, facts: _Facts) -> Iterator[Check]:
    place = parse_listen(load_settings(places.config).api.listen)
    if place and not place.is_loopback and not facts.any_key:
        yield bad("api", f"The HTTP API is not opened at {place}: {NO_KEY}.", MAKE_KEY)


def _secrets(places: Places, facts: _Facts) -> Iterator[Check]:
    vault = find_vault(places, load_settings(places.config))
    for is_well, told, mend in encryption_told(places, vault, facts.accounts, facts.hooks):
        level = Level.OK if is_well else Level.WARN
        yield Check(name="secrets", level=level, message=told, mend=mend)


def _backup(places: Places, facts: _Facts, now: datetime) -> Iterator[Check]:
    newest = backup.newest_backup(places.backups, now)
    age = now - backup.made_at(newest) if newest else None
    mend = "Make one: `postbell db backup`."
    if age is not None and age < timedelta(0):
        yield odd("backup", f"The newest, {newest}, is of a time that is still to come.", mend)
    elif age is not None and age <= _old_after(places):
        yield good("backup", f"The newest is {newest}.")
    elif age is not None:
        yield odd("backup", f"The newest, {newest}, is {age.days} days old.", mend)
    elif facts.newest or facts.accounts:
        yield odd("backup", "There is none yet.", mend)
    else:
        yield good("backup", "There is nothing to back up yet.")


def _old_after(places: Places) -> timedelta:
    """Return the age at which a backup is old: two were missed, or nobody has made one for a week."""
    with suppress(BadConfig):  # told by a check of its own
        if every := load_settings(places.config).backup.every:
            return every * 2 + timedelta(hours=1)
    return _OLD_BACKUP


def _log(places: Places, now: datetime) -> Iterator[Check]:
    seen = storage(places, now, every=None, since=None)
    for told, mend in seen.troubles:
        yield odd("log", told, mend)
    if not seen.troubles:
        yield good("log", f"The log of the database has {seen.log_bytes / 1e6:,.1f} MB.")


def _ways(places: Places) -> list[Way]:
    with suppress(BadConfig):  # told by a check of its own
        return find_ways(load_settings(places.config).notify)
    return []


def _notices(places: Places, seen: Notified) -> Iterator[Check]:
    path = load_settings(places.config).notify.urls_file
    if path and path.exists() and (mode := path.stat().st_mode & 0o777) & 0o077:
        yield odd("notices", f"Others can read {path} (mode {mode:04o}).", f"Run `chmod 600 {path}`.")
    ways, failing = _ways(places), {way.name: way for way in seen.ways if way.error is not None}
    for way in ways:
        try:
            way.check(thoroughly=True)
        except NotTold as error:
            yield bad("notices", f"You cannot be told by {way.name}: {error}")
        else:
            if way.name in failing:
                yield bad("notices", failing_told(failing[way.name]), TRY)
            else:
                yield good("notices", f"You are told by {way.name}.")
    if not ways:
        mend = f"Give `urls` or `command` under [notify] in {places.config}."
        yield Check(name="notices", level=Level.OK, message="You are told nothing by itself.", mend=mend)
