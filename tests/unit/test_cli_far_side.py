"""Accounts that a server does not accept, or that is not the server it says it is."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from support.command import Command, with_accounts


@pytest.fixture
def cli(tmp_path: Path) -> Command:
    return with_accounts(tmp_path)


class Refuses(BaseHTTPRequestHandler):
    """Answers every login like a PDS that does not know the password, every ping like a webhook."""

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        self.rfile.read(length)
        login = "createSession" in self.path
        said = (
            {"error": "AuthenticationRequired", "message": "Invalid identifier or password"} if login else {}
        )
        body = json.dumps(said).encode()
        self.send_response(401 if login else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Print nothing."""


class Quiet(ThreadingHTTPServer):
    """Prints nothing where a client breaks off, as one does that does not trust the certificate."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing."""


@contextmanager
def server(context: ssl.SSLContext | None = None) -> Iterator[int]:
    with Quiet(("127.0.0.1", 0), Refuses) as running:
        if context:
            running.socket = context.wrap_socket(running.socket, server_side=True)
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield running.server_address[1]
        finally:
            running.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that nobody has signed but itself, with its key in the same file."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return both


def add_sky(cli: Command, server_url: str) -> list[str]:
    secret = cli.folder / "secret"
    secret.write_text("wrong-password")
    secret.chmod(0o600)
    return [
        *("account", "add", "bluesky", "--name", "new", "--server", server_url),
        *("--set", "identifier=alice.test", "--secret", f"app_password=@{secret}"),
    ]


def add_hook(port: int) -> list[str]:
    return ["account", "add", "webhook", "--name", "hook", "--set", f"url=https://127.0.0.1:{port}/"]


def test_a_wrong_password_is_told_and_nothing_is_stored(cli: Command) -> None:
    before = cli.stored()
    with server() as port:
        ran = cli(*add_sky(cli, f"http://127.0.0.1:{port}"))
    assert ran.code == 6
    assert ran.err.startswith("postbell: Account new: ")
    assert "Invalid identifier or password" in ran.err
    assert "wrong-password" not in ran.err
    assert cli.stored() == before


def test_a_wrong_password_of_a_known_account_is_remembered(cli: Command) -> None:
    with server() as port:
        cli.done(*add_sky(cli, f"http://127.0.0.1:{port}"), "--no-verify")
        ran = cli("account", "check", "new", "--json")
    assert (ran.code, ran.error["code"]) == (6, "unauthorized")
    shown = cli.done("account", "show", "new", "--json").json
    assert shown["health"] == "unauthorized"
    assert "Invalid identifier or password" in shown["health_note"]


def test_a_server_whose_certificate_nobody_vouches_for_is_refused(cli: Command, certificate: Path) -> None:
    before = cli.stored()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with server(context) as port:
        ran = cli(*add_hook(port))
    assert ran.code == 7
    assert "Account hook: 127.0.0.1" in ran.err
    assert "CERTIFICATE_VERIFY_FAILED" in ran.err
    assert cli.stored() == before


def test_a_certificate_that_the_configuration_vouches_for_is_trusted(cli: Command, certificate: Path) -> None:
    cli.config.write_text(f'[http]\nca_file = "{certificate}"\n')
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with server(context) as port:
        ran = cli.done(*add_hook(port))
    assert ran.out.startswith(f"Connected hook to Webhook: 127.0.0.1:{port}")
    assert "note: Requests are not signed" in ran.err
