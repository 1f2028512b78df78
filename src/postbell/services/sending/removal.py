"""Takes away what was to be public for a while only."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Connection

from postbell.domain.notice import NoticeKind
from postbell.domain.post import AttemptKind, Delivery
from postbell.publishing.protocol import Absent
from postbell.services.context import Prepared
from postbell.services.sending.afterwards import Afterwards, Done
from postbell.store import attempts, comments, edits, glance, removals
from postbell.store.queue import Claim


class Removals(Afterwards):
    """Asks networks to take away what was published."""

    kind: ClassVar[AttemptKind] = AttemptKind.REMOVE
    word: ClassVar[str] = "removed"
    done: ClassVar[str] = "delivery_removed"
    not_done: ClassVar[str] = "delivery_not_removed"
    notice: ClassVar[NoticeKind] = NoticeKind.REMAINS
    by_hand: ClassVar[str] = "remove it by hand"

    def wanted(self, tx: Connection) -> bool:
        """Whether anything is to be taken away by now, whatever holds that up."""
        return glance.any_to_remove(tx, self.ctx.now())

    def list_due(self, tx: Connection, most: int) -> list[Delivery]:
        """Return what is to be taken away."""
        return removals.due_removals(tx, self.ctx.now(), most)

    async def ask(self, claim: Claim, asked: Prepared) -> Done:
        """Have it taken away; its first comment before it, which would stay, below nothing."""
        said = await self.thread.read(comments.find_comment, claim.delivery.id)
        if said and said.receipt_id:
            await asked.network.delete(asked.outgoing, said.receipt_id, asked.http)
        await asked.network.delete(asked.outgoing, claim.delivery.receipt_id or "", asked.http)
        return Absent()

    def record(self, tx: Connection, claim: Claim, done: Done, now: datetime) -> None:
        """Write down that it is not public any more, and will not be changed."""
        del done
        attempts.close_interrupted(tx, claim.delivery.id, now, kind=AttemptKind.EDIT)
        edits.give_up_removed(tx, claim.delivery.id, now)
        removals.record_removed(tx, claim.delivery.id, now)
        comments.drop_comment(tx, claim.delivery.id)

    def postpone(self, tx: Connection, delivery: Delivery, until: datetime) -> None:
        """Let it be taken away later."""
        removals.postpone_removal(tx, delivery.id, until)

    def postpone_all(self, tx: Connection, account_id: int, *, now: datetime, until: datetime) -> None:
        """Let everything that is due of one account be taken away later."""
        removals.postpone_removals(tx, account_id, now=now, until=until)

    def give_up(self, tx: Connection, delivery: Delivery, warning: str) -> None:
        """Leave it where it is, with a warning."""
        removals.give_up_removal(tx, delivery.id, warning)
