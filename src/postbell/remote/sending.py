"""Sends files to another machine in parts, so that what breaks off goes on where it was (tus 1.0.0)."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from postbell.domain.media import Media, Source
from postbell.errors import Conflict, Invalid, Problem
from postbell.remote.client import Client
from postbell.remote.reading import stored_of
from postbell.services.media.file_types import recognise
from postbell.services.media.inspection import display_name, open_file, read_head


#: Shows how far something is: given what it is and how much there is of it, yields what is told of each part.
Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]

#: So many bytes are sent at once.
_PART = 8_000_000
#: So often it is asked where to go on, one time after the other, before the refusal is believed.
_MOST_ASKED = 3


@dataclass(frozen=True, kw_only=True)
class Sent:
    """Files that lie at the other machine, and what is wrong with the others."""

    media: tuple[Media, ...]
    problems: tuple[Problem, ...]
    #: How many of them were sent for this.
    count: int


def send_files(client: Client, items: Sequence[Source | Media], progress: Progress) -> Sent:
    """Send the files that are not there yet; those that are no good are told among the problems."""
    found: list[Media] = []
    problems: list[Problem] = []
    for item in items:
        try:
            found.append(item if isinstance(item, Media) else _send(client, progress, *item))
        except Invalid as error:
            problems += error.problems
    count = sum(not isinstance(item, Media) for item in items) - len(problems)
    return Sent(media=tuple(found), problems=tuple(problems), count=count)


def _send(client: Client, progress: Progress, path: Path, alt: str, part: int = 1) -> Media:
    name = display_name(path)
    with open_file(path, name) as file:
        recognise(read_head(file, name), name)
        size = os.fstat(file.fileno()).st_size
        try:
            place = _begin(client, size, alt)
            with progress(f"Sending {name}", size) as told:
                for done in _parts(client, place, file, size):
                    told(done)
        except Invalid as error:
            raise Invalid(replace(each, where=f"media {name}") for each in error.problems) from None
    sha256 = client.get(place)["sha256"]
    return replace(stored_of(client.get(f"media/{sha256}")), name=name, alt=alt, part=part)


def _begin(client: Client, size: int, alt: str) -> str:
    headers = {"Upload-Length": str(size)}
    if alt:
        headers["Upload-Metadata"] = f"alt {base64.b64encode(alt.encode()).decode()}"
    answer = client.tus("POST", "uploads", headers)
    return f"uploads/{answer.headers['location'].rpartition('/')[2]}"


def _parts(client: Client, place: str, file: BinaryIO, size: int) -> Iterator[int]:
    """Send a file; yield how many bytes went with each part."""
    offset, asked = 0, 0
    while offset < size:
        part = os.pread(file.fileno(), _PART, offset)
        headers = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        before = offset
        try:
            answer = client.tus("PATCH", place, headers, content=part)
            asked = 0
        except Conflict:  # the answer to an earlier request was lost on its way
            asked += 1
            if asked > _MOST_ASKED:
                raise
            answer = client.tus("HEAD", place, {})
        offset = int(answer.headers["upload-offset"])
        yield offset - before
