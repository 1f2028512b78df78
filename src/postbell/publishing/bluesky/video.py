"""A video at Bluesky: its video service makes it ready and puts it onto the account's own server.

That takes minutes. What is known of the job is kept, and the delivery waits; nothing is public meanwhile. The
lexicons are app.bsky.video.*; the service answers without the `jobStatus` around it too, and refuses a video
that it has with `already_exists` and what it made of it (docs.bsky.app/docs/tutorials/video).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from postbell.domain.content import Content
from postbell.domain.media import Media, MediaKind
from postbell.errors import Problem, PublishError, Rejected
from postbell.publishing.bluesky.api import Line
from postbell.publishing.faults import Fault, problems_of
from postbell.publishing.protocol import Progress
from postbell.publishing.web.answer import Answer, Refused, lost


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http


SERVICE = "https://video.bsky.app/xrpc/app.bsky.video"
#: The service itself, and how it is asked what may be uploaded.
WHO = "did:web:video.bsky.app"
LIMITS = "app.bsky.video.getUploadLimits"
#: What the service does in our name, and for how long it may.
UPLOAD = "com.atproto.repo.uploadBlob"
_LIFE = timedelta(minutes=30)
#: The type of subtitles, and the language that the name of a file tells: `talk.pt-BR.vtt`.
SUBTITLES = "text/vtt"
_NAMED = re.compile(r"\.([a-z]{2,3}(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?)\.vtt$")
_POLL = timedelta(seconds=5)
#: A job that is not over by then never will be.
_LONGEST_JOB = timedelta(hours=1)
#: Failures often pass.
_ANEW = timedelta(seconds=30)
_CHUNK = 1 << 20
#: Bytes a second that an upload makes at least.
_PACE = 200_000


def video_of(content: Content) -> Media | None:
    """Return the video of a post, if it has one."""
    return next((item for item in content.media if item.kind is MediaKind.VIDEO), None)


def captions_of(content: Content) -> list[Media]:
    """Return the subtitles of the video of a post."""
    return [item for item in content.media if item.mime == SUBTITLES]


def languages_of(captions: Sequence[Media], options: Any) -> list[str]:
    """Return the language of each; empty where nobody has said it."""
    said = list(options.captions)
    named = [_NAMED.search(item.name) for item in captions]
    either = options.langs[0] if options.langs and len(captions) == 1 else ""
    return [
        said[number] if number < len(said) else name[1] if name else either
        for number, name in enumerate(named)
    ]


def check_video(content: Content, options: Any, *, account: str) -> list[Problem]:
    """Return what speaks against the files of a post that has a video, or subtitles. Pure."""
    captions, found, ours = captions_of(content), list[Fault](), list[Fault]()
    if len(content.media) - len(captions) > 1 and video_of(content):
        ours.append(("media", "a post has one video, or pictures; leave the others out."))
    if captions and not video_of(content):
        ours.append(("media", "subtitles need a video; leave them out."))
    if len(options.captions) > len(captions):
        found.append(("[bluesky] captions", "there are more languages than WebVTT files."))
    if options.presentation == "gif" and not video_of(content):
        found.append(("[bluesky] presentation", "it needs a video."))
    languages = languages_of(captions, options)
    untold = (item for item, said in zip(captions, languages, strict=True) if not said)
    mend = "say its language: name it like talk.en.vtt, or set bluesky.captions=en."
    found += [(f"media {item.name}", mend) for item in untold]
    if len(set(languages)) < len(languages) and all(languages):
        found.append(("[bluesky] captions", "two WebVTT files are of the same language."))
    return problems_of(account, found, ours)


async def video_step(line: Line, video: Media, found: Mapping[str, Any], http: Http) -> Progress:
    """Take one step towards the `video` of a record; `found` is what was known before. May be repeated.

    Raises Rejected for a video that is not taken, or twice could not be made ready.
    """
    if "job" not in found and "room" not in found:
        # Kept as a step: an upload whose answer is lost may have used the last of the room.
        await _require_room(line, video, http)
        return Progress(step="the video may be uploaded", data={**found, "room": True})
    if "job" in found:
        status = await _ask(str(found["job"]), http)
    else:
        status = await _upload(line, video, http)
    now, data = http.now(), dict(found)
    if isinstance(status.get("blob"), dict):
        return Progress(step="the video is ready", data={**data, "video": status["blob"]})
    since = datetime.fromisoformat(data.setdefault("since", now.isoformat()))
    if status.get("state") != "JOB_STATE_FAILED" and now - since < _LONGEST_JOB:
        again_at = now + _POLL
        return Progress(
            step="the video is made ready", data={**data, "job": status["jobId"]}, again_at=again_at
        )
    if data.get("anew"):
        why = status.get("message") or status.get("error") or status.get("failureCode") or "it took too long"
        raise Rejected(f"Bluesky could not make the video ready: {why}")
    fresh = {key: value for key, value in data.items() if key not in ("job", "since")}
    return Progress(step="the video is uploaded anew", data={**fresh, "anew": True}, again_at=now + _ANEW)


async def _ask(job: str, http: Http) -> dict[str, Any]:
    try:
        answer = await http.request("GET", f"{SERVICE}.getJobStatus", params={"jobId": job}, judge=_judge)
    except Refused as refusal:  # it does not know the job any more
        return {"state": "JOB_STATE_FAILED", "message": str(refusal)}
    return _status(answer.json(), answer)


async def _upload(line: Line, video: Media, http: Http) -> dict[str, Any]:
    session = await line.session()
    audience = f"did:web:{urlsplit(session['pds']).netloc.replace(':', '%3A')}"
    token = await line.service_token(audience, UPLOAD, http.now() + _LIFE)
    headers = {
        "authorization": f"Bearer {token}",
        "content-type": video.mime,
        "content-length": str(video.size),
    }
    try:
        answer = await http.request(
            "POST",
            f"{SERVICE}.uploadVideo",
            params={"did": session["did"], "name": f"{video.sha256[:20]}.mp4"},
            headers=headers,
            content=_chunks(video.path),
            judge=_judge,
            deadline=60 + video.size / _PACE,
        )
    except Refused as refusal:
        if refusal.code != "already_exists":
            raise
        return dict(refusal.data)
    return _status(answer.json(), answer)


async def _require_room(line: Line, video: Media, http: Http) -> None:
    """Raise Rejected if the service takes no more videos of the account today, or none at all."""
    until = http.now() + _LIFE
    try:
        token = await line.service_token(WHO, LIMITS, until)
        headers = {"authorization": f"Bearer {token}"}
        answer = await http.request("GET", f"{SERVICE}.getUploadLimits", headers=headers, judge=_judge)
        said = answer.json()
    except Refused:  # then the upload itself will tell
        return
    if not isinstance(said, dict):
        return
    told = str(said.get("message") or said.get("error") or "").strip()
    if said.get("canUpload") is False:
        why = told or "it does not say why; is the e-mail address of the account confirmed?"
        raise Rejected(f"Bluesky takes no video of this account now: {why}")
    if said.get("remainingDailyVideos") == 0:
        raise Rejected("Bluesky takes no more videos of this account today; try it again tomorrow.")
    left = said.get("remainingDailyBytes")
    if type(left) is int and left < video.size:
        raise Rejected(
            f"Bluesky takes only {left:,} more bytes of videos of this account today, and {video.name} has "
            f"{video.size:,}; try it again tomorrow."
        )


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk


def _status(said: Any, answer: Answer) -> dict[str, Any]:
    inner = said.get("jobStatus", said) if isinstance(said, dict) else None
    if not isinstance(inner, dict) or not (inner.get("jobId") or inner.get("blob")):
        raise lost(f"{answer.place} answered without a job", answer.publishes)
    return inner


def _judge(answer: Answer) -> PublishError | None:
    """Read an error of the service. It never concerns the whole account: without a video posts are taken."""
    said = answer.error_json()
    inner = said.get("jobStatus", said)
    if answer.status >= 500 or answer.status in (408, 425, 429) or not isinstance(inner, dict):
        return None
    name = str(inner.get("error") or said.get("error") or "")
    if name == "already_exists" and (inner.get("jobId") or inner.get("blob")):
        return Refused("it is there already", code=name, data=inner)
    told = str(inner.get("message") or said.get("message") or "")[:300]
    return Refused(f"Bluesky's video service answered {answer.status} {name}: {told}", code=name)
