"""Who listens for the browser that comes back from a network."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import httpx
import pytest

from postbell.services.posts.redirect import RedirectListener


@pytest.fixture
def listener() -> Iterator[RedirectListener]:
    with RedirectListener() as made:
        made.expect("right")
        yield made


def come(listener: RedirectListener, path: str) -> tuple[httpx.Response, str | None]:
    """Let a browser come, and the listener take it."""
    found: list[httpx.Response] = []
    address = listener.address.removesuffix("/postbell")
    browser = threading.Thread(target=lambda: found.append(httpx.get(f"{address}{path}", trust_env=False)))
    browser.start()
    taken = _take(listener)
    browser.join()
    return found[0], taken


def _take(listener: RedirectListener) -> str | None:
    import select

    select.select([listener], [], [], 10)
    return listener.take()


def test_the_answer_is_taken_with_its_code(listener: RedirectListener) -> None:
    page, taken = come(listener, "/postbell?code=a%2Fb&state=right")
    assert taken == f"{listener.address}?code=a%2Fb&state=right"
    assert page.status_code == 200
    assert "Go back to the terminal" in page.text


def test_nothing_of_it_is_kept_or_told_on(listener: RedirectListener) -> None:
    page, _ = come(listener, "/postbell?code=canary&state=right")
    assert "canary" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path", ["/favicon.ico", "/postbell", "/postbell?code=a&state=wrong", "/other?code=a&state=right"]
)
def test_what_is_not_the_answer_is_passed_over(listener: RedirectListener, path: str) -> None:
    page, taken = come(listener, path)
    assert (page.status_code, taken) == (404, None)
    assert come(listener, "/postbell?code=b&state=right")[1] is not None


def test_it_listens_on_this_machine_alone(listener: RedirectListener) -> None:
    assert listener.address.startswith("http://127.0.0.1:")


def test_who_says_no_word_does_not_keep_it(listener: RedirectListener) -> None:
    with socket.create_connection(("127.0.0.1", int(listener.address.split(":")[2].split("/")[0]))):
        pass
    assert _take(listener) is None
    assert come(listener, "/postbell?code=b&state=right")[1] is not None


def test_nobody_has_come_yet(listener: RedirectListener) -> None:
    assert listener.take() is None


def test_nothing_is_printed(listener: RedirectListener, capfd: pytest.CaptureFixture[str]) -> None:
    come(listener, "/postbell?code=canary&state=right")
    assert capfd.readouterr() == ("", "")
