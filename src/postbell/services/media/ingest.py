"""Files that are fetched from addresses, after that was asked for: by jobs that survive a stop."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

from postbell.domain.ids import new_post_id
from postbell.domain.job import ItemState, Job, JobItem
from postbell.errors import DatabaseLocked, Invalid, NotFetched, NotFound, PostbellError, Problem
from postbell.publishing.web.outside import read_place
from postbell.sections import MediaSettings
from postbell.services.context import Context
from postbell.services.media import receiving
from postbell.services.media.file_types import TYPES
from postbell.services.media.receiving import Arriving
from postbell.store import jobs


#: So long a job is known after it has ended.
KEPT = timedelta(days=7)
#: So many files are fetched at once.
_AT_ONCE = 4
#: Seconds that a file may take.
_DEADLINE = 600.0
#: So often a job is begun: if the daemon ended each time, that may be because of it.
_MOST_BEGUN = 5
#: Seconds after which it is gone on if the database could not be asked.
_AGAIN_AFTER = 5.0
#: What files are served as, and what servers say that do not know what they have.
_TYPES = (*TYPES, "image/jpg", "application/octet-stream", "binary/octet-stream")
_PIECE = 1 << 20


def ask_ingest(ctx: Context, wanted: Sequence[tuple[str, str]]) -> Job:
    """Store the wish that files are fetched, each with its alt text, and return the job that does it.

    Raises Invalid for every address that nobody should follow.
    """
    problems = []
    for number, (url, _alt) in enumerate(wanted):
        try:
            read_place(url)
        except NotFetched as error:
            problems.append(Problem(where=f"files {number}", message=f"{error}."))
    if problems:
        raise Invalid(problems)
    now = ctx.now()
    items = tuple(JobItem(url=url, alt=alt) for url, alt in wanted)
    new = Job(id=new_post_id(ctx.random), created_at=now, items=items)
    with ctx.store.write() as tx:
        jobs.add_job(tx, new, since=now - KEPT)
    return new


def find_job(ctx: Context, job_id: str) -> Job:
    """Return a job; raises NotFound."""
    with ctx.store.read() as tx:
        found = jobs.find_job(tx, job_id)
    if found is None:
        raise NotFound(f"There is no job {job_id!r}; those that ended are known for {KEPT.days} days.")
    return found


def list_jobs(ctx: Context, limit: int) -> list[Job]:
    """Return the newest jobs, the newest first."""
    with ctx.store.read() as tx:
        return jobs.list_jobs(tx, limit)


@dataclass
class Ingests:
    """Carries out all jobs that there are. A job that a stop has broken off is gone on with."""

    #: What it works with, as it is configured now.
    parts: Callable[[], tuple[Context, MediaSettings]]
    _bell: asyncio.Event = field(default_factory=asyncio.Event)
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    _under_way: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def wake(self) -> None:
        """Say that there may be a new job; on the loop's own thread."""
        self._bell.set()

    async def work(self) -> None:
        """Begin jobs as they come, until cancelled; what is under way then another life goes on with."""
        self._bell.set()
        try:
            while True:
                await self._bell.wait()
                self._bell.clear()
                await self.turn()
        finally:
            for task in self._under_way.values():
                task.cancel()
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def turn(self) -> list[asyncio.Task[None]]:
        """Begin every job that is not under way; return those that are."""
        ctx, _ = self.parts()
        try:
            found = await asyncio.to_thread(_open_jobs, ctx)
        except PostbellError as error:
            self._later(error)
            return []
        for job in found:
            if job.id not in self._under_way:
                task = asyncio.create_task(self._carry_out(job))
                self._under_way[job.id] = task
                task.add_done_callback(functools.partial(self._ended, job.id))
        return list(self._under_way.values())

    def _ended(self, job_id: str, task: asyncio.Task[None]) -> None:
        del self._under_way[job_id]
        if not task.cancelled() and (fault := task.exception()):
            structlog.get_logger().error("job_broke", job=job_id, exc_info=fault)

    def _later(self, error: PostbellError) -> None:
        structlog.get_logger().warning("ingest_put_off", reason=str(error))
        asyncio.get_running_loop().call_later(_AGAIN_AFTER, self._bell.set)

    async def _carry_out(self, job: Job) -> None:
        ctx, limits = self.parts()
        waiting = [(n, item) for n, item in enumerate(job.items) if item.state is ItemState.WAITING]
        try:
            await asyncio.to_thread(_begin, ctx, job)
            await asyncio.gather(*(self._fetch(ctx, limits, job, *each) for each in waiting))
        except PostbellError as error:  # of the database: what became of it cannot be written down
            self._later(error)

    async def _fetch(self, ctx: Context, limits: MediaSettings, job: Job, number: int, item: JobItem) -> None:
        async with self._room:
            if job.begun >= _MOST_BEGUN:
                told = f"The daemon ended {job.begun} times while it fetched this; it is not tried again."
                ended = replace(item, state=ItemState.FAILED, message=told)
            else:
                ended = await _fetched(ctx, limits, item)
        await asyncio.to_thread(_record, ctx, job, number, ended)
        structlog.get_logger().info("file_ingested", job=job.id, number=number + 1, state=ended.state)


def _open_jobs(ctx: Context) -> list[Job]:
    with ctx.store.read() as tx:
        return jobs.open_jobs(tx)


def _begin(ctx: Context, job: Job) -> None:
    with ctx.store.write() as tx:
        jobs.begin_job(tx, job.id)


def _record(ctx: Context, job: Job, number: int, item: JobItem) -> None:
    with ctx.store.write() as tx:
        jobs.record_item(tx, job.id, number, item, ctx.now())


async def _fetched(ctx: Context, limits: MediaSettings, item: JobItem) -> JobItem:
    """Return what became of a file: one that cannot be had is told, and keeps no other back."""
    try:
        sha256 = await _store(ctx, limits, item)
    except Invalid as error:
        told = error.problems[0].message
    except DatabaseLocked:
        raise
    except PostbellError as error:
        told = str(error)
    except Exception as fault:  # noqa: BLE001 - else the job would never end, and nobody be told why
        structlog.get_logger().error("ingest_broke", url=item.url, exc_info=fault)
        told = f"a fault in Postbell ({type(fault).__name__}); please report it"
    else:
        return replace(item, state=ItemState.DONE, sha256=sha256)
    sentence = f"{told[0].upper()}{told[1:].rstrip('.')}."
    return replace(item, state=ItemState.FAILED, message=sentence)


async def _store(ctx: Context, limits: MediaSettings, item: JobItem) -> str:
    with ctx.media.incoming() as (path, file):
        arriving = Arriving(path=path, file=file, where=item.url, limits=limits, alt=item.alt)
        outside = ctx.clients().outside
        async with outside.opened(item.url, types=_TYPES, deadline=_DEADLINE) as found:
            gathered = bytearray()
            async for part in found.pieces():
                gathered += part
                if len(gathered) >= _PIECE:
                    await asyncio.to_thread(arriving.take, bytes(gathered))
                    gathered.clear()
            await asyncio.to_thread(arriving.take, bytes(gathered))
        arriving.end()
        (kept,) = await asyncio.to_thread(receiving.keep, ctx, [arriving], limits)
        return kept.media.sha256
