"""Posts for the real WordPress: how they are made, and published step by step."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from pathlib import Path
from typing import Any

from postbell.clock import SystemClock
from postbell.domain.content import Content
from postbell.domain.media import Media, MediaKind
from postbell.networks.wordpress import network
from postbell.publishing.protocol import Outgoing, Progress, Receipt, Target
from postbell.publishing.web.http import Clients, Http
from support import pictures
from support.wordpress import WordPress


def post_for(site: WordPress, text: str, *, password: str | None = None, **more: Any) -> Outgoing:
    """Return a post for a site, as its administrator; `options` as users give them."""
    credentials = {"username": site.username, "application_password": password or site.app_password}
    target = Target(name="blog", server=site.url, credentials=network.Credentials.model_validate(credentials))
    options = network.Options.model_validate(more.pop("options", {}))
    now = SystemClock().now()
    return Outgoing(
        target=target,
        content=Content(text=text, **more),
        options=options,
        key="k" + secrets.token_hex(9) + "z",
        number=1,
        begun_at=now,
        due_at=now,
        post_id="b7kq2m9x",
    )


async def take_steps(outgoing: Outgoing, progress: Progress | None = None) -> list[Progress | Receipt]:
    """Publish, and return every step that was taken."""
    clients = Clients()
    try:
        http = Http(clients, SystemClock())
        taken: list[Progress | Receipt] = []
        while not isinstance(progress, Receipt):
            progress = await network.publish(outgoing, progress, http)  # type: ignore[assignment]
            taken.append(progress)  # type: ignore[arg-type]
        return taken
    finally:
        await clients.close()


def publish(outgoing: Outgoing) -> Receipt:
    """Publish."""
    *_, receipt = asyncio.run(take_steps(outgoing))
    assert isinstance(receipt, Receipt)
    return receipt


def stored(folder: Path, name: str, data: bytes, alt: str) -> Media:
    """Return a picture that is stored in a folder."""
    path = folder / name
    path.write_bytes(data)
    mime = "image/jpeg" if name.endswith("jpg") else "image/png"
    digest = hashlib.sha256(data).hexdigest()
    return Media(
        sha256=digest, kind=MediaKind.IMAGE, mime=mime, size=len(data), name=name, path=path, alt=alt
    )


def two_pictures(folder: Path) -> tuple[Media, ...]:
    """Return two pictures of different kinds."""
    return (
        stored(folder, "harbour.png", pictures.png(640, 480), 'A harbour, "at dawn" & <quiet>'),
        stored(folder, "boats.jpg", pictures.jpeg(480, 640), "Two boats"),
    )
