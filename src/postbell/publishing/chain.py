"""Threads: a post for each part, which answers the one before it.

A network that publishes single posts publishes threads with what is here. What is public of a thread is kept
after each part, so that a later try goes on behind the last one; each part has a key, a number and an instant
of its own, the same at every try.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from postbell.errors import Gone, Rejected
from postbell.publishing.protocol import Absent, Call, Outgoing, Progress, Receipt, Reply, Unknown


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http


#: What a network does with one post.
Publish = Callable[[Outgoing, Progress | None, "Http"], Awaitable[Receipt | Progress]]
Find = Callable[[Outgoing, Progress | None, "Http"], Awaitable[Receipt | Absent | Unknown]]
Edit = Callable[[Outgoing, str], Awaitable[Receipt]]


async def publish(
    outgoing: Outgoing, progress: Progress | None, http: Http, one: Publish
) -> Receipt | Progress:
    """Publish the next part of a thread, or take a step towards that; anything else as `one` does."""
    if not outgoing.content.segments:
        return await one(outgoing, progress, http)
    done = _Done.of(outgoing, progress)
    result = await one(done.next, done.step, http)
    if isinstance(result, Receipt):
        done = done.with_public(result)
        return done.receipt() if done.all_public else done.progress(f"{done.told} public")
    if result.receipt and (whole := done.with_public(result.receipt)).all_public:
        left = done.progress(result.step, result)
        return replace(left, again_at=result.again_at, public=None, receipt=whole.receipt())
    step = f"part {len(done.receipts) + 1} of {done.count}: {result.step}"
    return replace(done.progress(step, result), again_at=result.again_at)


async def find(
    outgoing: Outgoing, progress: Progress | None, http: Http, one: Find
) -> Receipt | Progress | Absent | Unknown:
    """Look the parts of a thread up that are not known to be public, as far as there are any.

    Progress says that more of it is public than was known.
    """
    if not outgoing.content.segments:
        return await one(outgoing, progress, http)
    done = known = _Done.of(outgoing, progress)
    while not done.all_public:
        found = await one(done.next, done.step, http)
        if isinstance(found, Unknown):
            return Unknown(reason=f"part {len(done.receipts) + 1} of {done.count}: {found.reason}")
        if isinstance(found, Absent):
            return found if done is known else done.progress(f"{done.told} public")
        done = done.with_public(found)
    return done.receipt()


async def delete(receipt_id: str, one: Callable[[str], Awaitable[None]]) -> None:
    """Take all parts away, the last one first: nothing is left that answers what is gone."""
    for name in reversed(ids_of(receipt_id)):
        await one(name)


async def edit(outgoing: Outgoing, ids: Sequence[str], one: Edit) -> Receipt:
    """Change all parts, the first one first; `ids` are how the network calls them.

    Raises Rejected if there are more or fewer of them than is public, or if one of several is gone.
    """
    done = _Done(outgoing=outgoing)
    if done.count != len(ids):
        raise Rejected(f"it would have {done.count} parts, and {len(ids)} are public")
    if done.count == 1:
        return await one(outgoing, ids[0])
    for number, name in enumerate(ids, 1):
        try:
            done = done.with_public(replace(await one(done.next, name), id=name))
        except Gone:  # the others are not
            raise Rejected(f"part {number} of {done.count} is not there any more") from None
    return done.receipt()


def preview(outgoing: Outgoing, one: Callable[[Outgoing], list[Call]]) -> list[Call]:
    """Return the requests for all parts."""
    return [call for part in _unsent(outgoing) for call in one(part)]


def ids_of(receipt_id: str) -> list[str]:
    """Return how the network calls each part of what has this receipt."""
    return receipt_id.split(",")


def _unsent(outgoing: Outgoing) -> Iterator[Outgoing]:
    done = _Done(outgoing=outgoing)
    while not done.all_public:
        yield done.next
        done = done.with_public(Receipt(id=f"<id of part {len(done.receipts) + 1}>"))


@dataclass(frozen=True, kw_only=True)
class _Done:
    """What is public of a thread."""

    outgoing: Outgoing
    receipts: tuple[Receipt, ...] = ()
    #: What was done so far for the next part.
    step: Progress | None = None

    @classmethod
    def of(cls, outgoing: Outgoing, progress: Progress | None) -> _Done:
        if progress is None:
            return cls(outgoing=outgoing)
        receipts = tuple(map(Receipt.of, progress.data["parts"]))
        step = progress.data.get("next")
        return cls(outgoing=outgoing, receipts=receipts, step=Progress(**step) if step else None)

    @property
    def count(self) -> int:
        return len(self.outgoing.content.segments) + 1

    @property
    def all_public(self) -> bool:
        return len(self.receipts) == self.count

    @property
    def told(self) -> str:
        known = len(self.receipts)
        return f"part 1 of {self.count} is" if known == 1 else f"parts 1 to {known} of {self.count} are"

    @property
    def next(self) -> Outgoing:
        """The next part as a post of its own."""
        known, out = len(self.receipts), self.outgoing
        content = out.content.parts[known]
        if not known:
            return replace(out, content=content)
        return replace(
            out,
            content=content,
            options=out.options.further(),
            key=f"{out.key}-{known + 1}",
            begun_at=out.begun_at + timedelta(milliseconds=known),
            reply=Reply(root=self.receipts[0].id, parent=self.receipts[-1].id),
        )

    def with_public(self, receipt: Receipt) -> _Done:
        return _Done(outgoing=self.outgoing, receipts=(*self.receipts, receipt))

    def progress(self, step: str, result: Progress | None = None) -> Progress:
        data: dict[str, Any] = {"parts": [vars(receipt) for receipt in self.receipts]}
        if result:
            data["next"] = {"step": result.step, "data": dict(result.data)}
        url = self.receipts[0].url if self.receipts else None
        public = f"{self.told} public{f': {url}' if url else ''}" if self.receipts else None
        return Progress(step=step, data=data, public=public)

    def receipt(self) -> Receipt:
        warnings = [
            f"Part {number}: {warning}"
            for number, receipt in enumerate(self.receipts, 1)
            for warning in receipt.warnings
        ]
        first, ids = self.receipts[0], ",".join(receipt.id for receipt in self.receipts)
        return Receipt(id=ids, url=first.url, warnings=tuple(warnings))
