"""Posts that use everything that a post can be told about Mastodon, and how they are read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from postbell.domain.media import MediaKind
from postbell.publishing.mastodon.options import Options
from postbell.publishing.protocol import Outgoing
from support import pictures
from support.forms import Form, read_form
from support.mastodon_spec import api
from support.online import Online


_FILM: Mapping[str, Any] = {
    "thumbnail": 2,
    "focus": "0.5:-0.5",
    "sensitive": True,
    "visibility": "unlisted",
}
_POLL: Mapping[str, Any] = {
    "poll": ["rain", "sun"],
    "poll_expires_in": 600,
    "poll_multiple": True,
    "poll_hide_totals": True,
    "language": "de",
}
_QUOTE: Mapping[str, Any] = {"quote_approval_policy": "nobody", "spoiler_text": "Sun"}


@dataclass
class Overheard(httpx.AsyncBaseTransport):
    """Passes every request on and keeps it: a server may take an option and say nothing of it."""

    onto: httpx.AsyncBaseTransport
    requests: list[httpx.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        return await self.onto.handle_async_request(request)

    async def aclose(self) -> None:
        await self.onto.aclose()

    def sent(self, path: str) -> list[httpx.Request]:
        """Return what was posted to a path of the API, proven to keep to its description."""
        found = [each for each in self.requests if (each.method, each.url.path) == ("POST", path)]
        assert [fault for each in found for fault in api().request_faults(each, each.content)] == []
        return found

    def uploads(self) -> list[Form]:
        """Return every file that was sent, with what was said of it."""
        return [read_form(each) for each in self.sent("/api/v2/media")]


def with_everything(here: Online, quoted: str, folder: Path) -> tuple[Outgoing, Outgoing, Outgoing]:
    """Return a film, a poll and a quote of a post; all options there are have been used."""
    look = pictures.picture(folder, "look.png")
    path = pictures.written(folder, "bell.mp4", pictures.mp4())
    film = replace(look, kind=MediaKind.VIDEO, mime="video/mp4", name="bell.mp4", path=path, alt="It rings")
    quote = {**_QUOTE, "quote": quoted}
    assert _FILM.keys() | _POLL.keys() | quote.keys() == Options.model_fields.keys()
    return (
        here.outgoing("A film", media=(film, look), options=dict(_FILM), key="f" * 20),
        here.outgoing("A poll", options=dict(_POLL), key="p" * 20),
        here.outgoing("A quote", options=quote, key="q" * 20),
    )


def assert_film(status: Mapping[str, Any], overheard: Overheard, look: bytes) -> None:
    """Fail unless the film is alone, with its picture; of that one the imitation says nothing."""
    (file,) = status["media_attachments"]
    assert (file["type"], file["description"]) == ("video", "It rings")
    assert file["meta"]["focus"] == {"x": 0.5, "y": -0.5}
    assert (status["sensitive"], status["visibility"]) == (True, "unlisted")
    (upload,) = overheard.uploads()
    assert upload.files["thumbnail"].data == look


def assert_poll(status: Mapping[str, Any], overheard: Overheard) -> None:
    """Fail unless the poll is as it was wanted; that votes are to be hidden the imitation does not tell."""
    poll = status["poll"]
    assert [each["title"] for each in poll["options"]] == _POLL["poll"]
    assert poll["multiple"]
    open_for = datetime.fromisoformat(poll["expires_at"]) - datetime.fromisoformat(status["created_at"])
    assert abs(open_for - timedelta(seconds=600)) < timedelta(seconds=60)
    assert status["language"] == "de"
    polls = [json.loads(each.content).get("poll") for each in overheard.sent("/api/v1/statuses")]
    assert [each["hide_totals"] for each in polls if each] == [True]


def assert_quote(status: Mapping[str, Any], quoted: str) -> None:
    """Fail unless it quotes that post, hidden behind a warning, and may be quoted by nobody."""
    assert status["quote"]["quoted_status"]["id"] == quoted
    assert (status["quote_approval_policy"], status["spoiler_text"]) == ("nobody", "Sun")
