"""What a real Mastodon 4.6.4 has answered is read right, and is as its OpenAPI description has it."""

from __future__ import annotations

import asyncio
import functools
import importlib
import json
import re
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from postbell.errors import Rejected
from postbell.networks.mastodon import network
from postbell.publishing.mastodon.api import Line
from postbell.publishing.protocol import Receipt
from postbell.publishing.web.rates import reset_time
from support.fake_mastodon import daemon
from support.farside import START
from support.mastodon_spec import api
from support.specs import spec


_OURS = re.compile(
    r"/api/v1/(statuses(/\d+(/source)?)?|accounts/(verify_credentials|\d+/statuses)|apps/verify_credentials)"
    r"|/api/v[12]/instance|/api/v2/media"
)


class Recorded(NamedTuple):
    """One answer."""

    method: str
    path: str
    status: int
    headers: dict[str, str]
    text: str


@functools.cache
def _recorded() -> list[Recorded]:
    """Return every answer to a call of ours; without the files the test is skipped, on CI it fails."""
    folder = spec("mastodon/recordings", "the recordings of Mastodon are")
    return [each for path in sorted(folder.glob("*.yaml")) for each in _read(path)]


def _read(path: Path) -> Iterator[Recorded]:
    yaml: Any = importlib.import_module("yaml")
    for each in yaml.load(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))["interactions"]:
        asked, answer = each["request"], each["response"]
        place = urlsplit(asked["uri"]).path.rstrip("/")
        headers = {name: values[0] for name, values in answer["headers"].items()}
        if _OURS.fullmatch(place):
            text = answer["body"]["string"]
            yield Recorded(asked["method"], place, answer["status"]["code"], headers, text)


def _some(method: str, path: str, status: int = 200) -> list[Recorded]:
    found = [
        each
        for each in _recorded()
        if (each.method, each.status) == (method, status) and re.fullmatch(path, each.path)
    ]
    assert found, f"nothing is recorded of {method} {path} {status}"
    return found


class Replay(httpx.AsyncBaseTransport):
    """Answers with what was recorded, and what was not with 404."""

    def __init__(self, *answers: Recorded) -> None:
        self._answers = answers

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for each in self._answers:
            if (each.method, each.path) == (request.method, request.url.path):
                headers = {name: value for name, value in each.headers.items() if name.startswith("x-rate")}
                return httpx.Response(each.status, text=each.text, headers=headers)
        return httpx.Response(404, json={"error": "Not Found"})


def test_the_answers_are_as_the_description_has_them() -> None:
    answers = [each for each in _recorded() if each.status == 200]
    assert len(answers) > 100
    faults = {
        (each.method, fault)
        for each in answers
        if "scheduled_at" not in each.text  # we never ask for that
        for fault in api().answer_faults(each.method, each.path, 200, json.loads(each.text))
    }
    # What was taken away comes back as it was written, not as it was shown.
    assert faults == {("DELETE", "$.content is missing")}


@pytest.mark.parametrize(("version", "alt"), [("v1", 1500), ("v2", 10_000)])
def test_the_account_and_its_server_are_read(version: str, alt: int) -> None:
    (me, *_), (app, *_) = (
        _some("GET", f"/api/v1/{kind}/verify_credentials") for kind in ("accounts", "apps")
    )
    here, _ = daemon()
    replay = Replay(me, app, *_some("GET", f"/api/{version}/instance"))
    profile = asyncio.run(network.verify(here.outgoing.target, here._http(replay)))
    assert profile.handle.startswith("@mastodonpy_test@localhost")
    assert here.session["app"] == "Mastodon.py test suite"
    there = here.session["server"]
    assert (there["kind"], there["text"], there["files"], there["answers"]) == ("mastodon", 500, 4, 4)
    assert there["alt"] == alt
    assert there["longest"] == 2_629_746


def test_every_post_that_was_made_is_a_receipt() -> None:
    for each in _some("POST", "/api/v1/statuses"):
        said = json.loads(each.text)
        if "scheduled_at" in said:
            continue
        here, _ = daemon(session={"id": "7", "app": "", "server": {}})
        receipt = asyncio.run(network.publish(here.outgoing, None, _http(here, each)))
        assert isinstance(receipt, Receipt)
        assert (receipt.id, receipt.url) == (said["id"], said["url"])


def test_the_posts_of_an_account_are_read() -> None:
    for each in _some("GET", r"/api/v1/accounts/\d+/statuses"):
        found = asyncio.run(_own(each))
        assert [status["id"] for _, status in found] == [it["id"] for it in json.loads(each.text)]
        assert {made.tzinfo for made, _ in found} == {UTC}


async def _own(answer: Recorded) -> list[tuple[Any, dict[str, Any]]]:
    here, _ = daemon()
    line, found = Line(here.outgoing.target, here._http(Replay(answer))), []
    account, oldest = answer.path.split("/")[4], START.replace(year=2020)
    async for each in line.own(account, since=oldest):
        if each in found:
            break  # the same page comes again and again
        found.append(each)
    return found


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [("POST", "/api/v1/statuses", 422, Rejected), ("GET", "/api/v1/statuses/0", 404, Rejected)],
)
def test_every_error_is_read(method: str, path: str, status: int, kind: type[Exception]) -> None:
    for each in _some(method, path, status):
        here, _ = daemon()
        line = Line(here.outgoing.target, here._http(Replay(each)))
        with pytest.raises(kind, match=f"answered {status}: "):
            asyncio.run(line.ask(each.method, each.path))


def test_every_answer_says_when_its_limit_ends() -> None:
    limited = [each for each in _recorded() if "x-ratelimit-reset" in each.headers]
    assert len(limited) > 100
    assert all(reset_time(each.headers, now=START) for each in limited)


def _http(here: Any, answer: Recorded) -> Any:
    here.session = dict(here.outgoing.target.session)
    return here._http(Replay(answer))
