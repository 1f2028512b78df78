"""Publishes first comments, once the posts below which they stand are public.

A first comment hangs on its delivery, in a table of its own: it never holds back another post of the account,
and whatever becomes of it, its post stays published. A try is durable before anything is sent. What may be
public is looked up before it is sent again; where nobody can tell, it is left at that, with a warning.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

import structlog
from sqlalchemy import Connection

from postbell.domain.comment import CommentState, FirstComment
from postbell.domain.content import Content, resolve
from postbell.domain.post import Delivery, Post
from postbell.domain.tagging import completed
from postbell.errors import (
    Conflict,
    PublishError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Unsure,
)
from postbell.publishing.chain import ids_of
from postbell.publishing.protocol import Absent, Outgoing, Progress, Receipt, Reply, Resend, Unknown
from postbell.publishing.web.rates import Rest
from postbell.services.context import Context, Prepared, progress_of, stored_progress
from postbell.services.sending.outcomes import (
    LONGEST_STEP,
    Rules,
    hold_account,
    insist,
    let_rest,
    note_rest,
    result_of,
)
from postbell.services.sending.sessions import Keeper
from postbell.services.sending.side_by_side import by_account
from postbell.services.sending.way import Way
from postbell.store import comments, queue
from postbell.store.queue import Claim
from postbell.store.thread import StoreThread


#: After so many tries and look-ups that came to nothing it is left to the user.
MOST_TRIES = 12
#: How many are taken up at most before the accounts are looked at anew.
_AT_ONCE = 100
#: The instants of the parts of a thread lie behind that of their post; that of a comment behind them all.
_BEHIND = timedelta(seconds=1)

_Ending: TypeAlias = Receipt | Progress | Absent | Unknown | PublishError


@dataclass(frozen=True, kw_only=True)
class _Taken:
    """A first comment that is under way."""

    #: As it was found.
    comment: FirstComment
    claim: Claim
    begun_at: datetime


def comments_of(ctx: Context, post: Post) -> list[FirstComment]:
    """Return how the first comments on a post do."""
    with ctx.store.read() as tx:
        return comments.comments_of(tx, post.id)


@dataclass
class Comments:
    """Publishes what is due, the accounts side by side."""

    ctx: Context
    thread: StoreThread

    def wanted(self, tx: Connection) -> bool:
        """Whether any is due, whatever holds it back."""
        return comments.any_due(tx, self.ctx.now())

    async def publish_due(self) -> int:
        """Publish the first comments that are due; return how many became public.

        Not to be called again before it has returned. Raises TryLater where the database cannot be used; then
        it goes on at the next call.
        """
        due = await self.thread.read(comments.due_comments, self.ctx.now(), _AT_ONCE)
        return await by_account(due, lambda each: each[1].account_id, self._publish_all)

    async def _publish_all(self, due: list[tuple[FirstComment, Delivery]]) -> int:
        count = 0
        for found, delivery in due:
            with structlog.contextvars.bound_contextvars(post=delivery.post_id, account=delivery.account):
                try:
                    ending, rest = await self._go_on(found, delivery)
                except Conflict:  # somebody was faster, or it is gone
                    continue
            count += isinstance(ending, Receipt)
            if rest or isinstance(ending, Unauthorized | RateLimited | Unavailable):
                break  # it would be the same with the next one
        return count

    async def _go_on(self, found: FirstComment, delivery: Delivery) -> tuple[_Ending, Rest | None]:
        """Look up what may be public; publish what is not, a look-up first where that says so.

        Returns how that ended, and for how long the account had better rest by what was answered.
        """
        taken = await self.thread.write(self._begin, found, delivery)
        ending, rest = await self._try(taken)
        rules = Rules(
            retry=replace(self.ctx.retry, most_tries=MOST_TRIES),
            chance=self.ctx.random.random(),
            now=self.ctx.now(),
            rest=rest,
            resend=self.ctx.network(delivery.network).resend,
        )
        await insist(self.thread, _record, taken, ending, rules)
        structlog.get_logger().info("comment_tried", result=result_of(ending))
        absent = isinstance(ending, Absent) or (isinstance(ending, Unknown) and _may_repeat(taken, rules))
        if absent and not rest and (again := await self.thread.read(comments.find_comment, delivery.id)):
            return await self._go_on(again, delivery)
        return ending, rest

    def _begin(self, tx: Connection, found: FirstComment, delivery: Delivery) -> _Taken:
        now, looks_up = self.ctx.now(), found.state is CommentState.UNSURE
        begun_at = found.begun_at or max(now, (delivery.begun_at or now) + _BEHIND)
        begun_at = begun_at.replace(microsecond=begun_at.microsecond // 1000 * 1000)
        comments.begin_comment(tx, found, None if looks_up else begun_at)
        claim = queue.load_claim(tx, delivery, 0, self.ctx.media.path_of)
        return _Taken(comment=found, claim=claim, begun_at=begun_at)

    async def _try(self, taken: _Taken) -> tuple[_Ending, Rest | None]:
        way, asked = Way(progress_of(taken.comment.progress)), None
        ending: _Ending
        try:
            asked = await self._prepare(taken)
            ending = await self._ask(taken, asked, way)
        except TimeoutError:
            ending = Unsure(f"it was not answered after {LONGEST_STEP / 60:.0f} min")
        except PublishError as error:
            ending = error
        except Exception as error:  # noqa: BLE001 - a fault in one network must not stop the others
            structlog.get_logger().exception("network_broke", network=taken.claim.account.network)
            ending = Unsure(f"a fault in Postbell's code ({type(error).__name__}); please report it")
        if not isinstance(ending, Absent | Unknown):
            ending = way.ended(ending, last=taken.comment.tries + 1 >= MOST_TRIES)
        return ending, asked.http.rest if asked else None

    async def _ask(self, taken: _Taken, asked: Prepared, way: Way) -> _Ending:
        if taken.comment.state is not CommentState.UNSURE:
            return await self._publish(taken, asked, way)
        if not asked.network.finds:
            return Unknown(reason="the network cannot be asked")
        async with asyncio.timeout(LONGEST_STEP):
            return await asked.network.find(asked.outgoing, way.progress, asked.http)

    async def _prepare(self, taken: _Taken) -> Prepared:
        claim, account = taken.claim, taken.claim.account
        content, _ = resolve(
            claim.post.content, claim.post.overrides, network=account.network, account=account.name
        )
        content = completed(content, claim.post.overrides, account=account.name)
        said = content.as_comment()
        if said is None or not claim.delivery.receipt_id:
            raise Rejected("nobody knows any more what, or how the post is called there")
        keeper = Keeper(thread=self.thread, account=account, vault=self.ctx.vault)
        asked = await self.ctx.prepare(saying(claim.post, said), claim.delivery, account, keeper)
        ids = ids_of(claim.delivery.receipt_id)
        forgotten = taken.comment.state is CommentState.UNSURE and taken.comment.begun_at is None
        begun_at = claim.delivery.ended_at or taken.begun_at if forgotten else taken.begun_at
        outgoing = as_comment(asked.outgoing, said, ids)
        return replace(asked, outgoing=replace(outgoing, begun_at=begun_at, forgotten=forgotten))

    async def _publish(self, taken: _Taken, asked: Prepared, way: Way) -> Receipt | Progress:
        asked.require_files()
        delivery_id = taken.comment.delivery_id

        async def step(progress: Progress | None) -> Receipt | Progress:
            async with asyncio.timeout(LONGEST_STEP):
                return await asked.network.publish(asked.outgoing, progress, asked.http)

        async def keep(progress: Progress) -> None:
            stored = stored_progress(progress)
            await insist(self.thread, comments.save_comment_progress, delivery_id, stored)

        return await way.go(step, keep)


def saying(post: Post, said: Content) -> Post:
    """Return a post that says its first comment, with its options; its texts and files are left out."""
    overrides = {
        key: replace(override, text=None, segments=(), link=None, title=None)
        for key, override in post.overrides.items()
    }
    return replace(post, content=said, overrides=overrides)


def as_comment(outgoing: Outgoing, said: Content, ids: Sequence[str]) -> Outgoing:
    """Return a first comment on what the network calls by `ids`, the last of which it answers.

    `outgoing` is what `saying` makes of the post: its files fit the network.
    """
    return replace(
        outgoing,
        content=Content(text=said.text, media=outgoing.content.media),
        options=outgoing.options.further(),
        key=f"{outgoing.key}-c",
        reply=Reply(root=ids[0], parent=ids[-1]),
    )


def _record(tx: Connection, taken: _Taken, ending: _Ending, rules: Rules) -> None:
    """Write down how a try, or a look-up, ended."""
    found, claim = taken.comment, taken.claim
    delivery_id, was = found.delivery_id, found.state
    note_rest(tx, claim.account.id, rules)
    match ending:
        case Receipt():
            comments.publish_comment(tx, delivery_id, receipt_id=ending.id, url=ending.url)
            for warning in ending.warnings:
                comments.warn(tx, delivery_id, f"First comment: {warning}")
        case Progress():
            until = ending.again_at or rules.now
            comments.put_comment_off(tx, delivery_id, ending.step, until, state=was, counts=False)
        case Absent() | Unknown():
            _not_found(tx, taken, ending, rules)
        case Rejected():
            doubt = "; an earlier try may have been accepted: look" if was is CommentState.UNSURE else ""
            comments.give_comment_up(tx, delivery_id, _warning(f"{str(ending).rstrip('.')}{doubt}"))
        case Unauthorized():
            hold_account(tx, claim, str(ending))
            comments.put_comment_off(tx, delivery_id, str(ending), rules.now, state=was, counts=False)
        case RateLimited():
            until = let_rest(tx, claim.account.id, ending, rules)
            comments.put_comment_off(tx, delivery_id, str(ending), until, state=was, counts=False)
        case Unavailable():
            _put_off(tx, taken, str(ending), rules, state=was)
        case _:
            _put_off(tx, taken, str(ending), rules, state=CommentState.UNSURE)


def _not_found(tx: Connection, taken: _Taken, ending: Absent | Unknown, rules: Rules) -> None:
    delivery_id = taken.comment.delivery_id
    if isinstance(ending, Unknown) and not _may_repeat(taken, rules):
        why = ending.reason.rstrip(".")
        comments.give_comment_up(tx, delivery_id, _warning(f"{why}; it may be public: look"))
    else:
        told = "it is not public, and is sent again"
        comments.put_comment_off(tx, delivery_id, told, rules.now, state=CommentState.WAITING)


def _may_repeat(taken: _Taken, rules: Rules) -> bool:
    """Whether a repeat is harmless though nobody knows if it is public."""
    return rules.resend is Resend.SAFE and taken.comment.begun_at is not None


def _put_off(tx: Connection, taken: _Taken, message: str, rules: Rules, *, state: CommentState) -> None:
    tries = taken.comment.tries + 1
    again = rules.retry.next_try(tries, now=rules.now, chance=rules.chance)
    if again is None:
        doubt = "; it may be public: look" if state is CommentState.UNSURE else ""
        told = _warning(f"gave up after {tries} tries; the last: {message.rstrip('.')}{doubt}")
        comments.give_comment_up(tx, taken.comment.delivery_id, told)
    else:
        if state is CommentState.UNSURE:  # what is not public before that may become so
            again = max(again, rules.now + comments.STILL_AT_WORK)
        comments.put_comment_off(tx, taken.comment.delivery_id, message, again, state=state)


def _warning(why: str) -> str:
    return f"The first comment was not published: {why.rstrip('.')}."
