"""The HTTP API of a real daemon, asked through real sockets."""

from __future__ import annotations

import os
import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from postbell.domain.access import Scope
from postbell.services.accounts.keys import add_key, list_keys
from postbell.store.tables.core import post
from support.films import PLACE, film
from support.home import Home, make_home, said, served


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = make_home(tmp_path)
    made.env["POSTBELL_API__LISTEN"] = "127.0.0.1:0"
    (tmp_path / "out").mkdir()
    made.connect("folder", "out", {"path": str(tmp_path / "out")})
    return made


def key(home: Home, *scopes: Scope, name: str = "key") -> str:
    with home.app() as app:
        return add_key(app.ctx, name=name, scopes=scopes)[1]


def test_a_program_writes_a_post_and_sees_it_published(home: Home) -> None:
    bearer = {"Authorization": f"Bearer {key(home, Scope.READ, Scope.WRITE, Scope.PUBLISH)}"}
    with served(home) as base, httpx.Client(base_url=base, headers=bearer, timeout=60) as client:
        wish = {"text": "from a program", "to": ["out"], "publish_now": True}
        made = client.post("/api/v1/posts", json=wish).json()

        def published() -> bool:
            read: dict[str, Any] = client.get(f"/api/v1/posts/{made['id']}").json()
            return bool(read["outcome"] == "published")

        home.wait_for(published)
        assert client.get("/readyz").json() == {"ready": True}
    with home.app() as app:
        assert list_keys(app.ctx)[0].used_at is not None
    assert "Started server process" not in home.log.read_text()


def test_two_accounts_are_published_at_two_times_and_the_state_is_true_in_between(home: Home) -> None:
    for name in ("first", "second"):
        (home.log.parent / name).mkdir()
        home.connect("folder", name, {"path": str(home.log.parent / name)})
    bearer = {"Authorization": f"Bearer {key(home, Scope.READ, Scope.WRITE, Scope.PUBLISH)}"}
    with served(home) as base, httpx.Client(base_url=base, headers=bearer, timeout=60) as client:
        assert client.get("/api/v1/here").status_code == 200  # the first answer takes a while
        now = datetime.now(UTC).replace(microsecond=0)
        times = {"first": now + timedelta(seconds=3), "second": now + timedelta(hours=1)}
        asked = {name: at.isoformat() for name, at in times.items()}
        wish = {"text": "apart", "to": ["out", "first", "second"], "publish_now": True, "times": asked}
        post = client.post("/api/v1/posts", json=wish).json()["id"]

        def read(**query: int) -> dict[str, Any]:
            told: dict[str, Any] = client.get(f"/api/v1/posts/{post}", params=query).json()
            return told

        def ends() -> dict[str, str]:
            return {each["account"]: each["outcome"] or each["state"] for each in read()["deliveries"]}

        half = {"out": "published", "first": "published", "second": "scheduled"}
        home.wait_for(lambda: ends() == half)
        assert (read()["state"], read(wait=1)["outcome"]) == ("processing", None)
        soon = (datetime.now(UTC) + timedelta(seconds=3)).replace(microsecond=0)
        moved = client.patch(f"/api/v1/posts/{post}", json={"times": {"second": soon.isoformat()}})
        assert moved.status_code == 200
        ended = read(wait=30)
    assert (ended["state"], ended["outcome"]) == ("processed", "published")
    begun = {each["account"]: datetime.fromisoformat(each["begun_at"]) for each in ended["deliveries"]}
    assert begun["out"] < times["first"] <= begun["first"] < soon <= begun["second"]
    assert all(each["late_seconds"] is None for each in ended["deliveries"])
    for name in ("out", "first", "second"):
        assert len(list((home.log.parent / name).glob("*.md"))) == 1


@pytest.mark.real
def test_a_video_is_made_to_fit_after_its_post_was_saved(home: Home, ffmpeg: Path) -> None:
    home.env["PATH"] = f"{ffmpeg}:{os.environ['PATH']}"
    bearer = {"Authorization": f"Bearer {key(home, Scope.WRITE, Scope.PUBLISH)}"}
    video = film(notes={"location": PLACE})  # what it says of a place is not sent
    with served(home) as base, httpx.Client(base_url=base, headers=bearer, timeout=60) as client:
        kept = client.post("/api/v1/media", files={"file": ("bell.mp4", video, "video/mp4")}).json()["media"]
        at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        wish = {"text": "x", "to": ["out"], "at": at, "media": [{"sha256": kept[0]["sha256"]}]}
        answer = client.post("/api/v1/posts", json=wish)
        assert answer.status_code == 201, answer.text
        home.wait_for(lambda: len(list(home.places.media.glob("*/*.mp4"))) == 2)
        assert home.states() == {"scheduled": 1}


