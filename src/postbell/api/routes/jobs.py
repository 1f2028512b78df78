"""Work that goes on after it was asked for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from postbell.api import media_models as models
from postbell.api.call import Answer
from postbell.api.resource import Call, Resource
from postbell.services.media import ingest
from postbell.shapes.jobs import job_json


resource = Resource("jobs", "Jobs: work that goes on after it was asked for.")

JobId = Annotated[str, Path(description="The id of the job.", pattern="^[0-9a-z]{8}$", examples=["k7f2m9qx"])]


@resource.get("", "List jobs", returns=models.Jobs)
def list_(
    call: Call, limit: Annotated[int, Query(description="The most of them.", ge=1, le=200)] = 50
) -> Answer:
    """List the newest jobs."""
    return Answer(body={"jobs": [job_json(each) for each in ingest.list_jobs(call.ctx, limit)]})


@resource.get("/{id}", "Read a job", returns=models.Job, refuses=(404,))
def read(call: Call, id: JobId) -> Answer:  # noqa: A002 - the name in the path
    """Read how far a job has come, and what became of each of its items."""
    return Answer(body=job_json(ingest.find_job(call.ctx, id)))
