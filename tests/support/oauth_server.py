"""A real OAuth 2.0 server (oauthlib's) with a place to post, as a process of its own on 127.0.0.1.

`python -m support.oauth_server FOLDER`. PKCE is required and checked, codes and refresh tokens are good once.
At `/authorize` everybody consents at once, as a browser with somebody who says yes.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sqlite3
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from oauthlib.oauth2 import RequestValidator, WebApplicationServer


CLIENT, SECRET, SCOPES = "postbell-at-home", "canary-client-secret", ("posts.write",)
_REDIRECT = re.compile(r"http://127\.0\.0\.1:\d+/postbell")


class Books(RequestValidator):  # type: ignore[misc]
    """What the server has given out."""

    def __init__(self) -> None:
        self.codes: dict[str, Any] = {}
        self.access: dict[str, float] = {}
        self.refresh: set[str] = set()
        self.lives, self.rotates, self.refreshes = 3600, True, True

    def validate_client_id(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        return client_id == CLIENT

    def validate_redirect_uri(
        self, client_id: str, redirect_uri: str, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        return _REDIRECT.fullmatch(redirect_uri) is not None

    def validate_response_type(self, client_id: str, response_type: str, *args: Any, **kwargs: Any) -> bool:
        return response_type == "code"

    def validate_scopes(self, client_id: str, scopes: list[str], *args: Any, **kwargs: Any) -> bool:
        return set(scopes) <= set(SCOPES)

    def is_pkce_required(self, client_id: str, request: Any) -> bool:
        return True

    def save_authorization_code(
        self, client_id: str, code: dict[str, Any], request: Any, *args: Any, **kwargs: Any
    ) -> None:
        self.codes[code["code"]] = SimpleNamespace(
            redirect=request.redirect_uri,
            scopes=request.scopes,
            challenge=request.code_challenge,
            method=request.code_challenge_method,
        )

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        given = request.client_id, request.client_secret
        if basic := request.headers.get("Authorization", "").removeprefix("Basic "):
            name, _, secret = base64.b64decode(basic).decode().partition(":")
            given = unquote_plus(name), unquote_plus(secret)
        request.client = SimpleNamespace(client_id=CLIENT)
        return given == (CLIENT, SECRET)

    def validate_grant_type(self, client_id: str, grant_type: str, *args: Any, **kwargs: Any) -> bool:
        return grant_type in ("authorization_code", "refresh_token")

    def validate_code(self, client_id: str, code: str, client: Any, request: Any, *a: Any, **kw: Any) -> bool:
        if code in self.codes:
            request.scopes = self.codes[code].scopes
        return code in self.codes

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: Any, *args: Any, **kwargs: Any
    ) -> bool:
        return bool(self.codes[code].redirect == redirect_uri)

    def get_code_challenge(self, code: str, request: Any) -> str:
        return str(self.codes[code].challenge)

    def get_code_challenge_method(self, code: str, request: Any) -> str:
        return str(self.codes[code].method)

    def invalidate_authorization_code(
        self, client_id: str, code: str, request: Any, *args: Any, **kwargs: Any
    ) -> None:
        del self.codes[code]

    def save_bearer_token(self, token: dict[str, Any], request: Any, *args: Any, **kwargs: Any) -> None:
        self.access[token["access_token"]] = time.monotonic() + self.lives
        if not self.refreshes:
            token.pop("refresh_token", None)
        if refresh := token.get("refresh_token"):
            if self.rotates and request.refresh_token:
                self.refresh.discard(request.refresh_token)
            self.refresh.add(refresh)

    def validate_refresh_token(self, refresh_token: str, client: Any, *args: Any, **kwargs: Any) -> bool:
        return refresh_token in self.refresh

    def get_original_scopes(self, refresh_token: str, request: Any, *args: Any, **kwargs: Any) -> list[str]:
        return list(SCOPES)

    def rotate_refresh_token(self, request: Any) -> bool:
        return self.rotates

    def validate_bearer_token(self, token: str, scopes: list[str], request: Any) -> bool:
        return self.access.get(token, 0) > time.monotonic()


class Server:
    """What it does, and what a test has told it to do instead."""

    def __init__(self) -> None:
        self.books = Books()
        self.oauth = WebApplicationServer(self.books, token_expires_in=lambda _request: self.books.lives)
        #: What happens to the next requests for tokens: an HTTP status, "hang", "html", or "lock PATH".
        self.plan: list[Any] = []
        #: Everything that was asked, in its order; and what is public by its key.
        self.journal: list[str] = []
        self.posts: dict[str, str] = {}
        self.guard = threading.Lock()
        self.lock: sqlite3.Connection | None = None
        self.drafts: set[str] = set()
        self.ends_between_steps = False

    def control(self, told: dict[str, Any]) -> dict[str, Any]:
        """Do what a test wants, and tell how things are."""
        self.plan += told.get("plan", [])
        for name in ("lives", "rotates", "refreshes"):
            if name in told:
                setattr(self.books, name, told[name])
        self.ends_between_steps = told.get("ends_between_steps", self.ends_between_steps)
        if told.get("end_access"):
            self.books.access.clear()
        if told.get("end_refresh"):
            self.books.refresh.clear()
        if told.get("unlock") and self.lock:
            self.lock.close()
        return {"journal": self.journal, "posts": self.posts}

    def token(self, uri: str, body: str, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        """Give out tokens, or do what the plan says."""
        grant = dict(part.split("=", 1) for part in body.split("&"))["grant_type"]
        planned = self.plan.pop(0) if self.plan else None
        self.journal.append(f"token {grant}{f' ({planned})' if planned else ''}".partition(" /")[0])
        if planned == "hang":
            time.sleep(60)
        if planned == "html":
            return 400, {"content-type": "text/html"}, "<html>invalid_grant, says somebody in between</html>"
        if isinstance(planned, int):
            return planned, {}, f"down; you sent {body}"
        found, said, status = self.oauth.create_token_response(uri, "POST", body, headers)
        if status != 200:
            self.journal.append(f"refused {json.loads(said)['error']}")
        if planned:
            self.lock = sqlite3.connect(planned.split()[1], isolation_level=None, check_same_thread=False)
            self.lock.execute("BEGIN IMMEDIATE")
        return status, dict(found), said

    def post(self, uri: str, body: str, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        """Take a step of a post: first a draft, then it becomes public."""
        valid, _request = self.oauth.verify_request(uri, "POST", body, headers, scopes=list(SCOPES))
        said, step = json.loads(body), urlsplit(uri).path
        self.journal.append(f"{step} {said['text']}{'' if valid else ' refused'}")
        if not valid:
            return 401, {}, json.dumps({"error": "invalid_token", "sent": headers.get("Authorization")})
        if step == "/drafts":
            self.drafts.add(said["key"])
            if self.ends_between_steps:
                self.books.access.clear()
        else:
            assert said["key"] in self.drafts
            self.posts[said["key"]] = said["text"]
        return 200, {}, json.dumps({"id": said["key"]})


class Handler(BaseHTTPRequestHandler):
    """Speaks HTTP for the one server that there is in this process."""

    far: Any = Server()
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._get()

    def do_POST(self) -> None:
        self._post(self.rfile.read(int(self.headers["content-length"] or 0)).decode("utf-8", "replace"))

    def _get(self) -> None:
        uri = f"http://127.0.0.1{self.path}"
        if self.path == "/me":
            valid, _ = self.far.oauth.verify_request(uri, "GET", None, dict(self.headers), list(SCOPES))
            self._say(200 if valid else 401, {}, json.dumps({"name": "alice"} if valid else {}))
            return
        if not self.path.startswith("/authorize?"):
            self._echo("")
            return
        self.far.journal.append("authorize")
        scopes, details = self.far.oauth.validate_authorization_request(uri, "GET", "", dict(self.headers))
        found, _, status = self.far.oauth.create_authorization_response(
            uri, "GET", "", dict(self.headers), scopes, {key: details[key] for key in ("state",)}
        )
        self._say(status, dict(found), "")

    def _post(self, body: str) -> None:
        uri = f"http://127.0.0.1{self.path}"
        does = {"/token": self.far.token, "/drafts": self.far.post, "/posts": self.far.post}.get(self.path)
        if self.path == "/control":
            with self.far.guard:
                self._say(200, {}, json.dumps(self.far.control(json.loads(body))))
        elif does:
            self._say(*does(uri, body, dict(self.headers)))
        else:
            self._echo(body)

    def _echo(self, body: str) -> None:
        """Refuse, and repeat everything that was sent, as a careless server does."""
        self.far.journal.append("echoed")
        self._say(400, {}, f"{self.requestline}\n{self.headers}\n{body}")

    def _say(self, status: int, headers: dict[str, str], said: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(said.encode()))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said.encode())

    def log_message(self, *words: Any) -> None:
        pass


def run(handler: type[Handler]) -> None:
    """Serve until the process ends; the port is in a file `port` of the folder that was named."""
    os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
    listener = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    listener.daemon_threads = True
    part = Path(sys.argv[1]) / "port.part"
    part.write_text(str(listener.server_port))
    part.rename(Path(sys.argv[1]) / "port")
    listener.serve_forever()


if __name__ == "__main__":
    run(Handler)