def test_nothing_but_livez_is_answered_without_a_key(home: Home) -> None:
    with served(home) as base:
        assert httpx.get(f"{base}/livez", timeout=60).status_code == 200
        for path in ("/readyz", "/api/v1/posts", "/api/v1/openapi.json", "/", "/nothing"):
            assert httpx.get(f"{base}{path}", timeout=60).status_code == 401


def raw(address: tuple[str, int], request: bytes) -> bytes:
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(request)
        connection.settimeout(20)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_requests_that_no_library_would_send_are_refused(home: Home) -> None:
    with served(home) as base:
        url = httpx.URL(base)
        at = (url.host, url.port or 0)
        ends = b"Connection: close\r\n\r\n"
        assert b" 421 " in raw(at, b"GET /livez HTTP/1.1\r\nHost: evil.example\r\n" + ends)
        assert b" 400 " in raw(at, b"GET /livez HTTP/1.1\r\n" + ends)
        assert b" 400 " in raw(at, b"GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n" + ends)
        assert b" 400 " in raw(at, b"GET http://evil.example/livez HTTP/1.1\r\nHost: localhost\r\n" + ends)
        assert b" 400 " in raw(at, b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n" + ends)
        upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n"
        for host, status in ((b"evil.example", b" 421 "), (b"localhost", b" 401 ")):
            head = b"GET /api/v1/posts HTTP/1.0\r\nHost: " + host + b"\r\n"
            assert status in raw(at, head + upgrade)
        assert b" 40" in raw(
            at, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n" + ends
        )


def test_a_body_that_never_comes_is_not_waited_for(home: Home) -> None:
    home.env["POSTBELL_API__BODY_SECONDS"] = "0.2"
    token = key(home, Scope.WRITE).encode()
    with served(home) as base:
        url = httpx.URL(base)
        head = b"POST /api/v1/posts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        head += b"Content-Length: 100\r\nAuthorization: Bearer " + token + b"\r\n\r\n{"
        assert b" 408 " in raw((url.host, url.port or 0), head)


def test_a_place_that_is_taken_is_told_and_posts_are_published(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        home.env["POSTBELL_API__LISTEN"] = f"127.0.0.1:{taken.getsockname()[1]}"
        with home.daemon():
            post = home.add("still published", "out")
            home.wait_for(lambda: home.post(post).outcome == "published")
        told = said(home, "api_not_opened")
    assert told
    assert "address already in use" in told["reason"]
    assert "Posts are published anyway." in told["reason"]


def test_nobody_else_is_answered_while_there_is_no_key(home: Home) -> None:
    home.env["POSTBELL_API__LISTEN"] = "0.0.0.0:0"
    with home.daemon():
        home.wait_for(lambda: said(home, "api_not_opened") is not None)
    told = said(home, "api_not_opened")
    assert told
    assert "other machines would reach it, and there is no key yet" in told["reason"]
    assert "put a reverse proxy with TLS in front" in told["mend"]


def test_with_a_key_it_may_be_open_to_other_machines(home: Home) -> None:
    key(home, Scope.READ)
    home.env["POSTBELL_API__LISTEN"] = "0.0.0.0:0"
    with served(home) as base:
        port = httpx.URL(base).port
        assert httpx.get(f"http://127.0.0.1:{port}/livez", timeout=60).status_code == 200


def test_no_http_leaves_it_out(home: Home) -> None:
    process = home.start(*home.program, *home.options, "run", "--no-http")
    try:
        home.wait_for(lambda: said(home, "daemon_started") is not None)
    finally:
        process.terminate()
        assert process.wait(20) == 0
    assert said(home, "api_opened") is None


def test_at_a_unix_socket_the_user_is_the_key(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    home.env["POSTBELL_API__LISTEN"] = str(path)
    with served(home), httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), timeout=60) as client:
        assert client.get("http://localhost/api/v1/posts").json() == {"posts": [], "next": None}
        assert client.get("http://evil.example/api/v1/posts").status_code == 421
    assert not path.exists()


def test_a_socket_of_a_daemon_that_was_killed_is_in_nobodys_way(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    home.env["POSTBELL_API__LISTEN"] = str(path)
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(path))
    with served(home):
        assert path.is_socket()


def test_a_stopping_daemon_answers_what_it_has_begun_with(home: Home) -> None:
    bearer = {"Authorization": f"Bearer {key(home, Scope.WRITE)}"}
    answers: list[int] = []
    with served(home) as base:

        def write() -> None:
            with httpx.Client(base_url=base, headers=bearer, timeout=60) as client:
                for number in range(1000):
                    try:
                        answers.append(client.post("/api/v1/posts", json={"text": str(number)}).status_code)
                    except httpx.TransportError:
                        return

        writer = threading.Thread(target=write)
        writer.start()
        home.wait_for(lambda: len(answers) > 3)
    writer.join(20)
    assert set(answers) == {201}
    with home.app() as app, app.ctx.store.read() as tx:
        assert len(tx.execute(post.select()).all()) in (len(answers), len(answers) + 1)
