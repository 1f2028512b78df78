"""The browser that comes back from a network: a server on this machine that listens for one request."""

from __future__ import annotations

import hmac
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit


#: Seconds that a browser may take for its request.
_PATIENCE = 5.0
_PATH = "/postbell"
_DONE = b"<!doctype html><title>Postbell</title><p>Postbell has its answer. Go back to the terminal."
_NOT_OURS = b"<!doctype html><title>Postbell</title><p>This is not what Postbell waits for."


class RedirectListener:
    """Listens on 127.0.0.1, at a free port; a context manager. What is not the answer is passed over."""

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.timeout = 0

    def expect(self, state: str, name: str = "state") -> None:
        """Say what tells the answer from what others may send here, and what it comes as."""
        self._server.wanted, self._server.name = state, name

    @property
    def address(self) -> str:
        """Where the browser is to be sent back to."""
        return f"http://127.0.0.1:{self._server.server_port}{_PATH}"

    def fileno(self) -> int:
        """Return what becomes readable when somebody comes."""
        return self._server.fileno()

    def take(self) -> str | None:
        """Answer who has come; return the address that he was sent to, None if that is not the answer."""
        self._server.found = ""
        self._server.handle_request()
        found = self._server.found
        return f"{self.address.removesuffix(_PATH)}{found}" if found else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_how: object) -> None:
        self._server.server_close()


class _Server(HTTPServer):
    #: The state of the answer, what it comes as, and the path of one that has come.
    wanted, name, found = "", "state", ""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _PATIENCE

    def do_GET(self) -> None:
        """Answer; the address holds a code, so nobody shall keep it."""
        parts = urlsplit(self.path)
        state = parse_qs(parts.query).get(self.server.name, [""])[0]
        ours = parts.path == _PATH and hmac.compare_digest(state.encode(), self.server.wanted.encode())
        if ours:
            self.server.found = self.path
        page = _DONE if ours else _NOT_OURS
        self.send_response(200 if ours else 404)
        for name, value in (
            ("content-type", "text/html; charset=utf-8"),
            ("content-length", str(len(page))),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'none'"),
            ("connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *words: object) -> None:  # noqa: A002
        """Say nothing: the address is a secret."""
