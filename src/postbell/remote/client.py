"""Asks the HTTP API of another machine, and turns its refusals into the errors that commands know."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx

from postbell import errors
from postbell.errors import BadConfig, Conflict, Invalid, NotFound, PostbellError, Problem, Stale, TryLater
from postbell.remote.reading import problem_of
from postbell.shapes.base import code_of


#: Seconds that an answer is waited for.
_PATIENCE = 60.0
#: Seconds to wait before the same is asked again, where the answer was lost, or it was too much at once.
_PAUSES = (0.5, 1.0, 2.0, 4.0)
_LOCAL = ("localhost", "127.0.0.1", "::1")
#: Where the code of a refusal is not the name of an error.
_BY_STATUS: Mapping[int, type[PostbellError]] = {
    401: BadConfig,
    403: BadConfig,
    404: NotFound,
    408: TryLater,
    409: Conflict,
    412: Stale,
    421: BadConfig,
    429: TryLater,
    503: TryLater,
}


class Client:
    """One connection to an HTTP API. A wish is carried out once, however often it had to be sent."""

    def __init__(self, url: str, key_file: Path | None) -> None:
        """Take where it is asked: http(s)://…, or the path of a unix socket, also as http+unix://….

        Raises BadConfig for a place or a key that cannot be.
        """
        self.url = url
        base, socket = _place_of(url)
        headers = {"Postbell-Words": "commands"}  # notes and warnings are shown at a command line
        if key_file:
            headers["Authorization"] = f"Bearer {_read_key(key_file)}"
        if socket and not Path(socket).is_socket():
            raise TryLater(f"{url} cannot be asked: there is no such socket. Does the daemon run?")
        if socket is None and key_file is None:
            raise BadConfig(
                f"There is no key to {url}: name a file with one, --key-file or POSTBELL_KEY_FILE; "
                "`postbell key add` makes one there."
            )
        transport = httpx.HTTPTransport(uds=socket) if socket else None
        self._http = httpx.Client(
            base_url=f"{base}/api/v1/", headers=headers, timeout=_PATIENCE, transport=transport
        )
        #: What the clock there showed at the last answer (aware UTC).
        self.clock: datetime | None = None

    def close(self) -> None:
        """End the connection."""
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        """Return what is read; parameters that are None are left out."""
        given = {name: value for name, value in params.items() if value is not None}
        return self._ask("GET", path, params=given).json()

    def tagged(self, path: str) -> tuple[Any, str | None]:
        """Return what is read, and the ETag of the state that it is in, if that came along."""
        # Proxies that compress an answer give it an ETag of their own, which is not known there.
        answer = self._ask("GET", path, headers={"Accept-Encoding": "identity"})
        return answer.json(), answer.headers.get("etag")

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        match: str | None = None,
        patience: float = _PATIENCE,
    ) -> Any:
        """Carry out a wish and return its answer, for which so many seconds are waited.

        With an ETag to `match`, only on what is in that state; raises Stale if it is in another one.
        """
        headers = {"Idempotency-Key": uuid.uuid4().hex} | ({"If-Match": match} if match else {})
        said = {} if body is None else {"json": body}
        answer = self._ask(method, path, headers=headers, timeout=patience, **said)
        return answer.json() if answer.content else None

    def tus(self, method: str, path: str, headers: Mapping[str, str], **content: bytes) -> httpx.Response:
        """Send a part of a file, or ask how far one is, and return the answer."""
        return self._ask(method, path, headers={"Tus-Resumable": "1.0.0", **headers}, **content)

    def _ask(self, method: str, path: str, **how: Any) -> httpx.Response:
        for pause in (*_PAUSES, None):
            try:
                answer = self._http.request(method, path, **how)
            except httpx.TransportError as error:
                if pause is None or isinstance(error, httpx.ConnectError):
                    raise TryLater(f"{self.url} cannot be asked: {_reason(error)}.") from None
            else:
                if "date" in answer.headers:
                    self.clock = parsedate_to_datetime(answer.headers["date"])
                if answer.is_success:
                    return answer
                error_ = _error_of(answer)
                again = answer.status_code == 429 or _code(answer) == "under_way"
                if pause is None or not again:
                    raise error_
            time.sleep(pause)
        raise AssertionError("the last of them has returned or raised")


def _place_of(url: str) -> tuple[str, str | None]:
    """Return what addresses begin with, and the path of a unix socket if it is one."""
    if url.startswith("/"):
        return "http://localhost", url
    if url.startswith("http+unix://"):
        return "http://localhost", unquote(url.removeprefix("http+unix://"))
    try:
        place = httpx.URL(url)
        host = place.host
    except (httpx.InvalidURL, ValueError):
        host = ""
    if not host or place.scheme not in ("http", "https"):
        raise BadConfig(
            f"{url!r} is no place: give https://NAME, http://localhost:PORT, or the path of a socket."
        )
    if place.scheme == "http" and host not in _LOCAL:
        raise BadConfig(
            f"{url} is not encrypted, and everybody on the way could read the key: give an address with "
            "https, or a tunnel, `ssh -L 2355:localhost:2355 NAME`, and http://localhost:2355."
        )
    return str(place).rstrip("/"), None


def _read_key(path: Path) -> str:
    try:
        with path.open() as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            key = file.read(1000).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"The key in {path} cannot be read: {error}.") from None
    if mode & 0o077:
        raise BadConfig(f"Others can read {path} (mode {mode:04o}); run `chmod 600 {path}` first.")
    if not key.isascii() or not key.isprintable() or not key:
        raise BadConfig(f"{path} holds no key; `postbell key add` prints one.")
    return key


def _reason(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__


def _told(answer: httpx.Response) -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        told = None
    return told if isinstance(told, dict) else {}


def _code(answer: httpx.Response) -> str:
    return str(_told(answer).get("code", ""))


def _error_of(answer: httpx.Response) -> PostbellError:
    """Return what a refusal means."""
    told, code = _told(answer), _code(answer)
    detail = str(
        told.get("said") or told.get("detail") or f"It answered {answer.status_code}, and did not say why."
    )
    problems = tuple(_problems(told.get("problems") or ()))
    if code == "invalid" and problems:
        return Invalid(problems)
    kind = _kinds().get(code) or _BY_STATUS.get(answer.status_code, PostbellError)
    return PostbellError(detail) if issubclass(kind, Invalid) else kind(detail)


def _problems(told: Any) -> Iterator[Problem]:
    yield from map(problem_of, told)


def _kinds() -> dict[str, type[PostbellError]]:
    """Return the errors by their codes."""
    found = (each for each in vars(errors).values() if isinstance(each, type))
    kinds = [each for each in found if issubclass(each, PostbellError)]
    return {code_of(kind.__new__(kind)): kind for kind in kinds}
