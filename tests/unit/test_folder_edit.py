"""A page is written anew under the address that it has."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from postbell.errors import Rejected
from postbell.publishing.protocol import Outgoing, Receipt
from support.folders import http, outgoing, picture, publish, titles, visible


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "posts"


def change(out: Outgoing, receipt: Receipt, text: str = "Good evening") -> Receipt:
    from postbell.networks.folder import network

    changed = replace(out, content=replace(out.content, text=text))
    return asyncio.run(network.edit(changed, receipt.id, http()))


def test_text_and_feed_say_it_and_the_address_stays(place: Path, tmp_path: Path) -> None:
    for out in (outgoing(place), outgoing(place, key="a" * 20, media=(picture(tmp_path),))):
        receipt = publish(out)
        before = visible(place)
        for _ in range(2):
            assert change(out, receipt) == receipt
        assert visible(place) == before
        page = (place / receipt.id).read_text()
        assert "Good evening" in page
        assert "Good morning" not in page
    assert titles(place) == ["Good evening"] * 2


@pytest.mark.parametrize("head", ["", "+++\n= broken\n+++\n", "+++\nslug = 7\n+++\n"])
def test_a_page_of_which_somebody_has_made_something_else_is_mended(place: Path, head: str) -> None:
    out = outgoing(place)
    receipt = publish(out)
    (place / receipt.id).write_text(f"{head}By hand")
    change(out, receipt)
    assert titles(place) == ["Good evening"]


def test_what_is_gone_is_not_made_again(place: Path) -> None:
    out = outgoing(place)
    receipt = publish(out)
    (place / receipt.id).unlink()
    with pytest.raises(Rejected, match="not there any more"):
        change(out, receipt)
    assert not (place / receipt.id).exists()
