"""Changes what is public to what its post says now."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Connection

from postbell.domain.notice import NoticeKind
from postbell.domain.post import AttemptKind, Delivery
from postbell.errors import Rejected
from postbell.publishing.protocol import Receipt, editor_of
from postbell.services.context import Prepared
from postbell.services.sending.afterwards import Afterwards, Done
from postbell.store import edits, glance
from postbell.store.queue import Claim


class Edits(Afterwards):
    """Asks networks to change what was published."""

    kind: ClassVar[AttemptKind] = AttemptKind.EDIT
    word: ClassVar[str] = "edited"
    done: ClassVar[str] = "delivery_edited"
    not_done: ClassVar[str] = "delivery_not_edited"
    notice: ClassVar[NoticeKind] = NoticeKind.UNEDITED
    by_hand: ClassVar[str] = "look what it says, and change it by hand"

    def wanted(self, tx: Connection) -> bool:
        """Whether anything is to be changed by now, whatever holds that up."""
        return glance.any_to_edit(tx, self.ctx.now())

    def in_vain(self, tx: Connection, delivery: Delivery, now: datetime) -> str | None:
        """Give up what is to be taken away by now, and do nothing to what is."""
        return edits.give_up_removed(tx, delivery.id, now)

    def begun_at(self, claim: Claim) -> datetime | None:
        """Return when the post was changed."""
        return claim.post.updated_at

    def list_due(self, tx: Connection, most: int) -> list[Delivery]:
        """Return what is to be changed."""
        return edits.due_edits(tx, self.ctx.now(), most)

    async def ask(self, claim: Claim, asked: Prepared) -> Done:
        """Have it changed."""
        edit = editor_of(asked.network)
        if edit is None:
            raise Rejected(f"{asked.network.label} changes nothing that is public")
        return await edit(asked.outgoing, claim.delivery.receipt_id or "", asked.http)

    def record(self, tx: Connection, claim: Claim, done: Done, now: datetime) -> None:
        """Write down that it says what its post says; what the user has asked for meanwhile is still due."""
        assert isinstance(done, Receipt), "what is changed is public"
        url, warnings, version = done.url, done.warnings, claim.post.version
        edits.record_edited(tx, claim.delivery.id, version=version, url=url, warnings=warnings, now=now)

    def postpone(self, tx: Connection, delivery: Delivery, until: datetime) -> None:
        """Let it be changed later."""
        edits.postpone_edit(tx, delivery.id, until)

    def postpone_all(self, tx: Connection, account_id: int, *, now: datetime, until: datetime) -> None:
        """Let everything that is due of one account be changed later."""
        edits.postpone_edits(tx, account_id, now=now, until=until)

    def give_up(self, tx: Connection, delivery: Delivery, warning: str) -> None:
        """Leave it as it is, with a warning."""
        edits.give_up_edit(tx, delivery.id, warning)
