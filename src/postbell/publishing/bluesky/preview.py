"""The requests that publish a post at Bluesky, for people to read. Pure."""

from __future__ import annotations

from typing import Any

from postbell.publishing.bluesky.api import JSON, POST, SERVER
from postbell.publishing.bluesky.atproto import shown
from postbell.publishing.bluesky.cards import by_hand, card_picture, card_shown
from postbell.publishing.bluesky.gates import beside, gates, lists_in, writes_body
from postbell.publishing.bluesky.post import (
    card_link,
    created,
    handles_in,
    images_of,
    make_record,
    put_body,
    record_key,
)
from postbell.publishing.bluesky.refs import LIST, Ref, read_ref
from postbell.publishing.bluesky.video import LIMITS, SERVICE, UPLOAD, WHO, captions_of, video_of
from postbell.publishing.protocol import Call, Outgoing


def requests_of(outgoing: Outgoing) -> list[Call]:
    """Return the requests for one post, in order; what only answers can tell stands in <…>."""
    target, options, handles = outgoing.target, outgoing.options, handles_in(outgoing)
    base = f"{target.session.get('pds') or target.server or SERVER}/xrpc/com.atproto"
    link, picture = card_link(outgoing.content, options), card_picture(outgoing)
    quote = read_ref(options.quote, POST) if options.quote else None
    lists = {word: read_ref(word, LIST) for word in lists_in(options.replies)}
    captions = captions_of(outgoing.content)
    found = {
        "blobs": [f"<blob of {item.name}>" for item in images_of(outgoing)],
        "dids": {handle: f"<did of @{handle}>" for handle in handles},
        "reply": shown(outgoing.reply),
        "card": card_shown(outgoing, link, picture) if link else None,
        "video": "<blob of the video>",
        "captions": [f"<blob of {item.name}>" for item in captions],
        "quote": {"uri": _uri(quote), "cid": "<its cid>"} if quote else None,
    }

    def post(method: str, mime: str, body: Any) -> Call:
        headers = {"authorization": "Bearer <access token>", "content-type": mime}
        return Call(method="POST", url=f"{base}.{method}", headers=headers, body=body)

    def resolve(*names: str | None) -> list[Call]:
        url = f"{base}.identity.resolveHandle?handle="
        return [Call(method="GET", url=url + name) for name in names if name]

    def get(uri: str) -> Call:
        repo, collection, rkey = uri.removeprefix("at://").split("/")
        where = f"repo={repo}&collection={collection}&rkey={rkey}"
        return Call(method="GET", url=f"{base}.repo.getRecord?{where}")

    did, rkey, record = target.session.get("did", "<did>"), record_key(outgoing), make_record(outgoing, found)
    uri = f"at://{did}/{POST}/{rkey}"
    if beside(options):
        others = gates(options, uri, created(outgoing), {word: _uri(ref) for word, ref in lists.items()})
        last = [get(uri), post("repo.applyWrites", JSON, writes_body(did, rkey, record, others))]
    else:
        last = [post("repo.putRecord", JSON, put_body(did, rkey, record))]
    read = [Call(method="GET", url=link)] if link and not by_hand(outgoing, None).is_all else []
    return [
        *(post("repo.uploadBlob", it.mime, f"<{it.name}>") for it in (*images_of(outgoing), *captions)),
        *resolve(*handles),
        *([*resolve(quote.handle), get(_uri(quote))] if quote else []),
        *resolve(*(ref.handle for ref in lists.values())),
        *read,
        *([post("repo.uploadBlob", "<its type>", f"<{picture}>")] if link and picture else []),
        *_video(outgoing, base, did),
        *last,
    ]


def _video(outgoing: Outgoing, base: str, did: str) -> list[Call]:
    if not (video := video_of(outgoing.content)):
        return []
    token = {"authorization": "Bearer <token for the video service>"}
    headers = token | {"content-type": video.mime}
    query = f"did={did}&name={video.sha256[:20]}.mp4"
    return [
        Call(method="GET", url=f"{base}.server.getServiceAuth?aud={WHO}&lxm={LIMITS}"),
        Call(method="GET", url=f"{SERVICE}.getUploadLimits", headers=token),
        Call(method="GET", url=f"{base}.server.getServiceAuth?lxm={UPLOAD}"),
        Call(method="POST", url=f"{SERVICE}.uploadVideo?{query}", headers=headers, body=f"<{video.name}>"),
        Call(method="GET", url=f"{SERVICE}.getJobStatus?jobId=<its job>"),
    ]


def _uri(ref: Ref) -> str:
    return ref.uri(f"<did of @{ref.handle}>" if ref.handle else ref.who)
