"""Work that goes on after it was asked for, in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from postbell.domain.job import ItemState, Job, JobItem
from postbell.store.tables.jobs import job


def add_job(tx: Connection, new: Job, *, since: datetime) -> None:
    """Store a job, and forget those that ended before `since` (aware)."""
    tx.execute(delete(job).where(job.c.ended_at < since))
    items = [asdict(item) for item in new.items]
    tx.execute(insert(job).values(id=new.id, created_at=new.created_at, begun=0, items=items))


def find_job(tx: Connection, job_id: str) -> Job | None:
    """Return a job."""
    row = tx.execute(select(job).where(job.c.id == job_id)).one_or_none()
    return _job(row) if row else None


def list_jobs(tx: Connection, limit: int) -> list[Job]:
    """Return the newest jobs, the newest first."""
    newest = select(job).order_by(job.c.created_at.desc(), job.c.id).limit(limit)
    return [_job(row) for row in tx.execute(newest)]


def open_jobs(tx: Connection) -> list[Job]:
    """Return the jobs of which something is left to do, the oldest first."""
    left = select(job).where(job.c.ended_at.is_(None)).order_by(job.c.created_at, job.c.id)
    return [_job(row) for row in tx.execute(left)]


def begin_job(tx: Connection, job_id: str) -> None:
    """Note that a job is begun, once more."""
    tx.execute(update(job).where(job.c.id == job_id).values(begun=job.c.begun + 1))


def record_item(tx: Connection, job_id: str, number: int, item: JobItem, now: datetime) -> None:
    """Store what became of one thing that a job is to do; with the last of them the job has ended."""
    found = find_job(tx, job_id)
    assert found, "what has not ended is not forgotten"
    items: Sequence[JobItem] = [*found.items[:number], item, *found.items[number + 1 :]]
    left = any(each.state is ItemState.WAITING for each in items)
    values = {"items": [asdict(each) for each in items], "ended_at": None if left else now}
    tx.execute(update(job).where(job.c.id == job_id).values(values))


def _job(row: Row[Any]) -> Job:
    items = [JobItem(**{**item, "state": ItemState(item["state"])}) for item in row.items]
    return Job(
        id=row.id,
        created_at=row.created_at,
        ended_at=row.ended_at,
        begun=row.begun,
        items=tuple(items),
    )
