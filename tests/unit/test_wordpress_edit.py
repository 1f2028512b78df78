"""A post of WordPress is written anew under its number, with the files that it has."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from postbell.errors import RateLimited, Rejected, Unauthorized
from postbell.publishing.protocol import Receipt
from support.fake_wordpress import FakeWordPress, blog
from support.farside import Daemon
from support.folders import picture


def published(text: str = "Good morning", **more: Any) -> tuple[Daemon, FakeWordPress, str]:
    made, far_side = blog(text, **more)
    return made, far_side, asyncio.run(made.publish()).id


def change(made: Daemon, name: str, **more: Any) -> Receipt:
    content = replace(made.outgoing.content, **more)
    return asyncio.run(made.edit(replace(made.outgoing, content=content), name))


def test_address_and_state_stay_and_the_rest_is_written_anew(tmp_path: Path) -> None:
    media = (picture(tmp_path, "a.png", "A bell"), picture(tmp_path, "b.png", "A cat"))
    options = {"tags": ["bells"], "status": "private", "featured": True}
    made, far_side, name = published(options=options, media=media)
    before = dict(far_side.posts[int(name)])
    receipt = change(made, name, text="Good evening", title="Another title")
    after = far_side.posts[int(name)]
    assert (receipt.id, receipt.url, receipt.warnings) == (name, before["link"], ())
    same = ("slug", "link", "status", "tags", "featured_media")
    assert {each: after[each] for each in same} == {each: before[each] for each in same}
    assert (after["title"]["raw"], len(far_side.media)) == ("Another title", 2)
    assert "Good evening" in after["content"]["raw"]


def test_what_a_post_is_not_told_any_more_is_taken_from_it(tmp_path: Path) -> None:
    told = {"tags": "bells", "password": "x", "format": "aside", "featured": True}
    made, far_side, name = published(options=told, media=(picture(tmp_path, "a.png", "A bell"),))
    post = far_side.posts[int(name)]
    assert all(post[each] for each in ("tags", "password", "featured_media"))
    bare = replace(made.outgoing, options=type(made.outgoing.options)())
    assert asyncio.run(made.edit(bare, name)).warnings == ()
    now = {each: post[each] for each in ("tags", "password", "format", "featured_media")}
    assert now == {"tags": [], "password": "", "format": "standard", "featured_media": 0}


def test_a_file_that_is_gone_there_is_uploaded_again(tmp_path: Path) -> None:
    made, far_side, name = published(media=(picture(tmp_path, "a.png", "A bell"),))
    far_side.media.clear()
    change(made, name, text="Good evening")
    (post,) = far_side.public()
    assert [alt for _, alt in post.media] == ["A bell"]


def test_another_post_under_that_number_is_left_alone() -> None:
    made, far_side, name = published()
    far_side.posts[int(name)]["content"] = {"raw": "<p>by hand</p>"}
    with pytest.raises(Rejected, match=rf"post {name} at blog.example.org is not the one that was published"):
        change(made, name, text="Good evening")
    assert far_side.posts[int(name)]["content"] == {"raw": "<p>by hand</p>"}


def test_a_post_that_was_made_a_draft_there_is_not_made_public_again() -> None:
    made, far_side, name = published()
    far_side.posts[int(name)]["status"] = "draft"
    with pytest.raises(Rejected, match="not there any more"):
        change(made, name, text="Good evening")


def test_a_user_who_may_not_use_its_html_is_told() -> None:
    made, far_side, name = published(options={"markup": "html"})
    far_side.role = "author"
    receipt = change(made, name, text="<script>1</script>")
    assert any("WordPress changed the body" in warning for warning in receipt.warnings)


def test_a_dead_password_is_no_missing_post() -> None:
    made, far_side, name = published()
    far_side.password_works = False
    with pytest.raises(Unauthorized):
        change(made, name, text="Good evening")


def test_a_post_that_is_gone_for_good_is_not_made_again() -> None:
    made, far_side, name = published()
    far_side.posts.clear()
    with pytest.raises(Rejected, match="not there any more"):
        change(made, name, text="Good evening")
    assert not far_side.posts


def test_a_user_who_may_not_edit_it_is_told() -> None:
    made, far_side, name = published()
    answer = far_side.answer

    def instead(request: httpx.Request, body: bytes) -> httpx.Response:
        if request.method == "GET" and f"posts/{name}" in str(request.url):
            return httpx.Response(403, json={"code": "rest_forbidden_context", "message": "No"})
        return answer(request, body)

    far_side.answer = instead  # type: ignore[method-assign]
    with pytest.raises(Rejected, match="rest_forbidden_context"):
        change(made, name, text="Good evening")


def test_a_site_that_asks_to_wait_is_not_sent_the_next_file_at_once(tmp_path: Path) -> None:
    media = (picture(tmp_path, "a.png", "A bell"), picture(tmp_path, "b.png", "A cat"))
    made, far_side, name = published(media=media)
    far_side.media.clear()
    real, uploads = far_side.answer, list[str]()

    def instead(request: httpx.Request, body: bytes) -> httpx.Response:
        if request.method == "POST" and request.url.path.endswith("/media"):
            uploads.append(request.headers["content-disposition"])
            if "-2." in uploads[-1]:  # they are sent side by side, either first
                return far_side.rate_limited()
        return real(request, body)

    far_side.answer = instead  # type: ignore[method-assign]
    with pytest.raises(RateLimited, match="asks to wait") as raised:
        change(made, name, text="Good evening")
    assert raised.value.until is not None
    assert len(uploads) == 2
