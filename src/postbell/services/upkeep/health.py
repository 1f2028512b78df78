"""How Postbell is doing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from postbell.domain.account import Health
from postbell.domain.caution import Cause, Caution
from postbell.domain.hook import Hook, fails_for_long
from postbell.domain.pause import Pause
from postbell.domain.post import LATE_AFTER, Delivery
from postbell.domain.spans import span_text
from postbell.domain.states import DeliveryState, Outcome
from postbell.errors import NoKey, NotFound
from postbell.publishing.protocol import Resend
from postbell.services.accounts.encrypted import Encryption, encryption_of
from postbell.services.accounts.holds import Held, Hold, hold_of
from postbell.services.context import Context
from postbell.settings import Places
from postbell.store import accounts, attempts, deliveries, hooks, mark, pauses, schema
from postbell.store.caution import read_caution
from postbell.store.lock import DaemonLock
from postbell.store.mark import Mark
from postbell.store.retention import count_pruned


if TYPE_CHECKING:
    from postbell.services.telling.notified import Notified
    from postbell.services.telling.ways import Way
    from postbell.services.upkeep.storage import Storage
    from postbell.store.queue import Waiting
    from postbell.store.summary import Lost, Overdue

_LATELY = timedelta(days=1)
#: The system's clock may be corrected by so much without anybody minding.
_CLOCK_SLACK = timedelta(minutes=1)
_MOST_NAMED = 20


@dataclass(frozen=True, kw_only=True)
class Status:
    """How things stand at one instant."""

    #: The process id of the daemon; None if none runs.
    daemon: int | None
    #: When each account that may publish wants to publish next, the soonest first.
    next_due: tuple[Waiting, ...]
    overdue: Overdue
    oldest_overdue: Delivery | None
    counts: Mapping[DeliveryState, int]
    #: How many of the processed ones were published, and how many failed.
    results: Mapping[Outcome, int]
    #: What failed or was missed within the last day.
    lost: Lost
    unsure: tuple[Delivery, ...]
    held: tuple[Held, ...]
    #: What the user holds back besides single accounts.
    pauses: tuple[Pause, ...]
    #: Why, if at all, what is overdue was or is looked up before it is sent.
    caution: Caution | None
    #: What the next daemon will have to be cautious of.
    foreseen: Cause | None
    storage: Storage
    notified: Notified
    schema: str | None
    #: How the secrets of accounts are stored.
    secrets: Encryption
    #: The hooks that have taken nothing for long.
    failing_hooks: tuple[Hook, ...] = ()
    #: That the clock is wrong, and what to do, in sentences; None if nothing shows that.
    clock: tuple[str, str] | None = None

    @property
    def troubles(self) -> list[str]:
        """What somebody must look at, in sentences; an empty list means that all is well."""
        found = []
        if self.daemon is None:
            found.append("No daemon runs, so nothing is published. Start it: `postbell run`, or by systemd.")
            if left := self.counts.get(DeliveryState.PROCESSING):
                found.append(
                    f"Under way when the daemon ended, and may be public: {counted(left)}. See "
                    "`postbell list --state processing`; the next start looks before it sends anything again."
                )
        if self.oldest_overdue:
            found.append(f"Overdue: {overdue_told(self.overdue, self.oldest_overdue)}.")
        found += [" ".join(self.clock)] if self.clock else []
        if self.caution:
            found.append(f"Caution: {' '.join(caution_told(self.caution))}")
        if self.foreseen:
            found.append(f"Caution: {' '.join(foreseen_told(self.foreseen))}")
        found += [f"Unsure: {told} {mend}" for told, mend in map(unsure_told, self.unsure)]
        found += [f"{told} {mend}" for told, mend in lost_told(self.lost)]
        for held in self.held:
            if held.hold is Hold.UNAUTHORIZED:
                told = held.told(stamp)
                found.append(f"{told[0].upper()}{told[1:]}.")
        found += [f"{told} {mend}" for told, mend in map(hook_told, self.failing_hooks)]
        found += [f"{told} {mend}" for told, mend in self.storage.troubles]
        found += [f"{told} {mend}".rstrip() for told, mend in self.notified.troubles]
        return found


def status(
    ctx: Context, places: Places, *, backup_every: timedelta | None = None, ways: Sequence[Way] = ()
) -> Status:
    """Return how things stand now, seen in one moment of the database.

    The daemon is to make a backup `backup_every` so often, if at all, and to tell the user by these ways.
    """
    from postbell.services.telling.notified import notified
    from postbell.services.upkeep.storage import storage
    from postbell.store import queue, summary

    now, beside = ctx.now(), mark.read_file(places.mark)  # first: of the two it is never the newer
    daemon = DaemonLock(places.data_dir).holder()
    with ctx.store.read() as tx:
        next_due = sorted(queue.next_due(tx), key=lambda waiting: (waiting.ready_at, waiting.account))
        late = summary.overdue(tx, now - LATE_AFTER, now=now)
        oldest = summary.oldest_overdue(tx, now - LATE_AFTER, now=now)
        pruned = count_pruned(tx)
        results = {outcome: count + pruned[outcome] for outcome, count in summary.count_results(tx).items()}
        counts = _with_pruned(deliveries.count_by_state(tx), pruned)
        unsure, lost = deliveries.list_in_state(tx, DeliveryState.UNSURE), lost_lately(tx, now)
        everybody, told_ones = accounts.list_accounts(tx), hooks.list_hooks(tx)
        paused, caution = pauses.list_pauses(tx, now), caution_now(tx, now, ctx.can_ask)
        foreseen = foresee(tx, beside, runs=daemon is not None)
        clock, told = clock_told(now, summary.newest_time(tx)), notified(tx, ways, now)
    return Status(
        daemon=daemon,
        next_due=tuple(next_due),
        overdue=late,
        oldest_overdue=oldest,
        counts=counts,
        results=results,
        lost=lost,
        unsure=tuple(unsure),
        held=tuple(held for account in everybody if (held := hold_of(account, now))),
        pauses=tuple(paused),
        caution=caution,
        foreseen=foreseen,
        storage=storage(
            places,
            now,
            every=backup_every if daemon else None,
            since=min((account.created_at for account in everybody), default=None),
        ),
        notified=told if daemon else replace(told, own=()),
        schema=schema.revision_of(ctx.store),
        secrets=encryption_of(everybody, told_ones),
        failing_hooks=tuple(fails_for_long(told_ones, now)),
        clock=clock,
    )


def _with_pruned(
    counts: Mapping[DeliveryState, int], pruned: Mapping[Outcome, int]
) -> dict[DeliveryState, int]:
    """Add what was removed since it ended."""
    states = {Outcome.MISSED: DeliveryState.MISSED, Outcome.CANCELLED: DeliveryState.CANCELLED}
    every = Counter(counts)
    for outcome, count in pruned.items():
        every[states.get(outcome, DeliveryState.PROCESSED)] += count
    return dict(every)


def lost_lately(tx: Connection, now: datetime) -> Lost:
    """Return what failed or was missed within the day before `now` (aware)."""
    from postbell.store import summary

    return summary.lost_since(tx, now - _LATELY, _MOST_NAMED)


def clock_told(now: datetime, newest: datetime | None) -> tuple[str, str] | None:
    """Return in sentences that the clock is behind what was written last, and what to do; None if not."""
    if newest is None or newest - now <= _CLOCK_SLACK:
        return None
    told = f"The clock went back: the database was last written at {stamp(newest)}, and it is {stamp(now)}."
    return f"{told} Posts would be published late.", "Set the clock: `timedatectl set-ntp true`."


def caution_now(tx: Connection, now: datetime, can_ask: Callable[[str], bool]) -> Caution | None:
    """Return the cause for caution, while anything is in doubt or held back; a grave one for a day at least.

    `can_ask` tells of a network's key whether it can be asked what is public.
    """
    found = read_caution(tx, can_ask)
    return found if found and found.is_told(now) else None


def foresee(tx: Connection, beside: Mark | None, *, runs: bool) -> Cause | None:
    """Return what a daemon will have to be cautious of when it starts on what `beside` says of the database.

    One that `runs` knows where the folder comes from; in a container it has another name for the machine.
    """
    return mark.what_happened(mark.read_mark(tx), beside, None if runs else mark.machine_name())


def caution_told(caution: Caution) -> tuple[str, str]:
    """Return in sentences what is wrong, and what comes of it."""
    waiting = caution.left - caution.asked
    parts = [f"{caution.cause.sentence} That was noticed at {stamp(caution.since)}."]
    if caution.cause.is_grave:
        parts.append(_forgotten(caution))
    comes = []
    if caution.holds:
        comes.append("Nothing is sent, because you may have cancelled it, until `postbell resume --all`.")
    if caution.asked:
        comes.append(f"Looked up before anything is sent again: {counted(caution.asked)}.")
    if waiting:
        comes.append(f"Cannot be looked up, and waits for your word (`postbell settle`): {counted(waiting)}.")
    return " ".join(parts), " ".join(comes) or "Everything that was overdue then is settled."


def foreseen_told(cause: Cause) -> tuple[str, str]:
    """Return in sentences what is wrong before any daemon has noticed it, and what to do."""
    return (
        f"{cause.sentence} Posts, changes and cancellations may be missing: compare with `postbell list`.",
        "The daemon looks at that when it starts: what is overdue then is not sent before a look.",
    )


def _forgotten(caution: Caution) -> str:
    """Return in sentences what the database may know nothing of."""
    since = f" made after {stamp(caution.known_until)}" if caution.known_until else ""
    if caution.cause is Cause.RESTORED:
        since = " made since the backup"
    certain = f"Commands that changed something, and are lost: {caution.lost}. " if caution.lost else ""
    return (
        f"{certain}Posts, changes and cancellations{since} may be missing, and what was cancelled may wait "
        "again: compare with `postbell list`."
    )


def looks_up(ctx: Context, unsure: Delivery) -> bool:
    """Whether the daemon finds out by itself how an unsure delivery ended."""
    with ctx.store.read() as tx:
        found = {account.id: account for account in accounts.list_accounts(tx)}.get(unsure.account_id)
        forgotten = attempts.is_forgotten(tx, unsure.id)
    if found is None or found.health is not Health.OK:
        return False
    if forgotten:
        return ctx.can_ask(unsure.network)
    try:
        return ctx.network_of(found).resend is not Resend.NEVER
    except (NotFound, NoKey):  # a network of another version, or an account that nobody can read
        return False


def overdue_told(overdue: Overdue, oldest: Delivery, time: Callable[[datetime], str] | None = None) -> str:
    """Return what is overdue in words, without a stop at the end; `time` puts an instant into words."""
    since = f", since {(time or stamp)(overdue.oldest)}" if overdue.oldest else ""
    return f"{counted(overdue.count)}, the oldest, post {oldest.post_id} to {oldest.account}{since}"


def unsure_told(unsure: Delivery) -> tuple[str, str]:
    """Return in sentences what is in doubt, and what to do."""
    return (
        f"post {unsure.post_id} to {unsure.account} may be public already: {_said(unsure)}.",
        f"Look there, then `postbell settle {unsure.post_id}`.",
    )


def hook_told(failing: Hook) -> tuple[str, str]:
    """Return in sentences that a hook takes nothing, and what to do."""
    since = stamp(failing.failing_since) if failing.failing_since else "a while ago"
    return (
        f"Hook {failing.name} has taken nothing since {since}: {failing.error}.",
        f"Try it: `postbell hook test {failing.name}`; see `postbell hook log {failing.name}`.",
    )


def lost_told(lost: Lost) -> list[tuple[str, str]]:
    """Return in sentences what failed or was missed, and what to do: a pair for each."""
    found = [ended_told(each) for each in lost.newest]
    if more := lost.count - len(lost.newest):
        mend = "See `postbell list --outcome failed` and `postbell list --outcome missed`."
        found.append((f"Failed or missed within the last day besides: {counted(more)}.", mend))
    return found


def ended_told(lost: Delivery) -> tuple[str, str]:
    """Return in sentences how one failed or was missed, and what to do."""
    return (
        f"{str(lost.outcome).capitalize()}: post {lost.post_id} to {lost.account}: {_said(lost)}.",
        f"Try it again: `postbell retry {lost.post_id}`.",
    )


def late_told(late: Delivery) -> str:
    """Return in a sentence how late one was published, and why."""
    assert late.lateness is not None, "what is late was published after its time"
    span = span_text(timedelta(seconds=round(late.lateness.total_seconds())))
    said = (late.late_reason or "nobody knows why").rstrip(".")
    return f"Late: post {late.post_id} to {late.account} was published {span} after its time: {said}."


def stamp(moment: datetime) -> str:
    """Return an instant (aware UTC) in words."""
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"


def _said(delivery: Delivery) -> str:
    return " ".join((delivery.message or "nobody said why").split()).rstrip(".")


def counted(count: int) -> str:
    """Return a number of deliveries in words."""
    return "1 delivery" if count == 1 else f"{count} deliveries"
