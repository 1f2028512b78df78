"""Bluesky's own server takes everything that a post can be there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from support.bluesky_online import Postbell, new_account, online, value_of
from support.pds import Account, Pds
from support.served import served


pytestmark = pytest.mark.real


@pytest.fixture
def account(pds: Pds) -> Account:
    return new_account(pds)


@pytest.fixture
def here(pds: Pds, account: Account) -> Iterator[Postbell]:
    with online(pds, account) as postbell:
        yield postbell


def _site(folder: Path) -> httpx.MockTransport:
    """Return a site whose page names a picture of more than a million bytes."""
    path = folder / "noise.png"
    Image.effect_noise((1400, 1000), 90).save(path)
    assert path.stat().st_size > 1_000_000

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/picture":
            return httpx.Response(200, headers={"content-type": "image/png"}, content=path.read_bytes())
        head = "<title>Türme</title><meta name=description content=Hohe>"
        return httpx.Response(200, html=head + "<meta property=og:image content=/picture>")

    return httpx.MockTransport(answer)


# Cards


def test_a_link_is_a_card_with_a_picture_that_is_small_enough(
    pds: Pds, account: Account, here: Postbell, tmp_path: Path
) -> None:
    with served(_site(tmp_path)) as site:
        outgoing = here.outgoing("", link=f"{site}/page")
        assert here.publish(outgoing).warnings == ()
    card = value_of(pds, account, outgoing)["embed"]["external"]
    assert (card["uri"], card["title"], card["description"]) == (f"{site}/page", "Türme", "Hohe")
    assert len(pds.get_blob(account.did, card["thumb"]["ref"]["$link"])) <= 1_000_000


def test_a_link_to_nowhere_is_a_card_without_a_picture(pds: Pds, account: Account, here: Postbell) -> None:
    outgoing = here.outgoing("Read https://nowhere.example/a")
    (warning,) = here.publish(outgoing).warnings
    assert "nobody knows nowhere.example" in warning
    card = {"uri": "https://nowhere.example/a", "title": "nowhere.example", "description": ""}
    assert value_of(pds, account, outgoing)["embed"]["external"] == card
