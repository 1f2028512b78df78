"""A post goes to the trash of its site; a post of somebody else never does."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from postbell.errors import PublishError, Rejected, Unauthorized, Unavailable
from postbell.testing import FakeClock
from support.fake_wordpress import FakeWordPress, blog
from support.farside import START, Between, Daemon, FarSide, Strike


def _published(**more: Any) -> tuple[Daemon, FakeWordPress, str]:
    daemon, far_side = blog(**more)
    return daemon, far_side, asyncio.run(daemon.publish()).id


def _error(daemon: Daemon, name: str, at: int = 99, strike: Strike | None = None) -> PublishError:
    transport = Between(daemon.far_side, at, strike) if strike else None
    with pytest.raises(PublishError) as caught:
        asyncio.run(daemon.delete(name, transport))
    return caught.value


def _deletions(far_side: FarSide) -> list[str]:
    return [str(each.url) for each in far_side.requests if each.method == "DELETE"]


def test_it_can_still_be_restored_from_the_trash() -> None:
    daemon, far_side, name = _published()
    asyncio.run(daemon.delete(name))
    assert far_side.posts[int(name)]["status"] == "trash"
    assert ["force" in url for url in _deletions(far_side)] == [False]


def test_where_there_is_no_trash_it_is_deleted_for_good() -> None:
    daemon, far_side, name = _published()
    far_side.has_trash = False
    asyncio.run(daemon.delete(name))
    assert far_side.posts == {}
    assert ["force" in url for url in _deletions(far_side)] == [False, True]


def test_with_plain_permalinks_it_works_as_well() -> None:
    for has_trash in (True, False):
        daemon, far_side = blog()
        far_side.pretty, far_side.has_trash = False, has_trash
        asyncio.run(daemon.delete(asyncio.run(daemon.publish()).id))
        assert far_side.public() == []


def test_what_somebody_has_put_into_the_trash_already_is_done() -> None:
    daemon, far_side, name = _published()
    far_side.posts[int(name)]["status"] = "trash"
    asyncio.run(daemon.delete(name))


def test_what_somebody_has_deleted_already_is_done() -> None:
    daemon, far_side, name = _published()
    far_side.posts.clear()
    asyncio.run(daemon.delete(name))
    assert _deletions(far_side) == []


def test_the_same_number_at_another_site_is_left_alone() -> None:
    daemon, far_side, name = _published()
    theirs = {"raw": "theirs"}
    far_side.posts[int(name)] |= {"title": theirs, "content": theirs}
    error = _error(daemon, name)
    assert type(error) is Rejected
    assert str(error) == f"post {name} at blog.example.org is not the one that was published"
    assert _deletions(far_side) == []


def test_a_user_who_may_not_delete_is_told() -> None:
    daemon, far_side, name = _published()
    far_side.role = "contributor"
    error = _error(daemon, name)
    assert isinstance(error, Rejected)
    assert "not allowed to delete this post. (rest_cannot_delete)" in str(error)
    assert len(far_side.public()) == 1


def test_a_revoked_password_is_the_account_s_trouble_and_no_absence() -> None:
    daemon, far_side, name = _published()
    far_side.password_works = False
    assert type(_error(daemon, name)) is Unauthorized
    assert len(far_side.public()) == 1


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("status", [200, 403, 404, 500, 502, 503])
def test_a_page_of_something_in_front_proves_nothing(status: int, at: int) -> None:
    async def strike(_: FarSide, request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, text="<html>")

    daemon, far_side, name = _published()
    assert isinstance(_error(daemon, name, at, strike), Unavailable)
    asyncio.run(daemon.delete(name))
    assert far_side.public() == []


def test_an_answer_that_does_not_say_so_proves_nothing() -> None:
    async def strike(_: FarSide, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"hello": "world"})

    for has_trash in (True, False):
        daemon, far_side = blog()
        far_side.has_trash = has_trash
        name = asyncio.run(daemon.publish()).id
        error = _error(daemon, name, 1 if has_trash else 2, strike)
        assert type(error) is Unavailable
        assert "answered 200 without" in str(error)


def test_a_new_site_without_the_post_has_nothing_to_take_away() -> None:
    daemon, _, name = _published()
    elsewhere = FakeWordPress(FakeClock(START))
    asyncio.run(daemon.delete(name, elsewhere))
    assert _deletions(elsewhere) == []
