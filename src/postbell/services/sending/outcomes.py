"""How a try ended, written down: each ending by one verb of the store."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Concatenate, ParamSpec, TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from postbell.domain.post import FORGOTTEN, Attempt, AttemptKind
from postbell.domain.retry import OPEN_AFTER, STUCK_AFTER, RetryPolicy
from postbell.errors import (
    BrokenOff,
    Conflict,
    Damaged,
    PostbellError,
    PublishError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)
from postbell.publishing.protocol import Absent, Progress, Receipt, Resend, Unknown
from postbell.publishing.web.rates import Rest
from postbell.services.context import progress_of, stored_progress
from postbell.services.sending.kept import is_as_it_was
from postbell.services.sending.quarantine import is_poison, told_absent
from postbell.store import accounts, attempts, comments, deliveries, overdue
from postbell.store.attempts import INTERRUPTED, UNSENT
from postbell.store.queue import Claim
from postbell.store.thread import StoreThread


P = ParamSpec("P")
E = TypeVar("E", bound=Receipt | Progress | Absent | Unknown | PublishError)

#: Seconds that one step of a try, or a look-up, may take: what hangs must not hold its account for ever.
LONGEST_STEP = 15 * 60.0
#: Seconds between two tries to write when the database cannot take it.
_WRITE_AGAIN = 1.0
#: No account rests longer, whatever its network says: a nonsense date must not silence it for years.
LONGEST_REST = timedelta(days=1)
#: None rests shorter: tries that the network turns away do not count, so nothing else would slow them down.
_SHORTEST_REST = timedelta(seconds=1)
#: What is late by more than this is late after an outage; by less because others were being sent.
_OUTAGE = timedelta(minutes=5)
#: How long after its account what is stuck may be tried: something else goes first.
_ASIDE = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What decides when to try again."""

    retry: RetryPolicy
    #: A random number in [0, 1).
    chance: float
    #: What the network's answers said about when to go on, if anything.
    rest: Rest | None = None
    #: How far apart an account publishes what is late after an outage; nothing where that does not matter.
    gap: timedelta = timedelta()
    #: Whether Postbell itself has broken the try off: that says nothing of the network.
    broken_off: bool = False
    #: Read when the try had ended (aware UTC).
    now: datetime
    #: Why it is late if it is published now, where more is known of that than is stored.
    late_reason: str | None = None
    #: How long after its publication its network is first asked how people respond; None: never.
    first_reading: timedelta | None = None
    #: How long after its publication it is commented on; None: never.
    comment_after: timedelta | None = None
    #: What a repeat does that nobody can vouch for; only after a look-up does it matter.
    resend: Resend = Resend.NEVER
    #: Whether a look-up that finds nothing leads to a new try without a wait.
    at_once: bool = False
    #: What was due before this, and has no limit of its own, is not sent again on a mere guess.
    too_late_before: datetime | None = None


async def insist(
    thread: StoreThread, work: Callable[Concatenate[Connection, P], None], *args: P.args, **kw: P.kwargs
) -> None:
    """Write, again and again until the database takes it: what nobody else knows must not get lost.

    Raises Conflict and Damaged, and faults of ours: no repetition mends those.
    """
    while True:
        try:
            return await thread.write(work, *args, **kw)
        except (Conflict, Damaged):
            raise
        except (PostbellError, OperationalError, sqlite3.OperationalError) as error:
            structlog.get_logger().warning("database_not_written_yet", reason=str(error))
            known = isinstance(error, PostbellError)  # what others say names statements
            thread.on_stuck(str(error) if known else "The database does not take what is to be written.")
            await asyncio.sleep(_WRITE_AGAIN)


async def write_down(
    thread: StoreThread,
    record: Callable[[Connection, Claim, E, Rules], None],
    claim: Claim,
    rules: Rules,
    *endings: E,
) -> E:
    """Record the first of these endings that can be stored at all, and return it.

    A network whose code is wrong may say what no database takes; its delivery must not stay under way for
    ever because of that. Raises Conflict and Damaged.
    """
    ending, *others = endings
    try:
        await insist(thread, record, claim, ending, rules)
    except PostbellError:
        raise
    except Exception:
        if not others:
            raise
        structlog.get_logger().exception("ending_not_storable", network=claim.account.network)
        return await write_down(thread, record, claim, rules, *others)
    return ending


