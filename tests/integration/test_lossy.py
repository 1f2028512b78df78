from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from support.lossy import LossyProxy, lossy_proxy


class _Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: list[bytes] = []


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        if "chunked" in self.headers.get("transfer-encoding", ""):
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["content-length"]))
        self.server.bodies.append(body)
        self.send_response(201)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def _running() -> Iterator[_Server]:
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server() -> Iterator[_Server]:
    with _running() as running:
        yield running


@pytest.fixture
def proxy(server: _Server) -> Iterator[LossyProxy]:
    with lossy_proxy(f"http://127.0.0.1:{server.server_port}") as running:
        yield running


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=30) as made:
        yield made


def test_an_answer_passes_through_unchanged(proxy: LossyProxy, client: httpx.Client) -> None:
    answer = client.post(f"{proxy.url}/posts", content=b"\x00\xff good morning")
    assert (answer.status_code, answer.content) == (201, b"\x00\xff good morning")


def test_a_body_of_unknown_length_is_forwarded_whole(
    proxy: LossyProxy, server: _Server, client: httpx.Client
) -> None:
    client.post(f"{proxy.url}/posts", content=iter([b"good ", b"morning"]))
    assert server.bodies == [b"good morning"]


def test_a_lost_answer_belongs_to_a_request_that_the_server_did(
    proxy: LossyProxy, server: _Server, client: httpx.Client
) -> None:
    trap = proxy.lose("POST", "/posts")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        client.post(f"{proxy.url}/posts", content=b"once")
    assert server.bodies == [b"once"]
    assert [request.target for request in trap.caught] == ["/posts"]


def test_only_as_many_answers_are_lost_as_were_asked_for(proxy: LossyProxy, client: httpx.Client) -> None:
    proxy.lose("POST", "/posts", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        client.post(f"{proxy.url}/posts", content=b"first")
    assert client.post(f"{proxy.url}/posts", content=b"second").status_code == 201
    assert proxy.count("POST", "/posts") == 2


def test_other_requests_are_left_alone(proxy: LossyProxy, client: httpx.Client) -> None:
    proxy.lose("POST", "/posts")
    assert client.post(f"{proxy.url}/media", content=b"picture").status_code == 201


def test_a_held_answer_comes_when_it_is_released(proxy: LossyProxy, client: httpx.Client) -> None:
    trap = proxy.hold("POST", "/posts")
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(client.post, f"{proxy.url}/posts", content=b"slow")
        trap.wait()
        assert not asked.done()
        trap.release()
        assert asked.result(30).content == b"slow"


def test_the_end_of_the_proxy_drops_what_it_holds(server: _Server, client: httpx.Client) -> None:
    with ThreadPoolExecutor() as pool:
        with lossy_proxy(f"http://127.0.0.1:{server.server_port}") as proxy:
            trap = proxy.hold("POST", "/posts")
            asked = pool.submit(client.post, f"{proxy.url}/posts", content=b"held")
            trap.wait()
        assert isinstance(asked.exception(30), httpx.RemoteProtocolError)


def test_waiting_for_a_request_that_never_comes_says_which(proxy: LossyProxy) -> None:
    with pytest.raises(AssertionError, match="no POST with '/posts'"):
        proxy.hold("POST", "/posts").wait(seconds=0)
