"""First comments on a WordPress site."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from postbell.errors import PublishError, RateLimited, Unavailable
from postbell.publishing.protocol import Receipt, Reply
from support.fake_wordpress import FakeWordPress, blog
from support.farside import START, Daemon


def _daemon() -> tuple[Daemon, FakeWordPress]:
    """Return a daemon with a first comment on a post that is public."""
    daemon, far_side = blog()
    name = asyncio.run(daemon.publish()).id
    content = replace(daemon.outgoing.content, text='By "the" way', title=None)
    said = replace(daemon.outgoing, content=content, reply=Reply(root=name, parent=name))
    return Daemon(daemon.subject, said, far_side, session=dict(daemon.session)), far_side


def _publish(daemon: Daemon) -> Receipt:
    return asyncio.run(daemon.publish())


def test_a_comment_that_waits_for_approval_is_told() -> None:
    daemon, far_side = _daemon()
    far_side.talk.holds = True
    assert _publish(daemon).warnings == ("It waits for approval in wp-admin.",)


def test_who_speaks_too_fast_waits_a_moment() -> None:
    daemon, far_side = _daemon()
    far_side.talk.hurries = True
    with pytest.raises(RateLimited) as caught:
        _publish(daemon)
    assert caught.value.until == far_side.clock.now() + timedelta(seconds=15)
    assert far_side.clock.now() >= START


def test_what_was_said_already_is_found_or_taken_for_said() -> None:
    daemon, far_side = _daemon()
    first = _publish(daemon)
    assert _publish(daemon).id == first.id
    (said,) = far_side.talk.said.values()
    for rendered in ("<p>By \u201cthe\u201d way</p>", None):
        said["content"] = said["content"] | {"rendered": rendered}
        if rendered is None:
            said["content"] = {"raw": said["content"]["raw"]}
        assert _publish(daemon) == Receipt(id="")
    assert len(far_side.talk.said) == 1


def test_a_comment_without_an_address_has_none() -> None:
    daemon, far_side = _daemon()
    answer = far_side.answer

    def without(request: httpx.Request, body: bytes) -> httpx.Response:
        said = answer(request, body)
        if request.url.path.endswith("/comments"):
            return httpx.Response(201, json=said.json() | {"link": None, "content": "?"}, request=request)
        return said

    far_side.answer = without  # type: ignore[method-assign]
    receipt = _publish(daemon)
    assert (receipt.id, receipt.url) == ("comment:900", None)


def test_a_preview_shows_the_request_before_the_post_has_a_number() -> None:
    daemon, _ = _daemon()
    waiting = replace(daemon.outgoing, reply=Reply(root="<id of the post>", parent="<id of the post>"))
    (call,) = daemon.subject.network.preview(waiting)
    assert call.url.endswith("/wp/v2/comments")
    assert call.body == {"post": "<id of the post>", "content": {"raw": 'By "the" way'}}


def test_where_there_is_no_trash_it_is_deleted_for_good() -> None:
    daemon, far_side = _daemon()
    receipt = _publish(daemon)
    far_side.talk.has_trash = False
    for _ in range(2):
        asyncio.run(daemon.delete(receipt.id))
        assert far_side.talk.said == {}


def test_whoever_may_not_take_it_away_is_told() -> None:
    daemon, far_side = _daemon()
    receipt, answer = _publish(daemon), far_side.answer

    def refuse(request: httpx.Request, body: bytes) -> httpx.Response:
        if request.method == "DELETE":
            said = {"code": "rest_cannot_delete", "message": "No.", "data": {"status": 403}}
            return httpx.Response(403, json=said, request=request)
        return answer(request, body)

    far_side.answer = refuse  # type: ignore[method-assign]
    with pytest.raises(PublishError, match="rest_cannot_delete"):
        asyncio.run(daemon.delete(receipt.id))
    assert far_side.talk.said


def test_an_answer_about_others_that_makes_no_sense_is_no_receipt() -> None:
    daemon, far_side = _daemon()
    _publish(daemon)
    answer = far_side.answer

    def nonsense(request: httpx.Request, body: bytes) -> httpx.Response:
        if request.method == "GET" and request.url.path.endswith("/comments"):
            return httpx.Response(200, json=[{"id": "seven"}], request=request)
        return answer(request, body)

    far_side.answer = nonsense  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        _publish(daemon)


def test_a_refusal_is_a_refusal() -> None:
    daemon, far_side = _daemon()
    far_side.posts.clear()
    with pytest.raises(PublishError, match="rest_comment_trash_post"):
        _publish(daemon)
