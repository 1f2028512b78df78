"""A web server on 127.0.0.1 that keeps whatever is sent to it."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Inbox:
    """What came."""

    port: int = 0
    #: The body of each request.
    bodies: list[str] = field(default_factory=list)


class _Web(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        length = 0
        while line := self.rfile.readline().strip():
            name, _, value = line.lower().partition(b":")
            length = int(value) if name == b"content-length" else length
        body = self.rfile.read(length).decode()
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        _inbox(self).bodies.append(body)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    inbox: Inbox


def _inbox(handler: socketserver.BaseRequestHandler) -> Inbox:
    assert isinstance(handler.server, _Server)
    return handler.server.inbox


@contextmanager
def web_inbox() -> Iterator[Inbox]:
    """Run a web server until the block ends."""
    with _Server(("127.0.0.1", 0), _Web) as server:
        server.inbox = Inbox(port=server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.inbox
        finally:
            server.shutdown()
            thread.join()
