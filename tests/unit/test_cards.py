from __future__ import annotations

import asyncio
import io
from typing import Any

import httpx
import pytest
from PIL import Image

from postbell.domain.limits import MediaLimit
from postbell.publishing.cards import ByHand, Card, host_of, make_card
from postbell.publishing.web.outside import Outside
from postbell.services.media.fit_fetched import fit_fetched
from support import pictures
from support.pages import Pages


LINK = "https://www.page.example/a/b"
LIMIT = MediaLimit(most=1, types={"image/jpeg": 50_000, "image/png": 50_000})


def _page(picture: str = "", title: str = "A page") -> str:
    image = f'<meta property="og:image" content="{picture}">' if picture else ""
    return f'<title>{title}</title><meta name="description" content="About it.">{image}'


def _card(pages: Pages, **by_hand: Any) -> Card:
    def answer(request: httpx.Request) -> httpx.Response:
        return pages.answer(request, ())

    way = Outside(transport=httpx.MockTransport(answer), fit=fit_fetched)
    return asyncio.run(make_card(way, LINK, ByHand(**by_hand), LIMIT))


def test_a_card_says_what_its_page_says() -> None:
    pages = Pages()
    pages.add(LINK, _page())
    assert _card(pages) == Card(title="A page", description="About it.", picture=None)


@pytest.mark.parametrize("at", ["https://cdn.example/p", "//cdn.example/p", "/p", "p"])
def test_the_picture_is_found_from_the_page(at: str) -> None:
    pages, data = Pages(), pictures.png(40, 30)
    pages.add(LINK, _page(at))
    for url in ("https://cdn.example/p", "https://www.page.example/p", "https://www.page.example/a/p"):
        pages.add(url, data, "image/png")
    card = _card(pages)
    assert card.picture
    assert (card.picture.mime, card.picture.data, card.warnings) == ("image/png", data, ())


def test_a_picture_is_made_to_fit() -> None:
    pages, data = Pages(), io.BytesIO()
    Image.effect_noise((600, 400), 90).save(data, "PNG")
    assert len(data.getvalue()) > 50_000
    pages.add(LINK, _page("/p"))
    pages.add("https://www.page.example/p", data.getvalue(), "application/octet-stream")
    card = _card(pages)
    assert card.picture
    assert len(card.picture.data) <= 50_000


@pytest.mark.parametrize(
    ("data", "mime", "told"),
    [
        (b"<svg/>", "image/svg+xml", "it is image/svg+xml, not image/jpeg"),
        (b"<svg/>", "image/png", "it "),
        (b"\x89PNG\r\n\x1a\nbroken", "image/png", "it cannot be opened"),
        (bytes(10_000_001), "image/png", "it is longer than 10,000,000 bytes"),
        (None, "", "www.page.example answered 404"),
    ],
)
def test_a_picture_that_cannot_be_had_is_told(data: bytes | None, mime: str, told: str) -> None:
    pages = Pages()
    pages.add(LINK, _page("/p"))
    if data is not None:
        pages.add("https://www.page.example/p", data, mime)
    card = _card(pages)
    assert (card.title, card.picture) == ("A page", None)
    (warning,) = card.warnings
    assert warning.startswith(f"The card of {LINK} has no picture: {told}")


@pytest.mark.parametrize("at", ["http://[", "http://127.1/p", "javascript:1", "data:image/png;base64,AAAA"])
def test_a_picture_at_no_address_is_told(at: str) -> None:
    pages = Pages()
    pages.add(LINK, _page(at))
    assert len(_card(pages).warnings) == 1


def test_a_page_that_cannot_be_read_leaves_what_is_known() -> None:
    assert _card(Pages()) == Card(
        title="page.example",
        description="",
        picture=None,
        warnings=(f"{LINK} could not be read for its card: www.page.example answered 404.",),
    )


def test_what_the_user_says_is_stronger_than_the_page() -> None:
    pages = Pages()
    pages.add(LINK, _page())
    assert _card(pages, title="Mine").title == "Mine"
    assert _card(pages, description="").description == ""
    assert _card(pages, title="").title == "page.example"


def test_a_page_of_which_nothing_is_wanted_is_not_asked() -> None:
    card = _card(Pages(), title="Mine", description="My own", pictured=False)
    assert card == Card(title="Mine", description="My own", picture=None)
    card = _card(Pages(), title="Mine", description="My own", picture=pictures.png())
    assert card.picture
    assert card.warnings == ()


def test_a_card_may_have_no_picture() -> None:
    pages = Pages()
    pages.add(LINK, _page("/p"))
    assert _card(pages, pictured=False) == Card(title="A page", description="About it.", picture=None)


def test_where_pictures_cannot_be_read_there_is_none() -> None:
    way = Outside(transport=httpx.MockTransport(lambda _: httpx.Response(404)))
    card = asyncio.run(make_card(way, LINK, ByHand(title="", description="", picture=b"x"), LIMIT))
    assert card.warnings == (f"The card of {LINK} has no picture: pictures are not read here.",)


@pytest.mark.parametrize(
    ("link", "host"),
    [
        ("https://www.page.example/a", "page.example"),
        ("HTTP://Page.example:8080?a", "Page.example"),
        ("https://alice@page.example", "page.example"),
        ("https://", "https://"),
    ],
)
def test_a_site_is_called_by_its_host(link: str, host: str) -> None:
    assert host_of(link) == host
