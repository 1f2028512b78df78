"""Whether the post that a site has under the number of a draft is ours, and what is made public then."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from postbell.errors import Rejected, Unavailable, Unsure
from postbell.publishing.protocol import Absent, Receipt, Unknown
from postbell.testing import FakeClock
from support.fake_wordpress import SUBJECT, FakeWordPress, Refusal
from support.farside import START, Daemon, Fault
from support.pictures import picture


_PUBLIC = ("publish", "private")


class NoEditor(FakeWordPress):
    """Its user may publish, but not edit what is public: a role without edit_published_posts."""

    def _get(self, number: int, query: Mapping[str, str], rights: set[str]) -> dict[str, Any]:
        if query.get("context") == "edit" and self._is_shut(number):
            raise Refusal(403, "rest_forbidden_context", "Sorry, you are not allowed to edit this post.")
        return super()._get(number, query, rights)

    def _find(self, kind: str, query: Mapping[str, str], rights: set[str]) -> list[dict[str, Any]]:
        found = super()._find(kind, query, rights)
        return [it for it in found if query.get("context") != "edit" or not self._is_shut(it["id"])]

    def _edit(self, number: int, values: Mapping[str, Any], rights: set[str]) -> dict[str, Any]:
        if self._is_shut(number):
            raise Refusal(403, "rest_cannot_edit", "Sorry, you are not allowed to edit this post.")
        return super()._edit(number, values, rights)

    def _is_shut(self, number: int) -> bool:
        return number in self.posts and self.posts[number]["status"] in _PUBLIC


class NoComments(FakeWordPress):
    """A plugin takes comments out of all HTML that is stored."""

    def _write(self, post: dict[str, Any], values: Mapping[str, Any], rights: set[str]) -> dict[str, Any]:
        if "content" in values:
            body = re.sub(r"\s*<!--.*?-->\s*", "", values["content"]["raw"], flags=re.DOTALL)
            values = {**values, "content": {"raw": body}}
        return super()._write(post, values, rights)


class NoReader(FakeWordPress):
    """Its user may not see what stands there: somebody else has written it."""

    def _get(self, number: int, query: Mapping[str, str], rights: set[str]) -> dict[str, Any]:
        code = "rest_forbidden_context" if query.get("context") == "edit" else "rest_forbidden"
        raise Refusal(403, code, "Sorry, you are not allowed to do that.")


class NoRoute(FakeWordPress):
    """A plugin refuses that single posts are looked at."""

    def _get(self, number: int, query: Mapping[str, str], rights: set[str]) -> dict[str, Any]:
        raise Refusal(400, "rest_no", "No.")


def _publish(daemon: Daemon) -> Receipt:
    return asyncio.run(daemon.publish())


def _broken(far_side: FakeWordPress, fault: Fault, **more: Any) -> Daemon:
    """Return a daemon that has made a draft at a site, where the release went wrong."""
    far_side.faults.append(fault)
    daemon = Daemon(SUBJECT, SUBJECT.outgoing("Good morning", **more), far_side)
    with pytest.raises((Unsure, Unavailable)):
        _publish(daemon)
    return daemon


def _held(**more: Any) -> tuple[Daemon, FakeWordPress]:
    """Return a daemon that has made a draft, and the site, which could not make it public then."""
    far_side = FakeWordPress(FakeClock(START))
    return _broken(far_side, Fault.UNAVAILABLE, **more), far_side


def _ids(far_side: FakeWordPress) -> list[str]:
    return [post.id for post in far_side.public()]


# What is public already


def test_a_post_that_is_public_already_is_not_changed_again() -> None:
    far_side = FakeWordPress(FakeClock(START))
    daemon = _broken(far_side, Fault.LOST)
    sent = len(far_side.requests)
    assert [_publish(daemon).id] == _ids(far_side)
    assert {request.method for request in far_side.requests[sent:]} == {"GET"}


def test_a_user_who_may_not_edit_what_is_public_publishes_once_though_the_answer_was_lost() -> None:
    far_side = NoEditor(FakeClock(START))
    daemon = _broken(far_side, Fault.LOST)
    receipt = _publish(daemon)
    assert receipt.warnings == ()
    assert [receipt.id] == _ids(far_side)
    assert asyncio.run(daemon.find()) == receipt


def test_what_such_a_user_has_published_is_found_though_nothing_was_stored_about_it() -> None:
    far_side = NoEditor(FakeClock(START))
    daemon = _broken(far_side, Fault.LOST)
    daemon.stored.clear()
    found = asyncio.run(daemon.find())
    assert isinstance(found, Receipt)
    assert [found.id] == _ids(far_side)


def _doubt(daemon: Daemon) -> str:
    """Return why neither a repeat nor a look-up knows if the post is public."""
    with pytest.raises(Rejected) as caught:
        _publish(daemon)
    assert asyncio.run(daemon.find()) == Unknown(reason=str(caught.value))
    return str(caught.value)


def test_a_site_without_comments_in_its_html_gets_one_post_though_the_answer_was_lost() -> None:
    far_side = NoComments(FakeClock(START))
    daemon = _broken(far_side, Fault.LOST)
    (number,) = _ids(far_side)
    told = f"post {number} of blog.example.org is public and may be this one: look there"
    assert _doubt(daemon) == told
    assert _ids(far_side) == [number]
    assert far_side.leftovers() == []


def test_a_post_with_a_password_that_its_user_may_not_edit_is_not_made_again() -> None:
    far_side = NoEditor(FakeClock(START))
    daemon = _broken(far_side, Fault.LOST, options={"password": "open sesame"})
    assert "is public and may be this one" in _doubt(daemon)
    assert len(far_side.posts) == 1


def test_what_waits_at_the_site_to_be_public_is_not_made_again() -> None:
    far_side = NoComments(FakeClock(START), moderated="pending")
    daemon = _broken(far_side, Fault.LOST)
    assert "is in the state 'pending' and may be this one" in _doubt(daemon)
    assert len(far_side.posts) == 1


def test_a_draft_is_published_at_a_site_without_comments_in_its_html() -> None:
    far_side = NoComments(FakeClock(START))
    daemon = _broken(far_side, Fault.UNAVAILABLE)
    assert [_publish(daemon).id] == _ids(far_side)
    assert far_side.leftovers() == []


def test_what_its_user_may_not_see_there_may_be_ours() -> None:
    daemon = _broken(far_side := FakeWordPress(FakeClock(START)), Fault.LOST)
    daemon.far_side = NoReader(FakeClock(START), posts=far_side.posts)
    assert "may not be read by this user and may be this one: look there" in _doubt(daemon)
    assert len(far_side.posts) == 1


# What is not ours, or not there


def test_a_draft_that_was_deleted_is_absent_and_made_again() -> None:
    daemon, far_side = _held()
    far_side.posts.clear()
    assert asyncio.run(daemon.find()) == Absent()
    _publish(daemon)
    assert [post.text for post in far_side.public()] == ["Good morning"]


def test_what_another_site_has_under_the_number_of_the_draft_is_not_made_public(tmp_path: Path) -> None:
    daemon, far_side = _held(media=(picture(tmp_path),), options={"categories": "Bells", "tags": "one"})
    (number,) = far_side.posts
    theirs = {"raw": "<p>Never to be published</p>"}
    far_side.posts[number] |= {"slug": "salaries", "title": theirs, "content": theirs}
    far_side.media, far_side.terms = {}, {"categories": {1: "Uncategorized"}, "tags": {}}
    receipt = _publish(daemon)
    assert receipt.warnings == ()
    assert (far_side.posts[number]["status"], far_side.posts[number]["content"]) == ("draft", theirs)
    assert [(post.id, post.text, len(post.media)) for post in far_side.public()] == [
        (receipt.id, "Good morning", 1)
    ]
    assert (list(far_side.terms["categories"].values()), list(far_side.terms["tags"].values())) == (
        ["Uncategorized", "Bells"],
        ["one"],
    )


def test_a_draft_that_cannot_be_looked_at_now_is_not_made_again() -> None:
    daemon, far_side = _held()
    daemon.far_side = NoRoute(FakeClock(START), posts=far_side.posts)
    with pytest.raises(Rejected, match="rest_no"):
        _publish(daemon)
    assert len(far_side.posts) == 1


def test_a_site_that_keeps_no_draft_is_told() -> None:
    class Forgetful(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if "context=edit" in str(request.url):
                far_side.posts.clear()
            return await far_side.handle_async_request(request)

    daemon, far_side = _held()
    with pytest.raises(Rejected, match="has lost the draft 3 times; it does not keep what is made there"):
        asyncio.run(daemon.publish(Forgetful()))
    assert far_side.public() == []
