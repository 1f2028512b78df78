"""Reads back how people respond to what was published."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

import structlog
from sqlalchemy import Connection

from postbell.domain.metrics import Reading, next_reading
from postbell.domain.post import Delivery, Post
from postbell.errors import PostbellError, PublishError, RateLimited, Rejected, Unavailable
from postbell.publishing.protocol import Absent
from postbell.publishing.web.http import Http
from postbell.publishing.web.rates import Rest
from postbell.services.context import Context
from postbell.services.sending.outcomes import Rules, let_rest, note_rest
from postbell.services.sending.sessions import Keeper
from postbell.services.sending.side_by_side import by_account
from postbell.store import metrics, queue, responses
from postbell.store.queue import Claim
from postbell.store.thread import StoreThread


#: How much is read at most before the accounts are looked at anew.
_AT_ONCE = 100
#: An account whose network does not answer is left alone for so long.
_LATER = timedelta(hours=1)
#: The longest that one question may take.
_PATIENCE = 60.0

_Answer: TypeAlias = Mapping[str, int] | Absent | PublishError


def readings_of(ctx: Context, post: Post) -> list[Reading]:
    """Return what was ever read of a post, the oldest first."""
    with ctx.store.read() as tx:
        return metrics.list_readings(tx, post.id)


@dataclass
class Metrics:
    """Asks networks for the counts of what is public. Nothing depends on it: what fails is read later."""

    ctx: Context
    thread: StoreThread

    async def read_due(self) -> int:
        """Read what is due; return how much was.

        The accounts side by side, what belongs to one of them one after another. Raises TryLater where the
        database cannot be used; then it goes on at the next call.
        """
        due = await self.thread.read(metrics.due_readings, self.ctx.now(), _AT_ONCE)
        return await by_account(due, lambda each: each.account_id, self._read_all)

    async def _read_all(self, due: list[Delivery]) -> int:
        count = 0
        for delivery in due:
            claim = await self.thread.read(queue.load_claim, delivery, 0, self.ctx.media.path_of)
            answer, rest = await self._ask(claim)
            await self.thread.write(self._record, delivery, answer, rest)
            count += isinstance(answer, Mapping)
            if rest or isinstance(answer, RateLimited | Unavailable):
                break  # it would be the same with the next one
        return count

    async def _ask(self, claim: Claim) -> tuple[_Answer, Rest | None]:
        """Return what was answered, and for how long the account had better rest after that."""
        network, account, delivery = claim.account.network, claim.account, claim.delivery
        http: Http | None = None
        answer: _Answer
        try:
            count, target = self.ctx.counter(network), self.ctx.target(account)
            if count is None or delivery.receipt_id is None:
                return Rejected("it does not count any more"), None
            http = self.ctx.http(target, Keeper(thread=self.thread, account=account, vault=self.ctx.vault))
            async with asyncio.timeout(_PATIENCE):
                answer = await count(target, delivery.receipt_id, http)
        except TimeoutError:
            answer = Unavailable(f"it was not answered after {_PATIENCE:.0f} s")
        except PublishError as error:
            answer = error
        except PostbellError as error:  # the account cannot be used as it is
            answer = Rejected(str(error))
        except Exception as error:  # noqa: BLE001 - a fault in one network must not stop the others
            structlog.get_logger().exception("network_broke", network=network)
            answer = Rejected(type(error).__name__)
        return answer, http.rest if http else None

    def _record(self, tx: Connection, delivery: Delivery, answer: _Answer, rest: Rest | None) -> None:
        now, log = self.ctx.now(), structlog.get_logger()
        log = log.bind(post=delivery.post_id, account=delivery.account)
        rules = Rules(retry=self.ctx.retry, chance=0, now=now, rest=rest)
        note_rest(tx, delivery.account_id, rules)
        if isinstance(answer, RateLimited | Unavailable):
            until = now + _LATER
            # Who does not say how long is not asked for counts; no post waits for that.
            if isinstance(answer, RateLimited) and answer.until and answer.until > now:
                let_rest(tx, delivery.account_id, answer, rules)
                until = max(until, answer.until)
            metrics.postpone_readings(tx, delivery.account_id, now=now, until=until)
        elif isinstance(answer, Absent) or delivery.ended_at is None or delivery.deleted_at:
            metrics.read_again(tx, delivery.id, None)
        else:
            again = next_reading(delivery.ended_at, now, self.ctx.metrics_for)
            metrics.read_again(tx, delivery.id, again)
        if isinstance(answer, Mapping):
            metrics.add_reading(tx, delivery.id, answer, now)
            # The best hours are learnt from that.
            responses.record_responses(tx, delivery.id, sum(answer.values()), now)
            log.debug("metrics_read", **answer)
        elif isinstance(answer, PublishError):
            log.info("metrics_not_read", reason=str(answer))
