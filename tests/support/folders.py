"""A folder account, what is sent to it, and what lies there afterwards."""

from __future__ import annotations

import asyncio
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from postbell.domain.content import Content
from postbell.domain.media import Media
from postbell.errors import PublishError
from postbell.networks.folder import FEED, network
from postbell.publishing.protocol import Outgoing, Receipt, Target
from postbell.publishing.web.http import Clients, Http
from postbell.testing import FakeClock
from support import pictures


DUE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KEY = "k7m2p9q4r8s3t6v5w2x9"
ATOM = "{http://www.w3.org/2005/Atom}"


def target(place: Path, **more: Any) -> Target:
    values = {"path": str(place), **more}
    return Target(name="site", server=None, credentials=network.Credentials.model_validate(values))


def outgoing(
    place: Path,
    text: str = "Good morning",
    *,
    key: str = KEY,
    due_at: datetime = DUE,
    account: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
    **content: Any,
) -> Outgoing:
    return Outgoing(
        target=target(place, **account or {}),
        content=Content(text=text, **content),
        options=network.Options.model_validate(options or {}),
        key=key,
        number=1,
        begun_at=due_at,
        due_at=due_at,
        post_id="b7kq2m9x",
    )


def http() -> Http:
    return Http(Clients(), FakeClock(DUE))


def publish(out: Outgoing) -> Receipt:
    result = asyncio.run(network.publish(out, None, http()))
    assert isinstance(result, Receipt)
    return result


def fail(out: Outgoing) -> PublishError:
    with pytest.raises(PublishError) as caught:
        publish(out)
    return caught.value


def page(path: Path) -> tuple[dict[str, Any], str]:
    start, head, body = path.read_text().split("+++\n", 2)
    assert start == ""
    return tomllib.loads(head), body


def feed(place: Path) -> ET.Element:
    return ET.fromstring((place / FEED).read_bytes())


def titles(place: Path) -> list[str | None]:
    return [entry.findtext(f"{ATOM}title") for entry in feed(place).iter(f"{ATOM}entry")]


def visible(place: Path) -> set[str]:
    """Every file that a reader of the folder sees."""
    return {
        str(path.relative_to(place)) for path in place.rglob("*") if path.is_file() and path.name[0] != "."
    }


def picture(folder: Path, name: str = "Harbour at dawn.png", alt: str = "A harbour") -> Media:
    return pictures.picture(folder, name, alt)
