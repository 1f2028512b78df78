"""Files that networks fetch themselves, by links, and nothing else that strangers get."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from postbell.domain.public_link import PublicLink, read_link, sign
from postbell.errors import BadConfig, Rejected
from postbell.publishing.protocol import Outgoing
from postbell.publishing.public_links import public_url
from postbell.sections import ApiSettings
from postbell.services.posts.compose import add_post
from postbell.services.posts.wanted import Wanted
from postbell.testing import FakeNetwork
from support import pictures
from support.api import Asked, problem
from support.pictures import written
from support.world import HURRIED, START, World, account_of, add_account, build_world


PUBLIC = "https://bell.example.org"
HOST = {"Host": "bell.example.org"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    settings = HURRIED.model_copy(update={"api": ApiSettings(public_url=f"{PUBLIC}/", requests_per_minute=0)})
    with build_world(tmp_path, networks=[FakeNetwork()], settings=settings) as made:
        add_account(made.store, "ann")
        yield made


def outgoing(world: World, folder: Path, data: bytes) -> Outgoing:
    """Return a post with a picture, as the network is given it."""
    path = written(folder, "cat.png", data)
    post = add_post(world.ctx, Wanted(text="x", to=("ann",), media=((path, "A cat"),))).post
    return world.ctx.outgoing(post, post.deliveries[0], account_of(world.store, "ann"))


def link(world: World, folder: Path, data: bytes = b"") -> str:
    """Return a link to a picture without what it begins with."""
    given = outgoing(world, folder, data or pictures.png())
    url = public_url(given.links, given.content.media[0])
    assert url.startswith(f"{PUBLIC}/public/")
    return url.removeprefix(PUBLIC)


def test_a_network_fetches_a_file_by_its_link_without_a_key(world: World, tmp_path: Path) -> None:
    api, path = Asked(world), link(world, tmp_path)
    answer = api.ask("GET", path, key=None, headers=HOST | {"User-Agent": "facebookexternalhit/1.1"})
    assert (answer.status_code, answer.content) == (200, pictures.png())
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == 'attachment; filename="file.png"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    part = api.ask("GET", path, key=None, headers=HOST | {"Range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, pictures.png()[1:4])
    head = api.ask("HEAD", path, key=None, headers=HOST)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(pictures.png()))


def test_who_fetched_a_file_is_kept_with_the_post(world: World, tmp_path: Path) -> None:
    api, path = Asked(world), link(world, tmp_path)
    for _ in range(201):
        api.ask("GET", path, key=None, headers=HOST | {"User-Agent": "a crawler"})
    (post,) = api.ask("GET", "/api/v1/posts").json()["posts"]
    told = api.ask("GET", f"/api/v1/posts/{post['id']}/fetches").json()["fetches"]
    assert len(told) == 200
    assert told[0] == {
        "account": "ann",
        "file": told[0]["file"],
        "at": "2026-11-23T09:00:00Z",
        "address": "127.0.0.1",
        "agent": "a crawler",
    }


def test_what_was_made_of_a_picture_is_what_is_fetched(world: World, tmp_path: Path) -> None:
    given = outgoing(world, tmp_path, pictures.png(orientation=6))
    (item,) = given.content.media
    path = public_url(given.links, item).removeprefix(PUBLIC)
    answer = Asked(world).ask("GET", path, key=None, headers=HOST)
    assert answer.content == item.path.read_bytes() != pictures.png(orientation=6)


def test_a_link_is_good_for_a_time_and_for_what_it_was_made_for(world: World, tmp_path: Path) -> None:
    api, path = Asked(world), link(world, tmp_path)
    word = path.split("/")[2]
    for wrong in (
        path.replace(word, word[:-1] + ("A" if word[-1] != "A" else "B")),
        path.replace(word, "B" + word[1:]),
        path.replace(word, word.partition(".")[0]),
        path.replace("/file.png", "/cat.png"),
        "/public/",
        "/public/é/file.png",
        "/public/%00",
    ):
        assert problem(api.ask("GET", wrong, key=None, headers=HOST)) == (404, "not_found")
    assert problem(api.ask("POST", path, key=None, headers=HOST)) == (405, "method_not_allowed")
    world.clock.advance(6 * 3600 + 1)
    assert problem(api.ask("GET", path, key=None, headers=HOST)) == (404, "not_found")


def test_a_file_that_has_gone_is_not_there(world: World, tmp_path: Path) -> None:
    path = link(world, tmp_path)
    for file in world.app.places.media.rglob("*.png"):
        file.unlink()
    assert problem(Asked(world).ask("GET", path, key=None, headers=HOST)) == (404, "not_found")


def test_nothing_else_is_answered_under_the_public_name(world: World) -> None:
    api = Asked(world)
    for path in ("/livez", "/api/v1/posts", "/api/v1/media", "/public", "/"):
        assert problem(api.ask("GET", path, headers=HOST)) == (421, "unknown_host")


def test_who_tries_out_links_waits(world: World) -> None:
    api = Asked(world)
    api.stop_clock()
    statuses = [
        api.ask("GET", f"/public/{n}/file.png", key=None, headers=HOST).status_code for n in range(32)
    ]
    assert statuses == [404] * 30 + [429] * 2


def test_without_a_public_address_there_are_no_links(tmp_path: Path) -> None:
    with build_world(tmp_path) as world:
        add_account(world.store, "ann")
        given = outgoing(world, tmp_path, pictures.png())
        with pytest.raises(Rejected, match=r"set `api\.public_url`"):
            public_url(given.links, given.content.media[0])
        answer = Asked(world).ask("GET", "/public/x/file.png", key=None)
        assert problem(answer) == (404, "not_found")
        assert not (world.app.places.data_dir / "public.key").exists()


def test_links_outlive_the_process_and_their_key_is_private(world: World, tmp_path: Path) -> None:
    path = link(world, tmp_path)
    key = world.app.places.data_dir / "public.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert len(key.read_bytes()) == 32
    with build_world(tmp_path, settings=world.app.settings) as later:
        answer = Asked(later).ask("GET", path, key=None, headers=HOST)
        assert answer.status_code == 200


def test_a_key_that_cannot_be_read_is_told(world: World, tmp_path: Path) -> None:
    given = outgoing(world, tmp_path, pictures.png())
    (world.app.places.data_dir / "public.key").mkdir()
    with pytest.raises(BadConfig, match=r"public\.key, cannot be read"):
        public_url(given.links, given.content.media[0])


@pytest.mark.parametrize("url", ["bell.example.org", "https://bell.example.org/a", "ftp://a", "https://a b"])
def test_a_public_address_is_an_address_without_a_path(url: str) -> None:
    with pytest.raises(ValueError, match="without a path"):
        ApiSettings(public_url=url)


def test_a_link_says_nothing_to_who_has_another_key() -> None:
    made = PublicLink(number=7, file="ab/cd.png", expires_at=START)
    word = sign(made, b"key")
    assert read_link(word, b"key", START.replace(year=2025)) == made
    assert read_link(word, b"other", START.replace(year=2025)) is None
    assert read_link(word, b"key", START) is None
