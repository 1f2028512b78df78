"""Files for posts."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from pydantic import Field
from starlette.responses import Response

from postbell.api import media_models as models
from postbell.api.arriving import FORM, Files
from postbell.api.asked import Asked
from postbell.api.call import Answer
from postbell.api.cursors import cursor_of, read_timed
from postbell.api.ranges import file_response
from postbell.api.resource import Call, Resource, found_at, page_link
from postbell.domain.access import Scope
from postbell.domain.media import STORED, MediaKind
from postbell.services.media import receiving
from postbell.services.media.ingest import ask_ingest
from postbell.shapes.jobs import job_json
from postbell.shapes.media import stored_media_json
from postbell.store.stored import list_stored


resource = Resource("media", "Files: uploaded first, then used by posts, by their `sha256`.")

Sha256 = Annotated[
    str, Path(description="Names the file.", pattern="^[0-9a-f]{64}$", examples=["9f86d081" * 8])
]

#: How bytes are described that are no text; there is no schema for them.
_FILE: dict[str, dict[str, object]] = {mime: {} for mime in STORED}


class MediaListAsked(Asked):
    """Which files to list; everything given must be true of a file."""

    kind: MediaKind | None = Field(None, description="Only those of this kind.")
    used: bool | None = Field(None, description="Only those that something uses, or that nothing does.")
    limit: int = Field(50, description="The most.", ge=1, le=200)
    cursor: str | None = Field(None, description="Where to go on: `next` of the part before.", max_length=200)


class FileAsked(Asked):
    """A file that is somewhere else."""

    url: str = Field(
        description="Where: http or https, a public address.",
        min_length=1,
        max_length=2048,
        examples=["https://pictures.example/cat.jpg"],
    )
    alt: str = Field("", description="What it shows.", max_length=10_000, examples=["A cat"])


class IngestAsked(Asked):
    """Files to fetch."""

    files: list[FileAsked] = Field(description="The files.", min_length=1, max_length=100)


class MediaChanged(Asked):
    """What to change of a file."""

    alt: str = Field(
        description="What it shows, where a post does not say that itself. Posts that there are keep theirs.",
        max_length=10_000,
    )


@resource.serve(
    "POST",
    "",
    "Upload files",
    needs=Scope.WRITE,
    returns=models.StoredMediaList,
    status=201,
    openapi_extra=FORM,
    sends=("Location",),
)
def upload(call: Call, files: Files) -> Answer:
    """Store pictures and videos: all of them, or none.

    Of a picture only what shows it is kept: no EXIF, no place, no comment, nothing behind its end. The same
    file has the same `sha256` again. What no post uses is removed after a day.
    """
    kept = receiving.keep(call.ctx, files, call.app.settings.media)
    headers = found_at("media", kept[0].media.sha256) if len(kept) == 1 else {}
    return Answer(body={"media": [stored_media_json(each) for each in kept]}, headers=headers)


@resource.serve(
    "POST",
    "/ingest",
    "Fetch files from addresses",
    needs=Scope.WRITE,
    returns=models.Job,
    status=202,
    sends=("Location",),
)
def ingest(call: Call, asked: IngestAsked) -> Answer:
    """Fetch pictures and videos from public addresses, one after another, and store them like uploads.

    The job that is answered tells what became of each: see `GET /api/v1/jobs/{id}`.
    """
    job = ask_ingest(call.ctx, [(each.url, each.alt) for each in asked.files])
    call.afterwards.append(call.request.app.state.wake)
    return Answer(body=job_json(job), headers=found_at("jobs", job.id))


@resource.get("", "List files", returns=models.MediaPage, sends=("Link",))
def list_(call: Call, asked: Annotated[MediaListAsked, Query()]) -> Answer:
    """List files, the newest first."""
    beyond = read_timed(asked.cursor) if asked.cursor else None
    with call.ctx.store.read() as tx:
        found = list_stored(
            tx,
            call.ctx.media.path_of,
            kind=asked.kind,
            used=asked.used,
            beyond=beyond,
            limit=asked.limit + 1,
        )
    shown = found[: asked.limit]
    cursor = cursor_of(shown[-1].created_at, shown[-1].media.sha256) if len(found) > asked.limit else None
    body = {"media": [stored_media_json(each) for each in shown], "next": cursor}
    return Answer(body=body, headers=page_link(call.request, cursor=cursor))


@resource.get("/{sha256:sha256}", "Read about a file", returns=models.StoredMedia, refuses=(404,))
def read(call: Call, sha256: Sha256) -> Answer:
    """Read what is known of a file."""
    return Answer(body=stored_media_json(receiving.stored(call.ctx, sha256)))


@resource.get(
    "/{sha256:sha256}/file",
    "Download a file",
    refuses=(404, 416),
    response_class=Response,
    also={
        200: {"description": "The file.", "content": _FILE},
        206: {"description": "The part of it that Range asks for.", "content": _FILE},
    },
    sends=("ETag",),
)
def download(call: Call, sha256: Sha256) -> Answer:
    """Read the bytes of a file as they are stored; with Range a part of them."""
    return Answer(whole=file_response(call.request, receiving.stored(call.ctx, sha256).media))


@resource.serve(
    "PATCH",
    "/{sha256:sha256}",
    "Change an alt text",
    needs=Scope.WRITE,
    returns=models.StoredMedia,
    refuses=(404,),
)
def change(call: Call, sha256: Sha256, asked: MediaChanged) -> Answer:
    """Say what a file shows, for posts that do not say that themselves."""
    return Answer(body=stored_media_json(receiving.describe(call.ctx, sha256, asked.alt)))


@resource.serve("DELETE", "/{sha256:sha256}", "Delete a file", needs=Scope.WRITE, status=204, refuses=(404,))
def delete(call: Call, sha256: Sha256) -> Answer:
    """Remove a file that no post and no series uses."""
    receiving.remove(call.ctx, sha256)
    call.afterwards.append(lambda: receiving.erase(call.app.ctx, sha256))
    return Answer()
