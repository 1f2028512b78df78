"""Things that are there to be asked for: by chance alone no name and no id in a path is one of anything.

stock = Stock(base, headers, folder)
path = stock.path("PATCH", "/api/v1/posts/{id}", chance)    # {"id": "k7f2m9qx"}
stock.look_at("PATCH", path, 200)                           # what was done to it may have used it up
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from support.canaries import WATCH
from support.pictures import png
from support.plausible import ACCOUNT


#: Changed by what is done to it: it is asked for once more at most.
_USED_UP = frozenset({"DELETE", "PATCH", "POST", "PUT"})


class Stock:
    """Posts, series, files and the like of one daemon; what is used up is made anew."""

    def __init__(self, base: str, headers: dict[str, str], folder: Path) -> None:
        self._base = base
        self._folder = folder
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update(headers)
        self._kept: dict[str, list[str]] = {}
        self._made = 0
        #: By the start of a path: what makes the things below it, and how many of them are kept.
        self._makers: dict[str, tuple[Callable[[], str], int]] = {
            "/api/v1/accounts/{name}": (self._account, 2),
            "/api/v1/hooks/{name}": (self._hook, 2),
            "/api/v1/jobs/{id}": (self._job, 1),
            "/api/v1/media/{sha256}": (self._file, 2),
            "/api/v1/networks/{key}": (lambda: "folder", 1),
            "/api/v1/posts/{id}": (self._post, 6),
            "/api/v1/series/{id}": (self._series, 2),
            "/api/v1/uploads/{id}": (self._upload, 2),
        }

    def path(self, method: str, path: str, chance: random.Random) -> dict[str, str]:
        """Return what to put into a path for a thing that is there; nothing where it has no place for one."""
        for start, (make, most) in self._makers.items():
            if path == start or path.startswith(f"{start}/"):
                # Somebody may wait for a post to end: only for one that has.
                kind = "ended" if (method, path) == ("GET", "/api/v1/posts/{id}") else start
                kept = self._kept.setdefault(kind, [])
                while len(kept) < most:
                    kept.append(self._post(ended=True) if kind == "ended" else make())
                return {start.partition("{")[2].rstrip("}"): chance.choice(kept)}
        return {}

    def look_at(self, method: str, given: dict[str, Any], status: int) -> None:
        """Leave out from now on what was changed, and what is gone."""
        if status in {404, 409} or (method in _USED_UP and status < 300):
            for name in given.values():
                for kept in self._kept.values():
                    while name in kept:
                        kept.remove(name)

    def connect(self) -> None:
        """Let the account be there that posts are for."""
        values = {"path": str(self._folder)}
        wanted = {"network": "folder", "name": ACCOUNT, "values": values, "verify": False}
        self._send("/accounts", {"json": wanted}, others=(409,))

    def upload(self) -> None:
        """Let the file be there that posts are given."""
        self._send("/media", {"files": {"file": ("cat.png", png())}})

    def _number(self) -> int:
        self._made += 1
        return self._made

    def _send(self, path: str, more: dict[str, Any], *, others: tuple[int, ...] = ()) -> requests.Response:
        answer = self._session.post(f"{self._base}/api/v1{path}", timeout=30, **more)
        assert answer.status_code in {200, 201, 202, *others}, answer.text
        return answer

    def _account(self) -> str:
        name = f"stock{self._number()}"
        secret = f"{name} keeps its secret"
        WATCH.note(secret)
        values = {"url": "http://127.0.0.1:9/hook", "secret": secret}
        wanted = {"network": "webhook", "name": name, "values": values, "verify": False}
        self._send("/accounts", {"json": wanted})
        return name

    def _hook(self) -> str:
        name = f"stock{self._number()}"
        wanted = {
            "name": name,
            "url": "http://127.0.0.1:9/hook",
            "events": ["account.*"],
            "allow_local": True,
        }
        WATCH.note(self._send("/hooks", {"json": wanted}).json()["secret"])
        return name

    def _job(self) -> str:
        wanted = {"files": [{"url": "http://127.0.0.1:9/cat.png"}]}
        return str(self._send("/media/ingest", {"json": wanted}).json()["id"])

    def _file(self) -> str:
        picture = png(7, self._number() % 500 + 1)
        answer = self._send("/media", {"files": {"file": ("dot.png", picture)}})
        return str(answer.json()["media"][0]["sha256"])

    def _post(self, *, ended: bool = False) -> str:
        number = self._number()
        times: list[dict[str, Any]] = [{"publish_now": True}, {"at": "2031-05-01T12:00:00Z"}, {}]
        time = times[0 if ended else number % 3]
        made = self._for_the_account("/posts", {"text": f"Stock {number}", **time})
        if "publish_now" in time and not self._has_ended(made):
            self._go_on()
            assert self._has_ended(made)
        return made

    def _has_ended(self, post: str) -> bool:
        told = self._session.get(f"{self._base}/api/v1/posts/{post}", params={"wait": 5}, timeout=30).json()
        return bool(told["state"] == "processed")

    def _go_on(self) -> None:
        paused = self._session.get(f"{self._base}/api/v1/pauses", timeout=30).json()["pauses"]
        wanted = {"targets": [{"scope": each["scope"], "name": each["name"] or ""} for each in paused]}
        self._send("/pauses/resume", {"json": wanted}, others=(400, 404))

    def _for_the_account(self, path: str, wanted: dict[str, Any]) -> str:
        """Make something for the account, which may have been taken away meanwhile; return its id."""
        asked = {"json": {**wanted, "to": [ACCOUNT]}}
        answer = self._send(path, asked, others=(400, 404))
        if answer.status_code not in {200, 201}:
            self.connect()
            answer = self._send(path, asked)
        return str(answer.json()["id"])

    def _series(self) -> str:
        daily = {"repeat": "daily", "times": ["09:00"]}
        return self._for_the_account("/series", {"text": f"Stock {self._number()}", "repeat": daily})

    def _upload(self) -> str:
        version = {"Tus-Resumable": "1.0.0", "Upload-Length": "5"}
        answer = self._send("/uploads", {"headers": version}, others=(409,))
        if answer.status_code == 409:  # so many are not allowed at once
            known = self._session.get(f"{self._base}/api/v1/uploads", timeout=30).json()["uploads"]
            return str(known[0]["id"])
        return str(answer.json()["id"])