def result_of(ending: Receipt | Progress | Absent | Unknown | PublishError) -> str:
    """Return the word for an ending in the log of tries."""
    words = {
        Receipt: "published",
        Progress: "progress",
        Absent: "absent",
        Unknown: "unknown",
        Rejected: "rejected",
        Unauthorized: "unauthorized",
        RateLimited: "rate_limited",
        Unavailable: "unavailable",
        # Unsure, and an error of a network's own: one that is of no known kind says nothing for sure.
        PublishError: "unsure",
    }
    (word, *_wider) = [word for kind, word in words.items() if isinstance(ending, kind)]
    return word


def record_try(tx: Connection, claim: Claim, ending: Receipt | Progress | PublishError, rules: Rules) -> None:
    """Write down how a try to publish ended, with everything that follows from it."""
    delivery_id, account_id = claim.delivery.id, claim.account.id
    message = str(ending) if isinstance(ending, PublishError) else None
    attempts.close_attempt(tx, claim.attempt_id, result=result_of(ending), message=message, now=rules.now)
    match ending:
        case Receipt():
            _published(tx, claim, ending, rules, found=False)
            accounts.keep_distance(tx, {account_id: rules.now})
        case Progress():
            deliveries.snooze(tx, delivery_id, f"waits: {ending.step}", ending.again_at or rules.now)
        case Rejected():
            doubt = "; an earlier try may have been accepted: look first"
            told = f"{ending}{doubt if is_in_doubt(tx, delivery_id) else ''}"
            deliveries.record_failed(tx, delivery_id, told, rules.now)
        case Unauthorized():
            hold_account(tx, claim, str(ending))
            deliveries.snooze(tx, delivery_id, str(ending), rules.now)
        case RateLimited():
            deliveries.snooze(tx, delivery_id, str(ending), let_rest(tx, account_id, ending, rules))
        case BrokenOff():
            deliveries.snooze(tx, delivery_id, str(ending), rules.now)
        case Unavailable():
            _unavailable(tx, claim, str(ending), rules)
        case _:
            deliveries.lose_track(tx, delivery_id, str(ending))
            accounts.keep_distance(tx, {account_id: rules.now})
    _keep_pace(tx, claim, ending, rules)


def is_plain(claim: Claim, rules: Rules) -> bool:
    """Whether nothing follows from a publication but the least gap that the user has asked for."""
    return not (claim.account.setbacks or rules.rest or _is_catching_up(claim, rules))


def record_look_up(
    tx: Connection,
    claim: Claim,
    ending: Receipt | Progress | Absent | Unknown | PublishError,
    rules: Rules,
) -> None:
    """Write down what a look-up said about an unsure delivery, with everything that follows from it.

    What is not public for sure is sent again, of a thread that is public in part the rest. So is what the
    network cannot tell of, where an identity of its own makes a repeat harmless and it is not too late for
    that. But what has ended the process again and again is not. Where the network could not be asked, it
    stays unsure: it is asked again.
    """
    delivery_id, account_id = claim.delivery.id, claim.account.id
    message = str(ending) if isinstance(ending, PublishError) else None
    if isinstance(ending, Unknown):
        message = ending.reason
    attempts.close_attempt(tx, claim.attempt_id, result=result_of(ending), message=message, now=rules.now)
    note_rest(tx, account_id, rules)
    tries = attempts.list_attempts(tx, [delivery_id])
    if tries[-1].id != claim.attempt_id:
        return  # the user has settled it meanwhile, and knows better
    match ending:
        case Receipt():
            _published(tx, claim, ending, rules, found=True)
        case Unauthorized():
            hold_account(tx, claim, str(ending))
        case RateLimited():
            let_rest(tx, account_id, ending, rules)
        case Progress():
            deliveries.save_progress(tx, delivery_id, stored_progress(ending))
            _not_found(tx, claim, ending, rules, tries)
        case Absent() | Unknown():
            _not_found(tx, claim, ending, rules, tries)


