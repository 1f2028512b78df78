"""Endings that come at the same time, written down together."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Connection

from postbell.errors import Damaged, PublishError
from postbell.publishing.protocol import Progress, Receipt
from postbell.services.sending.outcomes import Rules, is_plain, record_try, write_down
from postbell.store import accounts
from postbell.store.comments import plan_comment
from postbell.store.published import Published, record_all_published
from postbell.store.queue import Claim
from postbell.store.thread import StoreThread


Ending = Receipt | Progress | PublishError


@dataclass(frozen=True, kw_only=True, eq=False)
class _Ended:
    """How a try ended, and what is recorded instead where that cannot be stored at all."""

    claim: Claim
    ending: Ending
    instead: Ending
    rules: Rules
    #: For who waits until it is recorded.
    told: asyncio.Future[None]

    def tell(self, error: BaseException | None = None) -> None:
        """Tell who waits, if somebody still does, that it is recorded, or why it is not."""
        if self.told.done():
            return
        if error is None:
            self.told.set_result(None)
        else:
            self.told.set_exception(error)


@dataclass
class Recorder:
    """Writes down how tries ended.

    The first ending is written at once. What comes while that is done is written after it in one go: the more
    there is to do, the more is done at a time.
    """

    thread: StoreThread
    #: Called with what is handed to the database: whatever is asked of that from now on finds it recorded.
    on_handed: Callable[[Sequence[Claim]], None] = lambda _claims: None
    #: Called with what was recorded.
    on_recorded: Callable[[Claim, Ending], None] = lambda _claim, _ending: None
    _waiting: list[_Ended] = field(default_factory=list)
    _writing: asyncio.Task[None] | None = None

    async def record(self, claim: Claim, ending: Ending, rules: Rules, *, instead: Ending) -> None:
        """Record how a try ended, or `instead` where that cannot be stored at all.

        It lasts as long as the database needs, and goes on where the caller is broken off meanwhile. Raises
        Conflict and Damaged.
        """
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Ended(claim=claim, ending=ending, instead=instead, rules=rules, told=told))
        if self._writing is None:
            # In a context of its own: what is bound for one delivery says nothing of the others.
            self._writing = asyncio.create_task(self._write(), context=contextvars.Context())
        await told

    async def finish(self) -> None:
        """Wait until everything is recorded."""
        while self._writing:
            await asyncio.wait([self._writing])

    async def _write(self) -> None:
        while self._waiting:
            these, self._waiting = self._waiting, []
            try:
                await self._write_down(these)
            except BaseException as error:  # noqa: BLE001 - it is raised where it was asked for
                for each in these:
                    each.tell(error)
        self._writing = None

    async def _write_down(self, these: Sequence[_Ended]) -> None:
        self.on_handed([each.claim for each in these])
        try:
            await self.thread.write(_record, these)
        except Damaged:
            raise
        except Exception:  # noqa: BLE001 - whose fault it is shows where they are written one by one
            await asyncio.gather(*(self._write_alone(each) for each in these))
            self.on_handed([])
            return
        for each in these:
            self.on_recorded(each.claim, each.ending)
            each.tell()

    async def _write_alone(self, ended: _Ended) -> None:
        claim, endings = ended.claim, (ended.ending, ended.instead)
        structlog.contextvars.bind_contextvars(
            post=claim.post.id, account=claim.account.name, attempt=claim.attempt_id
        )
        try:
            ending = await write_down(self.thread, record_try, claim, ended.rules, *endings)
        except Exception as error:  # noqa: BLE001 - it is raised where it was asked for
            ended.tell(error)
        else:
            self.on_recorded(claim, ending)
            ended.tell()


def _record(tx: Connection, these: Sequence[_Ended]) -> None:
    """Write down how tries ended; of what was simply published, all at once."""
    published = []
    for each in these:
        if isinstance(each.ending, Receipt) and _is_plain(each, each.ending):
            published.append(_published(each.claim, each.ending, each.rules))
        else:
            record_try(tx, each.claim, each.ending, each.rules)
    if published:
        record_all_published(tx, published)
        for each in these:
            if isinstance(each.ending, Receipt) and each.rules.comment_after is not None:
                at = each.rules.now + each.rules.comment_after
                plan_comment(tx, each.claim.delivery.id, at)
        accounts.keep_distance(tx, {each.account_id: each.now for each in published})


def _is_plain(ended: _Ended, receipt: Receipt) -> bool:
    """Whether nothing follows from it but that it was published, and all of it can be stored for sure."""
    texts = (receipt.id, receipt.url or "", *receipt.warnings)
    storable = all(type(text) is str and "\0" not in text for text in texts)
    return storable and is_plain(ended.claim, ended.rules)


def _published(claim: Claim, receipt: Receipt, rules: Rules) -> Published:
    now, delete_after, first = rules.now, claim.post.delete_after, rules.first_reading
    return Published(
        delivery_id=claim.delivery.id,
        account_id=claim.account.id,
        attempt_id=claim.attempt_id,
        receipt_id=receipt.id,
        url=receipt.url,
        warnings=receipt.warnings,
        now=now,
        delete_at=None if delete_after is None else now + delete_after,
        metrics_at=None if first is None else now + first,
        late_reason=rules.late_reason,
    )
