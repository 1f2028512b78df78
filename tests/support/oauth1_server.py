"""A real OAuth 1.0 server (oauthlib's) with a place to post, as a process of its own on 127.0.0.1.

`python -m support.oauth1_server FOLDER`. Signatures, nonces and verifiers are checked, and each is good once.
At `/authorize` everybody consents at once; who has said "oob" is shown the verifier.
"""

from __future__ import annotations

import json
import threading
from typing import Any
from urllib.parse import parse_qs, urlsplit

from oauthlib.oauth1 import RequestValidator, WebApplicationServer

from support.oauth_server import Handler, run


CLIENT, SECRET = "postbell-signs", "canary-signing-secret"


class Books(RequestValidator):  # type: ignore[misc]
    """What the server has given out."""

    enforce_ssl = False
    dummy_client = dummy_request_token = dummy_access_token = "nobody"

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[tuple[Any, ...]] = set()
        self.temporary: dict[str, dict[str, str]] = {}
        self.access: dict[str, str] = {}

    def check_client_key(self, client_key: str) -> bool:
        return True

    def check_nonce(self, nonce: str) -> bool:
        return len(nonce) >= 20

    def check_verifier(self, verifier: str) -> bool:
        return True

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return client_key == CLIENT

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return SECRET

    def validate_timestamp_and_nonce(
        self, client_key: str, timestamp: str, nonce: str, request: Any, **tokens: Any
    ) -> bool:
        one = (client_key, timestamp, nonce, *sorted(tokens.items()))
        known = one in self.seen
        self.seen.add(one)
        return not known

    def validate_redirect_uri(self, client_key: str, redirect_uri: str, request: Any) -> bool:
        return redirect_uri == "oob" or redirect_uri.startswith("http://127.0.0.1:")

    def get_default_realms(self, client_key: str, request: Any) -> list[str]:
        return []

    def get_realms(self, token: str, request: Any) -> list[str]:
        return []

    def validate_requested_realms(self, client_key: str, realms: list[str], request: Any) -> bool:
        return True

    def validate_realms(self, client_key: str, token: str, request: Any, **where: Any) -> bool:
        return True

    def verify_realms(self, token: str, realms: list[str], request: Any) -> bool:
        return True

    def save_request_token(self, token: dict[str, str], request: Any) -> None:
        self.temporary[token["oauth_token"]] = {**token, "redirect": request.redirect_uri}

    def verify_request_token(self, token: str, request: Any) -> bool:
        return token in self.temporary

    def validate_request_token(self, client_key: str, token: str, request: Any) -> bool:
        return token in self.temporary

    def get_request_token_secret(self, client_key: str, token: str, request: Any) -> str:
        return self.temporary.get(token, {}).get("oauth_token_secret", "nothing")

    def get_redirect_uri(self, token: str, request: Any) -> str:
        return self.temporary[token]["redirect"]

    def save_verifier(self, token: str, verifier: dict[str, str], request: Any) -> None:
        self.temporary[token]["verifier"] = verifier["oauth_verifier"]

    def validate_verifier(self, client_key: str, token: str, verifier: str, request: Any) -> bool:
        return self.temporary.get(token, {}).get("verifier") == verifier

    def invalidate_request_token(self, client_key: str, request_token: str, request: Any) -> None:
        del self.temporary[request_token]

    def save_access_token(self, token: dict[str, str], request: Any) -> None:
        self.access[token["oauth_token"]] = token["oauth_token_secret"]

    def validate_access_token(self, client_key: str, token: str, request: Any) -> bool:
        return token in self.access

    def get_access_token_secret(self, client_key: str, token: str, request: Any) -> str:
        return self.access.get(token, "nothing")


class Server:
    """What it does, and what it has seen."""

    def __init__(self) -> None:
        self.books = Books()
        self.oauth = WebApplicationServer(self.books)
        self.journal: list[str] = []
        self.posts: dict[str, str] = {}
        self.files: list[str] = []
        self.guard = threading.Lock()

    def control(self, told: dict[str, Any]) -> dict[str, Any]:
        """Do what a test wants, and tell how things are."""
        if told.get("end_access"):
            self.books.access.clear()
        return {"journal": self.journal, "posts": self.posts, "files": self.files}

    def authorize(self, uri: str) -> tuple[int, dict[str, str], str]:
        """Let somebody say yes."""
        self.journal.append("authorize")
        token = parse_qs(urlsplit(uri).query)["oauth_token"][0]
        found, said, status = self.oauth.create_authorization_response(uri, credentials={"verifier": token})
        if said:  # out of band
            return status, {}, f"Your code is: {parse_qs(said)['oauth_verifier'][0]}"
        return status, dict(found), ""

    def give(self, uri: str, body: str, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        """Give out temporary credentials, or a token for them."""
        step = urlsplit(uri).path
        make = {
            "/initiate": self.oauth.create_request_token_response,
            "/token": self.oauth.create_access_token_response,
        }[step]
        found, said, status = make(uri, "POST", body, headers)
        self.journal.append(f"{step}{'' if status == 200 else ' refused'}")
        return status, dict(found), str(said)

    def serve(
        self, method: str, uri: str, body: str, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], str]:
        """Do what only the account may ask for."""
        form = "form-urlencoded" in headers.get("content-type", "")
        valid, _ = self.oauth.validate_protected_resource_request(
            uri, method, body if form else None, headers, realms=[]
        )
        step = urlsplit(uri).path
        self.journal.append(f"{step}{'' if valid else ' refused'}")
        if not valid:
            return 401, {}, json.dumps({"error": "not signed by the account", "sent": headers})
        if step == "/me":
            return 200, {}, json.dumps({"name": "alice"})
        if step == "/files":
            self.files.append(headers["content-type"].partition(";")[0])
            return 200, {}, json.dumps({"id": str(len(self.files))})
        said = {name: values[0] for name, values in parse_qs(body).items()} if form else json.loads(body)
        if step == "/posts":
            self.posts[said["key"]] = said["text"]
        return 200, {}, json.dumps({"id": said["key"], "url": f"http://127.0.0.1/{said['key']}"})


class SigningHandler(Handler):
    """Speaks HTTP for the one server that there is in this process."""

    far: Any = Server()

    def _get(self) -> None:
        uri = f"http://{self.headers['host']}{self.path}"
        if self.path.startswith("/authorize?"):
            self._say(*self.far.authorize(uri))
        else:
            self._say(*self.far.serve("GET", uri, "", self._lower()))

    def _post(self, body: str) -> None:
        uri, step = f"http://{self.headers['host']}{self.path}", urlsplit(self.path).path
        with self.far.guard:
            if step == "/control":
                self._say(200, {}, json.dumps(self.far.control(json.loads(body))))
            elif step in ("/initiate", "/token"):
                self._say(*self.far.give(uri, body, self._lower()))
            else:
                self._say(*self.far.serve("POST", uri, body, self._lower()))

    def _lower(self) -> dict[str, str]:
        # oauthlib looks for these two by their usual names.
        usual = {"authorization": "Authorization"}
        found = {name.lower(): value for name, value in self.headers.items()}
        return {usual.get(name, name): value for name, value in found.items()}


if __name__ == "__main__":
    run(SigningHandler)
