"""Files that are fetched from addresses, by jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from postbell.sections import ApiSettings, MediaSettings
from postbell.services.media.ingest import Ingests
from postbell.store.jobs import begin_job
from support import pictures
from support.api import Asked, problem
from support.pictures import stored
from support.world import HURRIED, build_world


INGEST = "/api/v1/media/ingest"
HERE = "https://pictures.example/"

#: What is served, by paths.
PAGES: dict[str, tuple[int, str, bytes]] = {
    "/cat.png": (200, "image/png", pictures.png()),
    "/cat": (200, "application/octet-stream", pictures.png()),
    "/film.mp4": (200, "video/mp4", pictures.mp4() + bytes(1_500_000)),
    "/page.png": (200, "image/png", pictures.HTML),
    "/page": (200, "text/html", pictures.HTML),
    "/gone": (404, "image/png", b""),
    "/broken": (200, "image/png", pictures.png(400, 300)[:200]),
    "/long": (200, "image/png", pictures.png() + bytes(1_500_000)),
    "/svg": (200, "image/svg+xml", pictures.SVG),
    "/empty": (200, "image/png", b""),
}


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/inside":
        return httpx.Response(302, headers={"location": "http://0x7f.1/"})
    if request.url.path == "/fault":
        raise ZeroDivisionError
    status, kind, body = PAGES[request.url.path]
    return httpx.Response(status, headers={"content-type": kind}, content=body)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Asked]:
    limits = MediaSettings(picture_megabytes=1, video_megabytes=2, free_megabytes=0)
    update = {"api": ApiSettings(requests_per_minute=0), "media": limits}
    settings = HURRIED.model_copy(update=update)
    with build_world(tmp_path, settings=settings, transport=httpx.MockTransport(answer)) as world:
        yield Asked(world)


def ask(api: Asked, *urls: str) -> dict[str, Any]:
    answered = api.ask("POST", INGEST, json={"files": [{"url": url, "alt": "A cat"} for url in urls]})
    assert answered.status_code == 202, answered.text
    job: dict[str, Any] = answered.json()
    assert answered.headers["location"] == f"/api/v1/jobs/{job['id']}"
    return job


def read(api: Asked, job: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = api.ask("GET", f"/api/v1/jobs/{job['id']}").json()
    return told


def finished(api: Asked, job: dict[str, Any]) -> dict[str, Any]:
    """Carry out the jobs that there are, in a life of their own, and return one of them."""

    async def live() -> None:
        ingests = Ingests(lambda: (api.world.ctx, api.world.app.settings.media))
        await asyncio.gather(*await ingests.turn())

    asyncio.run(live())
    return read(api, job)


def test_that_a_job_begins_and_ends_and_what_it_brings_is_told_as_it_happens(api: Asked) -> None:
    job = finished(api, ask(api, f"{HERE}cat.png", f"{HERE}gone"))
    sha256 = job["items"][0]["sha256"]
    api.ask("PATCH", f"/api/v1/media/{sha256}", json={"alt": "Another cat"})
    assert api.ask("DELETE", f"/api/v1/media/{sha256}").status_code == 204
    told = api.ask("GET", "/api/v1/events?events=media.*,job.*").json()["events"]
    cat = {"sha256": sha256, "kind": "image", "mime": "image/png", "alt": "A cat"}
    assert [(each["type"], each["data"]) for each in told] == [
        ("job.added", {"job": job["id"], "items": 2, "failed": 0}),
        ("media.added", cat),
        ("job.ended", {"job": job["id"], "items": 2, "failed": 1}),
        ("media.changed", cat | {"alt": "Another cat"}),
        ("media.deleted", cat | {"alt": "Another cat"}),
    ]


def test_a_fault_with_one_file_is_told_and_the_others_are_fetched(api: Asked) -> None:
    job = finished(api, ask(api, f"{HERE}fault", f"{HERE}cat.png"))
    assert (job["state"], job["failed"], job["items"][1]["state"]) == ("ended", 1, "done")
    assert job["items"][0]["message"] == "A fault in Postbell (ZeroDivisionError); please report it."


def test_files_are_fetched_and_stored_like_uploads(api: Asked) -> None:
    asked = ask(api, f"{HERE}cat.png", f"{HERE}cat", f"{HERE}film.mp4")
    assert (asked["state"], asked["ended_at"]) == ("working", None)
    assert {each["state"] for each in asked["items"]} == {"waiting"}
    job = finished(api, asked)
    assert (job["state"], job["failed"]) == ("ended", 0)
    cat, again, film = job["items"]
    assert cat["sha256"] == again["sha256"] != film["sha256"]
    media = api.ask("GET", f"/api/v1/media/{cat['sha256']}").json()
    assert (media["mime"], media["alt"]) == ("image/png", "A cat")
    assert len(stored(api.world.app.places.media)) == 2


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("page.png", "It is an HTML page"),
        ("page", "It is text/html"),
        ("gone", "answered 404"),
        ("broken", "broken or cut off"),
        ("long", "A picture may have 1,000,000 bytes at most"),
        ("svg", "It is image/svg+xml"),
        ("empty", "It is empty"),
        ("inside", "0x7f.1"),
    ],
)
def test_a_file_that_cannot_be_had_is_told_and_keeps_no_other_back(api: Asked, path: str, told: str) -> None:
    job = finished(api, ask(api, f"{HERE}{path}", f"{HERE}cat.png"))
    bad, good = job["items"]
    assert (bad["state"], good["state"], job["failed"]) == ("failed", "done", 1)
    assert told in bad["message"]
    assert bad["message"].endswith(".")
    assert len(stored(api.world.app.places.media)) == 1


@pytest.mark.parametrize(
    "url",
    [
        "ftp://pictures.example/cat.png",
        "file:///etc/passwd",
        "http://alice:secret@pictures.example/cat.png",
        "http://0x7f.1/cat.png",
        "http://2130706433/",
        "http://pictures.example\\@127.0.0.1/",
        "cat.png",
    ],
)
def test_an_address_that_nobody_should_follow_is_refused_at_once(api: Asked, url: str) -> None:
    answered = api.ask("POST", INGEST, json={"files": [{"url": f"{HERE}cat.png"}, {"url": url}]})
    assert problem(answered) == (422, "invalid")
    (told,) = answered.json()["problems"]
    assert told["pointer"] == "/files/1/url"
    assert "secret" not in answered.text
    assert api.ask("GET", "/api/v1/jobs").json() == {"jobs": []}


def test_another_life_goes_on_with_what_is_left(api: Asked) -> None:
    job = ask(api, f"{HERE}cat.png")
    with api.world.store.write() as tx:
        begin_job(tx, job["id"])
    assert finished(api, job)["items"][0]["state"] == "done"


def test_a_job_that_ends_every_daemon_is_given_up(api: Asked) -> None:
    job = ask(api, f"{HERE}cat.png")
    with api.world.store.write() as tx:
        for _ in range(5):
            begin_job(tx, job["id"])
    (item,) = finished(api, job)["items"]
    assert item["state"] == "failed"
    assert "ended 5 times" in item["message"]


def test_jobs_are_listed_the_newest_first_and_forgotten_after_a_week(api: Asked) -> None:
    first = ask(api, f"{HERE}cat.png")
    api.world.clock.advance(1)
    second = ask(api, f"{HERE}cat.png")
    assert [each["id"] for each in api.ask("GET", "/api/v1/jobs").json()["jobs"]] == [
        second["id"],
        first["id"],
    ]
    assert len(api.ask("GET", "/api/v1/jobs?limit=1").json()["jobs"]) == 1
    finished(api, first)
    finished(api, second)
    api.world.clock.advance(8 * 86_400)
    third = ask(api, f"{HERE}cat.png")
    assert [each["id"] for each in api.ask("GET", "/api/v1/jobs").json()["jobs"]] == [third["id"]]
    assert problem(api.ask("GET", f"/api/v1/jobs/{first['id']}")) == (404, "not_found")
