"""Files that come in parts, by tus 1.0.0."""

from __future__ import annotations

from postbell.api import media_models as models
from postbell.api import tus
from postbell.api.call import Answer
from postbell.api.parting import Parted, UploadId
from postbell.api.resource import Call, Resource, found_at
from postbell.domain.access import Scope
from postbell.services.media import uploading
from postbell.shapes.media import upload_json


resource = Resource(
    "uploads",
    "Large files, sent in parts by tus 1.0.0; one that breaks off goes on where it was. What has come to its "
    "end is a file like all others: `sha256` of the upload names it.",
)

_LENGTH = tus.header(
    "Upload-Length", "How many bytes the file has.", required=True, type="integer", minimum=1
)
_NOTES = tus.header(
    "Upload-Metadata",
    "Pairs `name value`, behind commas, the value in Base64. `alt` is what the file shows.",
    type="string",
    examples=["alt QSBjYXQ=,filename Y2F0Lm1wNA=="],
)
_OFFSET = tus.header(
    "Upload-Offset",
    "Behind which byte the part comes: how many have come before.",
    required=True,
    type="integer",
    minimum=0,
)
_SUM = tus.header(
    "Upload-Checksum",
    f"The checksum of the part: {', '.join(tus.SUMS)}, and its value in Base64.",
    type="string",
    examples=["sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="],
)
_ABLE = {
    name: {"description": about, "schema": {"type": "string"}}
    for name, about in {
        "Tus-Version": "The versions of the protocol.",
        "Tus-Extension": "What it can do besides.",
        "Tus-Max-Size": "How many bytes a file may have.",
        "Tus-Checksum-Algorithm": "What checksums are counted by.",
    }.items()
}
_TOLD = {
    name: {"description": about, "schema": {"type": kind}}
    for name, about, kind in (
        ("Upload-Offset", "How many bytes have come and stay; the next part goes on there.", "integer"),
        ("Upload-Expires", "When it is forgotten, unless a part comes before (RFC 9110).", "string"),
    )
}
#: What was said at its begin.
_BEGUN = {
    name: {"description": about, "schema": {"type": kind}}
    for name, about, kind in (
        ("Upload-Length", "How many bytes the file has.", "integer"),
        ("Upload-Metadata", "What was said of it at the begin, if anything was.", "string"),
    )
}


@resource.serve(
    "OPTIONS",
    "",
    "Read what uploads can be",
    needs=Scope.READ,
    status=204,
    also={204: {"description": "What is spoken here.", "headers": _ABLE}},
)
def able(call: Call) -> Answer:
    """Read which version of tus is spoken, what it can do, and how long files may be."""
    return Answer(
        headers={
            "Tus-Version": tus.VERSION,
            "Tus-Extension": tus.EXTENSIONS,
            "Tus-Max-Size": str(call.app.settings.media.most(None)),
            "Tus-Checksum-Algorithm": ",".join(tus.SUMS),
        }
    )


@resource.serve(
    "POST",
    "",
    "Begin an upload",
    needs=Scope.WRITE,
    returns=models.Upload,
    status=201,
    refuses=(412,),
    also={201: {"description": "It can be sent.", "headers": _TOLD}},
    openapi_extra=tus.described(_LENGTH, _NOTES),
    sends=("Location",),
)
def begin(call: Call) -> Answer:
    """Say how long a file will be. It is then sent to the address in `Location`, in parts.

    So many may be under way, with so many bytes, as `[media]` says: then this is refused with 409.
    """
    tus.require_version(call.request)
    length, notes = tus.number(call.request, "Upload-Length"), call.request.headers.get("upload-metadata", "")
    limits = call.app.settings.media
    new = uploading.begin_upload(call.ctx, limits, length=length, alt=tus.alt_of(notes), notes=notes)
    headers = found_at("uploads", new.id) | tus.headers_of(new, created=True)
    return Answer(body=upload_json(new), headers=headers)


@resource.get("", "List uploads", returns=models.Uploads)
def list_(call: Call) -> Answer:
    """List the uploads that are under way, and those that have ended within a day."""
    return Answer(body={"uploads": [upload_json(each) for each in uploading.list_uploads(call.ctx)]})


@resource.get("/{id}", "Read about an upload", returns=models.Upload, refuses=(404,))
def read(call: Call, id: UploadId) -> Answer:  # noqa: A002 - the name in the path
    """Read how far an upload is, and which file it became."""
    return Answer(body=upload_json(uploading.find_upload(call.ctx, id)))


@resource.serve(
    "HEAD",
    "/{id}",
    "Ask where an upload goes on",
    needs=Scope.WRITE,
    refuses=(404, 412),
    openapi_extra=tus.described(),
    also={200: {"description": "How far it is.", "headers": _TOLD | _BEGUN}},
)
def look(call: Call, id: UploadId) -> Answer:  # noqa: A002
    """Read in `Upload-Offset` how many bytes have come; they stay, whatever happens."""
    tus.require_version(call.request)
    return Answer(headers=tus.headers_of(uploading.find_upload(call.ctx, id)))


@resource.serve(
    "PATCH",
    "/{id}",
    "Send a part",
    needs=Scope.WRITE,
    status=204,
    refuses=(404, 412, 460),
    openapi_extra=tus.described(_OFFSET, _SUM, body=True),
    also={204: {"description": "The part is stored.", "headers": _TOLD}},
)
def go_on(call: Call, id: UploadId, part: Parted) -> Answer:  # noqa: A002
    """Send the next bytes of a file, as they are. With the last of them it is stored, like any other upload.

    What came of a part that broke off stays, unless it has a checksum: ask where to go on. A file that is no
    good is refused with 422 and forgotten.
    """
    upload = part.upload if part else uploading.find_upload(call.ctx, id)
    if part and part.whole:
        part.finish(call.ctx)
        upload = uploading.find_upload(call.ctx, id)
        call.afterwards.append(lambda: uploading.erase(call.app.ctx, id))
    return Answer(headers=tus.headers_of(upload, created=True))


@resource.serve(
    "DELETE",
    "/{id}",
    "Give up an upload",
    needs=Scope.WRITE,
    status=204,
    refuses=(404, 412),
    openapi_extra=tus.described(),
)
def forget(call: Call, id: UploadId) -> Answer:  # noqa: A002
    """Forget what has come of a file. One that it has become already stays."""
    tus.require_version(call.request)
    uploading.forget_upload(call.ctx, id)
    call.afterwards.append(lambda: uploading.erase(call.app.ctx, id))
    return Answer()