def _not_found(
    tx: Connection, claim: Claim, ending: Progress | Absent | Unknown, rules: Rules, tries: Sequence[Attempt]
) -> None:
    delivery_id, poison = claim.delivery.id, is_poison(claim.delivery, tries)
    try_at = None if poison else _next_try(claim, rules)
    if try_at is not None:
        guess = rules.resend is Resend.SAFE and not _is_too_late(tx, claim, rules)
        if not isinstance(ending, Unknown) or guess:
            at = rules.now if rules.at_once or isinstance(ending, Progress) else try_at
            unknown = ending.reason if isinstance(ending, Unknown) else None
            deliveries.resend(tx, delivery_id, try_at=at, message=_why_again(claim, unknown))
    elif not isinstance(ending, Unknown):
        what = "the rest of it" if isinstance(ending, Progress) or is_public_in_part(claim) else "it"
        told = f"{what} is not public, and was given up after {claim.delivery.tries} tries"
        told = told_absent(claim.delivery, what) if poison else told
        deliveries.give_up(tx, delivery_id, told, rules.now)


def is_public_in_part(claim: Claim) -> bool:
    """Whether something of a delivery was public before this try, or look-up."""
    progress = progress_of(claim.delivery.progress)
    return progress is not None and progress.public is not None


def is_in_doubt(tx: Connection, delivery_id: int) -> bool:
    """Whether a try may have been accepted, and neither a look-up nor the user has said otherwise since."""
    doubt = False
    for tried in attempts.list_attempts(tx, [delivery_id]):
        if tried.kind is AttemptKind.PUBLISH:
            unsent = tried.message == UNSENT
            doubt = doubt or (tried.result in ("unsure", INTERRUPTED, FORGOTTEN) and not unsent)
        elif tried.kind is AttemptKind.SETTLE or tried.result in ("absent", "progress"):
            doubt = False
    return doubt


def hold_account(tx: Connection, claim: Claim, message: str) -> None:
    """Hold the account, unless it was given other credentials while the old ones were refused."""
    if is_as_it_was(tx, claim.account):
        accounts.mark_unauthorized(tx, claim.account.id, message)


def let_rest(tx: Connection, account_id: int, ending: RateLimited, rules: Rules) -> datetime:
    """Let the account rest for as long as its network asked, and return until when.

    A network that does not say how long, or names a time that is over, is left alone for the longest wait
    between two tries: to ask again at once is what it complains about.
    """
    wait = rules.retry.cap * (0.5 + rules.chance / 2)
    asked = ending.until if ending.until and ending.until > rules.now else rules.now + wait
    until = min(max(asked, rules.now + _SHORTEST_REST), rules.now + LONGEST_REST)
    accounts.ask_rest(tx, account_id, until=until, reason=f"rate limited: {ending}")
    return until


def note_rest(tx: Connection, account_id: int, rules: Rules, *, failed: bool = False) -> None:
    """Let the account rest for as long as follows from what its network answered to anything, if it does.

    It may have `failed` in the end: then its setbacks are counted on.
    """
    if rules.rest:
        until = min(rules.rest.until, rules.now + LONGEST_REST)
        accounts.prolong_rest(tx, account_id, until=until, reason=rules.rest.reason, failed=failed)


def _published(tx: Connection, claim: Claim, receipt: Receipt, rules: Rules, *, found: bool) -> None:
    delete_after = claim.post.delete_after
    deliveries.record_published(
        tx,
        claim.delivery.id,
        receipt_id=receipt.id,
        url=receipt.url,
        warnings=receipt.warnings,
        now=rules.now,
        found=found,
        late_reason=rules.late_reason,
        delete_at=None if delete_after is None else rules.now + delete_after,
        metrics_at=None if rules.first_reading is None else rules.now + rules.first_reading,
    )
    if rules.comment_after is not None:
        # What nobody remembers to have published may have been commented on as well.
        unsure = attempts.is_forgotten(tx, claim.delivery.id)
        comments.plan_comment(tx, claim.delivery.id, rules.now + rules.comment_after, unsure=unsure)


