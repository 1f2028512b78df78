"""Jobs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from postbell.shapes.base import stamp


if TYPE_CHECKING:
    from postbell.domain.job import Job


def job_json(job: Job) -> dict[str, Any]:
    """Return a job."""
    return {
        "id": job.id,
        "state": "ended" if job.ended_at else "working",
        "failed": sum(item.state == "failed" for item in job.items),
        "items": [asdict(item) for item in job.items],
        "created_at": stamp(job.created_at),
        "ended_at": stamp(job.ended_at),
    }
