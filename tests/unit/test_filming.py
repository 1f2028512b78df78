"""Videos of posts that programs saved: no request waits for FFmpeg, and no post for its time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.film import FilmLimit
from postbell.domain.limits import Limits, MediaLimit
from postbell.domain.states import Outcome
from postbell.errors import PostbellError
from postbell.sections import ApiSettings, MediaSettings
from postbell.services.media import film_fitting
from postbell.services.media.filming import Films
from postbell.services.plan.rehearse import rehearse
from postbell.services.posts.compose import load_post
from postbell.testing import FakeNetwork
from support.api import Asked
from support.films import film
from support.pictures import stored
from support.stage import ring, until
from support.world import HURRIED, START, add_account, build_world, post_of


pytestmark = pytest.mark.real


class Short(FakeNetwork):
    """Takes short and narrow videos only."""

    key = "short"
    limits = Limits(
        media=MediaLimit(
            most=1,
            types={"video/mp4": 1_000_000},
            film=FilmLimit(seconds=2, codecs=("h264",), slowest=20, fastest=60, width=100),
        )
    )


#: It is to be made smaller, and coded otherwise.
WIDE = film("mov", codec="mpeg4", size=(160, 64), rate=10)


@pytest.fixture
def api(tmp_path: Path, ffmpeg: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    monkeypatch.setenv("PATH", str(ffmpeg))
    media = MediaSettings(fit_videos=True, free_megabytes=0)
    update = {"api": ApiSettings(requests_per_minute=0), "media": media}
    with build_world(
        tmp_path, networks=[Short(), FakeNetwork()], settings=HURRIED.model_copy(update=update)
    ) as world:
        add_account(world.store, "sam", network="short")
        yield Asked(world)


def upload(api: Asked, name: str, data: bytes) -> dict[str, Any]:
    answer = api.ask("POST", "/api/v1/media", files=[("file", (name, data, "video/mp4"))])
    (kept,) = answer.json()["media"]
    assert isinstance(kept, dict)
    return kept


def save(api: Asked, at: str = "2026-11-23T10:00:00Z", data: bytes = WIDE) -> dict[str, Any]:
    """Save a post with a video, as a program does."""
    kept = upload(api, "bell.mov", data)
    wish = {
        "text": f"At {at}",
        "to": ["sam"],
        "at": at,
        "media": [{"sha256": kept["sha256"], "alt": "A bell"}],
    }
    answer = api.ask("POST", "/api/v1/posts", json=wish)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def files(api: Asked) -> int:
    return len(stored(api.world.app.places.media))


def turn(api: Asked, films: Films | None = None) -> None:
    asyncio.run((films or Films(lambda: api.world.ctx)).turn())


def publish(api: Asked, post_id: str) -> Any:
    api.world.clock.advance(3600)
    ring(api.world)
    assert post_of(api.world.store, post_id).outcome is Outcome.PUBLISHED
    (sent,) = api.world.fake.posts[0].content.media
    return sent


def test_a_rehearsal_foretells_what_becomes_of_a_video_and_makes_nothing(
    api: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = save(api)
    monkeypatch.setattr(film_fitting, "make", pytest.fail)
    found = rehearse(api.world.ctx, START, START + timedelta(days=1))
    assert [(each.post.id, each.delivery.outcome) for each in found.happenings] == [
        (made["id"], Outcome.PUBLISHED)
    ]
    assert files(api) == 1


def test_a_post_is_saved_before_its_video_is_made_to_fit_and_published_after_it(
    api: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = save(api)
    assert files(api) == 1, "nothing was made of it while the request waited"
    turn(api)
    assert files(api) == 2
    turn(api)
    monkeypatch.setattr(api.world.ctx.media, "on_film", pytest.fail)
    sent = publish(api, made["id"])
    assert (sent.mime, sent.width, sent.height) == ("video/mp4", 100, 40)


def test_what_is_due_before_that_is_made_to_fit_when_it_is_due(api: Asked) -> None:
    made = save(api)
    assert publish(api, made["id"]).mime == "video/mp4"


def test_what_cannot_fit_is_refused_at_once(api: Asked) -> None:
    kept = upload(api, "bell.mp4", film(seconds=4))
    wish = {
        "text": "Hello",
        "to": ["sam"],
        "at": "2026-11-23T10:00:00Z",
        "media": [{"sha256": kept["sha256"]}],
    }
    answer = api.ask("POST", "/api/v1/posts", json=wish)
    assert answer.status_code == 422
    assert "the limit is 2 s" in answer.text


def test_what_ffmpeg_cannot_read_is_told_once_and_not_tried_again_and_again(
    api: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    save(api)
    (path,) = (path for path in api.world.app.places.media.rglob("*.mov"))
    path.write_bytes(b"no video any more")
    films = Films(lambda: api.world.ctx)
    turn(api, films)
    turn(api, films)
    assert capsys.readouterr().out.count("film_not_made_to_fit") == 1
    assert films._done


def test_two_who_want_the_same_video_at_the_same_time_make_it_once(api: Asked) -> None:
    made, done = save(api), list[float]()
    media, limit = api.world.ctx.media, Short.limits.media
    media.on_film = lambda _name, part: done.append(part)
    (item,) = load_post(api.world.ctx, made["id"]).content.media
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _n: media.fit(item, limit), range(2))
    assert first == second
    assert done.count(1) == 1


def test_a_trouble_keeps_nobody_from_going_on(api: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    save(api)

    def stop(_name: str, _part: float) -> None:
        raise PostbellError("Stopped.")

    async def run() -> None:
        films = Films(lambda: api.world.ctx)
        working = asyncio.create_task(films.work())
        api.world.ctx.media.on_film = stop
        await until(lambda: "films_put_off" in capsys.readouterr().out)
        api.world.ctx.media.on_film = lambda _name, _part: None
        films.wake()
        await until(lambda: files(api) == 2)
        working.cancel()

    asyncio.run(run())


def test_what_comes_first_is_made_first(api: Asked) -> None:
    later = save(api, at="2026-11-23T12:00:00Z")
    sooner = save(api, at="2026-11-23T11:00:00Z", data=film("mov", codec="mpeg4", size=(120, 60), rate=10))
    names: list[str] = []
    api.world.ctx.media.on_film = lambda name, _part: names.append(name)
    turn(api)
    assert list(dict.fromkeys(names)) == [each["media"][0]["name"] for each in (sooner, later)]
