"""What can be done with a stored post."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from postbell.domain.post import Attempt, AttemptKind, Delivery, Post
from postbell.domain.states import DeliveryState, Outcome, PostEvent, PostState
from postbell.domain.when import When
from postbell.domain.zones import wall_at
from postbell.errors import Conflict, Invalid, NotFound
from postbell.services.context import Context, progress_of
from postbell.services.plan.placing import Placing
from postbell.services.posts.checking import check_address
from postbell.services.posts.compose import load_post, move_post, require_publishable, require_step
from postbell.services.posts.rest import change_post
from postbell.services.posts.timing import timetable
from postbell.services.posts.wanted import Changes, Saved, terms_of
from postbell.services.sending.outcomes import is_in_doubt
from postbell.store import accounts, attempts, deliveries, posts, removals
from postbell.store.series import is_made_again


class Verdict(StrEnum):
    """What the user says about an unsure delivery."""

    PUBLISHED = "published"
    FAILED = "failed"
    RESEND = "resend"


def reschedule(
    ctx: Context,
    post: Post,
    to: When | Placing,
    *,
    accounts: Sequence[str] = (),
    allow_duplicate: bool = False,
) -> Saved:
    """Give a draft or scheduled post a time, or a place in the queue; it will be published then.

    With `accounts` only there, and also if others have it already; that takes a time, no place. With
    `allow_duplicate` it may say what another post says, from now on. Raises Invalid if it could not be
    published as it is, Conflict or Stale if it is too late.
    """
    if accounts and isinstance(to, When):
        terms = replace(terms_of(post), allow_duplicate=True) if allow_duplicate else None
        return change_post(ctx, post, Changes(times=dict.fromkeys(accounts, to), terms=terms))
    place, when = (None, to) if isinstance(to, When) else (to, None)
    changed = replace(
        post,
        at=when.at if when else None,
        local=when.local if when else None,
        zone=when.zone if when else None,
        allow_duplicate=post.allow_duplicate or allow_duplicate,
        updated_at=ctx.now(),
    )
    require_step(post, PostEvent.SCHEDULE)
    named, told = require_publishable(ctx, changed)
    with ctx.store.write() as tx:
        planned = timetable(ctx, tx, changed, named, place=place)
        move_post(tx, planned.post, PostEvent.SCHEDULE)
        deliveries.schedule_deliveries(tx, post.id, planned.planned)
    warnings = (*told, *planned.warnings)
    return Saved(post=_done(ctx, post.id), warnings=warnings, moved=planned.moved)


def unschedule(ctx: Context, post: Post) -> Post:
    """Make a scheduled post a draft again; its date stays as a reminder.

    Raises IllegalTransition or Stale.
    """
    with ctx.store.write() as tx:
        move_post(tx, replace(post, updated_at=ctx.now()), PostEvent.UNSCHEDULE)
        deliveries.unschedule_deliveries(tx, post.id)
    return _done(ctx, post.id)


def publish_now(ctx: Context, post: Post, *, allow_duplicate: bool = False) -> Saved:
    """Publish a draft or scheduled post at once; one that waits for another try is tried at once.

    What was to be published before it with the same account still goes first, and a wait that the network
    has asked for is kept. `allow_duplicate` and what is raised: see `reschedule`.
    """
    now = ctx.now()
    if post.state is PostState.PROCESSING:
        with ctx.store.write() as tx:
            deliveries.hasten(tx, post.id, now)
            _end_setbacks(tx, post.deliveries, now)
        return Saved(post=_done(ctx, post.id))
    when = When(at=now, local=wall_at(now, ctx.zone), zone=ctx.zone.key)
    return reschedule(ctx, post, when, allow_duplicate=allow_duplicate)


def cancel(ctx: Context, post: Post) -> Post:
    """Cancel everything of a post that is not yet under way; raises Conflict if nothing is left to cancel."""
    now = ctx.now()
    with ctx.store.write() as tx:
        if post.state in (PostState.DRAFT, PostState.SCHEDULED):
            move_post(tx, replace(post, updated_at=now), PostEvent.CANCEL)
            deliveries.cancel_waiting(tx, post.id, now)
        elif not deliveries.cancel_waiting(tx, post.id, now, in_doubt=_in_doubt(tx, post)):
            raise Conflict(f"Post {post.id} is {post.state}: nothing is left to cancel.")
    return _done(ctx, post.id)


def _in_doubt(tx: Connection, post: Post) -> list[int]:
    return [delivery.id for delivery in post.deliveries if is_in_doubt(tx, delivery.id)]


def delete(ctx: Context, post: Post) -> None:
    """Remove a draft, scheduled or cancelled post for good.

    Raises Conflict for any other, and for one whose series would make it again.
    """
    with ctx.store.write() as tx:
        if is_made_again(tx, post.id):
            skipped = post.state is PostState.CANCELLED
            mend = "it is skipped as it is" if skipped else f"cancel it instead: `postbell cancel {post.id}`"
            raise Conflict(
                f"Post {post.id} belongs to series {post.series_id}, which would make it again; {mend}."
            )
        posts.delete_post(tx, post.id)
    ctx.ring()


def retry(ctx: Context, post: Post, account: str | None = None) -> Post:
    """Try the failed and missed deliveries of a post again, now.

    Raises Conflict if there are none, if their account is gone, or for a draft and a cancelled post.
    """
    if post.state in (PostState.DRAFT, PostState.CANCELLED):
        raise Conflict(f"Post {post.id} is {post.state}: nothing of it is tried again.")
    again = [d for d in chosen(post, account) if d.outcome in (Outcome.FAILED, Outcome.MISSED)]
    if not again:
        raise Conflict(f"Nothing of post {post.id} has failed or was missed. {_unsure_hint(post)}".rstrip())
    now = ctx.now()
    with ctx.store.write() as tx:
        _require_accounts(tx, post, again)
        for delivery in again:
            deliveries.reopen(tx, delivery.id, now)
        _end_setbacks(tx, again, now)
    return _done(ctx, post.id)


def settle(
    ctx: Context, post: Post, verdict: Verdict, *, account: str | None = None, url: str | None = None
) -> Post:
    """Write down what the user knows about the unsure deliveries of a post.

    Raises Conflict if none is, Invalid if `url` is not a web address.
    """
    if url and (problems := check_address(url, "--published")):
        raise Invalid(problems)
    unsure = [d for d in chosen(post, account) if d.state is DeliveryState.UNSURE]
    if not unsure:
        raise Conflict(f"Nothing of post {post.id} is unsure; there is nothing to settle.")
    if len(unsure) > 1 and account is None:
        names = ", ".join(delivery.account for delivery in unsure)
        raise Conflict(
            f"Several deliveries of post {post.id} are unsure: say which with --account ({names})."
        )
    with ctx.store.write() as tx:
        _settle_one(ctx, tx, post, unsure[0], verdict, url=url)
    return _done(ctx, post.id)


def unpublish(ctx: Context, post: Post, account: str | None = None) -> Post:
    """Have what is public of a post taken away by the daemon, at once.

    Raises Conflict if nothing is, or if a network among them cannot take it away: then none is asked.
    """
    public = [
        each for each in chosen(post, account) if each.outcome is Outcome.PUBLISHED and not each.deleted_at
    ]
    if not public:
        raise Conflict(
            f"Nothing of post {post.id} is public, as far as is known. {_unsure_hint(post)}".rstrip()
        )
    require_all([_why_stays(ctx, each) for each in public])
    with ctx.store.write() as tx:
        for each in public:
            removals.ask_removal(tx, each.id, ctx.now())
    return _done(ctx, post.id)


def require_all(hopeless: Sequence[str | None]) -> None:
    """Raise Conflict where something cannot be done with one of several deliveries: then it is with none.

    For each of them it is given why that cannot be, or None.
    """
    if told := " ".join(filter(None, hopeless)):
        others = "; `--account` names one of the others" if None in hopeless else ""
        raise Conflict(f"{told} Nothing was changed{others}.")


def _why_stays(ctx: Context, public: Delivery) -> str | None:
    """Return in a sentence why nobody but the user can take something away; None if the network can."""
    where = f" at {public.url}" if public.url else ""
    by_hand = f"take it away by hand{where}."
    if not ctx.network(public.network).deletes:
        return f"{public.account}: {public.network} takes nothing back; {by_hand}"
    return None if public.receipt_id else f"{public.account}: nobody knows how it is called there; {by_hand}"


def log_of(ctx: Context, post: Post) -> list[tuple[Delivery, Attempt]]:
    """Return every try of a post with its delivery, oldest first."""
    by_id = {delivery.id: delivery for delivery in post.deliveries}
    with ctx.store.read() as tx:
        return [(by_id[tried.delivery_id], tried) for tried in attempts.list_attempts(tx, list(by_id))]


def _settle_one(
    ctx: Context, tx: Connection, post: Post, unsure: Delivery, verdict: Verdict, *, url: str | None
) -> None:
    now = ctx.now()
    attempt_id = attempts.open_attempt(tx, unsure.id, AttemptKind.SETTLE, now)
    attempts.close_attempt(tx, attempt_id, result=verdict, message="settled by the user", now=now)
    if verdict is Verdict.PUBLISHED:
        # Nobody knows how the network calls it, so it cannot be taken away: the user is told when it is time.
        delete_at = None if post.delete_after is None else now + post.delete_after
        deliveries.record_published(
            tx,
            unsure.id,
            receipt_id="",
            url=url,
            warnings=_unknown(post, unsure),
            now=now,
            found=True,
            delete_at=delete_at,
        )
    elif verdict is Verdict.FAILED:
        deliveries.give_up(tx, unsure.id, "the user says that it was not published", now)
    else:
        # Due anew: by its old time it could be too late, and would be missed instead of sent.
        deliveries.reopen(tx, unsure.id, now, unsure=True)
        _end_setbacks(tx, [unsure], now)


def _unknown(post: Post, unsure: Delivery) -> tuple[str, ...]:
    """Return what is told of a post of which nobody knows how the network calls it."""
    progress = progress_of(unsure.progress)
    known = progress.public if progress else None
    more = f"It is a thread: {known}; what follows the part in doubt was not sent." if known else None
    said = "The first comment was not published: nobody knows how the network calls the post."
    return tuple(filter(None, (more, said if post.content.comment else None)))


def _require_accounts(tx: Connection, post: Post, wanted: Sequence[Delivery]) -> None:
    """Raise Conflict if an account was removed: another one of its name is not the same."""
    there = {account.id for account in accounts.list_accounts(tx)}
    gone = [delivery.account for delivery in wanted if delivery.account_id not in there]
    if gone:
        raise Conflict(
            f"Post {post.id} cannot be tried again for {', '.join(gone)}: the account was removed. "
            "Write it anew for another one."
        )


def _end_setbacks(tx: Connection, hurried: Sequence[Delivery], now: datetime) -> None:
    """Let accounts go on that wait because their network could not be reached, not because it asked."""
    ids = {delivery.account_id for delivery in hurried}
    for account in accounts.list_accounts(tx):
        if account.id in ids and account.setbacks and account.rests_until and account.rests_until > now:
            accounts.rest_account(tx, account.id, until=now, reason=account.rest_reason or "")


def chosen(post: Post, account: str | None) -> list[Delivery]:
    """Return the delivery of a post for an account, or all of them; raises NotFound."""
    if account is None:
        return list(post.deliveries)
    found = [delivery for delivery in post.deliveries if delivery.account == account]
    if not found:
        names = ", ".join(delivery.account for delivery in post.deliveries)
        raise NotFound(f"Post {post.id} is not meant for {account}; its accounts: {names}.")
    return found


def _unsure_hint(post: Post) -> str:
    if any(delivery.state is DeliveryState.UNSURE for delivery in post.deliveries):
        return f"It is unsure: settle it with `postbell settle {post.id}`."
    return ""


def _done(ctx: Context, post_id: str) -> Post:
    ctx.ring()
    return load_post(ctx, post_id)