def _keep_pace(tx: Connection, claim: Claim, ending: Receipt | Progress | PublishError, rules: Rules) -> None:
    """Let the account rest for as long as follows from how a try ended, and from what was answered."""
    account_id, result = claim.account.id, result_of(ending)
    if isinstance(ending, Receipt | Progress | Rejected | RateLimited):
        _answered(tx, claim, rules.now)
    elif result == "unsure" and not rules.broken_off:
        _set_back(tx, claim, str(ending), rules)
    note_rest(tx, account_id, rules, failed=result in ("unavailable", "unsure"))
    if _is_catching_up(claim, rules) and not isinstance(ending, Progress):
        accounts.keep_apart(tx, account_id, rules.now + rules.gap)


def _is_catching_up(claim: Claim, rules: Rules) -> bool:
    """Whether something was tried so late that more of the kind must be waiting behind it.

    The account takes its time for it, however fast the network answers: that would otherwise get all of an
    outage at once.
    """
    due_at = claim.delivery.due_at
    return bool(rules.gap) and due_at is not None and rules.now - due_at > _OUTAGE


def _answered(tx: Connection, claim: Claim, now: datetime) -> None:
    """Write down that the network answers this account: whatever setbacks there were, they are over.

    After a row of them it was the network, not the posts: what was passed over meanwhile is due at once, in
    its old order. After one or two it was a post: that one keeps its own wait.
    """
    if claim.account.setbacks:
        accounts.clear_setbacks(tx, claim.account.id)
    if claim.account.setbacks >= OPEN_AFTER:
        deliveries.free_stuck(tx, claim.account.id, now)


def _set_back(tx: Connection, claim: Claim, message: str, rules: Rules) -> tuple[int, datetime]:
    """Let the account rest after a setback; return how many there were in a row, and until when."""
    setbacks = claim.account.setbacks + 1
    until = rules.now + rules.retry.wait(setbacks, chance=rules.chance)
    accounts.set_back(tx, claim.account.id, setbacks=setbacks, until=until, reason=message, now=rules.now)
    return setbacks, until


def _unavailable(tx: Connection, claim: Claim, message: str, rules: Rules) -> None:
    """Let the account rest after a setback, and its delivery be tried again, if it was not the last time.

    The account rests by its row of setbacks; then one delivery is tried, the probe. Until the network takes
    something nobody knows whether it is at fault or the post is. So the first one is tried until it is stuck,
    and from then on by turns: the next one that is not stuck, and again the first one. An outage lets few
    posts overtake others, and a post that its network never takes blocks nobody.
    """
    delivery_id, tries = claim.delivery.id, claim.delivery.tries
    setbacks, rests_until = _set_back(tx, claim, message, rules)
    if tries >= rules.retry.most_tries:
        _give_up(tx, claim, message, rules.now)
        return
    try_at = rests_until
    if tries >= STUCK_AFTER:
        try_at += _ASIDE
        if setbacks >= OPEN_AFTER:
            deliveries.step_aside(tx, claim.account.id, try_at)
        else:
            try_at = max(try_at, rules.now + rules.retry.wait(tries, chance=rules.chance))
    deliveries.record_retry(tx, delivery_id, message, try_at)


def _give_up(tx: Connection, claim: Claim, message: str, now: datetime) -> None:
    told = f"gave up after {claim.delivery.tries} tries; the last: {message}"
    if is_in_doubt(tx, claim.delivery.id):
        deliveries.lose_track(tx, claim.delivery.id, f"an earlier try may have been accepted; {told}")
    else:
        deliveries.record_failed(tx, claim.delivery.id, told, now)


def _why_again(claim: Claim, unknown: str | None) -> str | None:
    """Return what is told of a delivery that is sent again on a guess: first what caused the doubt."""
    parts = [(part or "").rstrip(".") for part in (claim.delivery.message, unknown)]
    return "; ".join([*filter(None, parts), "it is sent again"]) if unknown else None


def _is_too_late(tx: Connection, claim: Claim, rules: Rules) -> bool:
    due_at, end, bound = claim.delivery.due_at, claim.delivery.expires_at, rules.too_late_before
    if end is None and claim.delivery.late_limit is None and due_at is not None and bound is not None:
        too_late = due_at < bound
    else:
        too_late = end is not None and end < rules.now
    return too_late or overdue.is_superseded(tx, claim.delivery.id, rules.now)


def _next_try(claim: Claim, rules: Rules) -> datetime | None:
    return rules.retry.next_try(claim.delivery.tries, now=rules.now, chance=rules.chance)
