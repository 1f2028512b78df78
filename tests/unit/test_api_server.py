"""Where the HTTP API is open, and to whom."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from postbell.api.callers import peer_caller, peer_uid
from postbell.api.pace import Pace
from postbell.api.server import _bind
from postbell.domain.access import Scope
from postbell.sections import ApiSettings, Listen, parse_listen


@pytest.mark.parametrize(
    ("text", "meant", "shown"),
    [
        ("127.0.0.1:2355", Listen(address="127.0.0.1", port=2355), "http://127.0.0.1:2355"),
        ("[::1]:80", Listen(address="::1", port=80), "http://[::1]:80"),
        ("localhost:0", Listen(address="localhost", port=0), "http://localhost:0"),
        ("/run/postbell/api.sock", Listen(path="/run/postbell/api.sock"), "/run/postbell/api.sock"),
    ],
)
def test_a_place_is_an_address_with_a_port_or_a_path(text: str, meant: Listen, shown: str) -> None:
    assert parse_listen(text) == meant
    assert str(meant) == shown
    assert meant.is_loopback


def test_other_machines_reach_what_is_no_loopback() -> None:
    assert parse_listen("") is None
    for text in ("0.0.0.0:80", "[::]:80", "192.168.1.7:80"):
        place = parse_listen(text)
        assert place
        assert not place.is_loopback


@pytest.mark.parametrize(
    "text", ["80", "localhost", "example.org:80", "127.0.0.1:65536", "127.0.0.1:x", ":80"]
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write ADDRESS:PORT"):
        ApiSettings(listen=text)


def test_an_answer_does_not_wait_for_an_acknowledgement() -> None:
    for place in (Listen(address="127.0.0.1", port=0), Listen(address="::1", port=0)):
        with _bind(place) as listener, socket.create_connection(listener.getsockname()[:2]):
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_what_is_no_socket_is_not_replaced_by_one(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("mine")
    with pytest.raises(OSError, match="in use"):
        _bind(Listen(path=str(path)))
    assert path.read_text() == "mine"


def test_the_user_at_the_other_end_of_a_unix_socket_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    monkeypatch.setattr("os.geteuid", lambda: 4711)
    with ours, theirs:
        uid = peer_uid(ours)
        assert uid is not None
        assert peer_caller(0, []) == peer_caller(0, ["nobody-here"])
        assert (found := peer_caller(4711, []))
        assert (found.id, found.scopes) == ("user:4711", frozenset({Scope.ADMIN}))
        assert peer_caller(4712, ["nobody-here"]) is None
        assert peer_caller(0, ["root"])
    assert peer_uid(None) is None
    with socket.socket() as tcp:
        assert peer_uid(tcp) is None


def test_a_pace_lets_as_many_through_as_fit_and_tells_how_long_to_wait() -> None:
    now = 0.0
    pace = Pace(clock=lambda: now)
    assert [pace.take("ann", 2) for _ in range(2)] == [0, 0]
    assert pace.take("ann", 2) == 30
    assert pace.take("bob", 2) == 0
    now = 29.0
    assert pace.take("ann", 2) == pytest.approx(1)
    now = 30.0
    assert pace.take("ann", 2) == 0
    assert pace.take("ann", 2) > 0


def test_a_pace_forgets_those_who_may_do_everything_again() -> None:
    now = 0.0
    pace = Pace(clock=lambda: now)
    for number in range(10_000):
        pace.take(str(number), 60)
    now = 60.0
    pace.take("one more", 60)
    assert set(pace._spent) == {"one more"}
