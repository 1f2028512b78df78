"""What networks say of how people respond to a post."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest

from postbell.errors import PublishError, Rejected, Unavailable
from postbell.networks.mastodon import network as mastodon
from postbell.publishing.bluesky.atproto import counts_of
from postbell.publishing.protocol import Absent, counter_of
from postbell.publishing.registry import get
from support.fake_bluesky import FakeBluesky
from support.fake_bluesky import daemon as sky
from support.fake_mastodon import FakeMastodon
from support.fake_mastodon import daemon as toots
from support.fake_wordpress import FakeWordPress, blog
from support.farside import Daemon


Make = Callable[[], tuple[Daemon, FakeMastodon | FakeWordPress | FakeBluesky]]


def published(daemon: Daemon) -> str:
    return asyncio.run(daemon.publish()).id


def counts(daemon: Daemon, receipt_id: str) -> object:
    return asyncio.run(daemon.metrics(receipt_id))


def test_only_some_networks_count() -> None:
    assert counter_of(mastodon) is not None
    assert [counter_of(get(key)) for key in ("folder", "telegram", "webhook")] == [None, None, None]


def test_mastodon_counts_what_people_do_with_a_post() -> None:
    daemon, far_side = toots()
    receipt_id = published(daemon)
    (status,) = far_side.statuses
    status |= {"favourites_count": 3, "reblogs_count": 2, "replies_count": 1}
    assert counts(daemon, receipt_id) == {"likes": 3, "reposts": 2, "replies": 1, "quotes": 0}


def test_a_server_that_does_not_know_quotes_does_not_count_them() -> None:
    daemon, far_side = toots()
    receipt_id = published(daemon)
    del far_side.statuses[0]["quotes_count"]
    assert counts(daemon, receipt_id) == {"likes": 0, "reposts": 0, "replies": 0}


def test_wordpress_counts_the_comments_on_the_post() -> None:
    daemon, far_side = blog()
    receipt_id = published(daemon)
    far_side.comments = {70: int(receipt_id), 71: int(receipt_id), 72: 1}
    assert counts(daemon, receipt_id) == {"comments": 2}


def test_bluesky_counts_what_the_appview_knows() -> None:
    daemon, far_side = sky()
    receipt_id = published(daemon)
    assert counts(daemon, receipt_id) == {}
    far_side.counts = {"likeCount": 5, "repostCount": 0, "replyCount": 1, "quoteCount": 2}
    assert counts(daemon, receipt_id) == {"likes": 5, "reposts": 0, "replies": 1, "quotes": 2}


def test_the_counts_of_other_posts_are_passed_over() -> None:
    posts = [7, {"uri": "at://other", "likeCount": 9}, {"uri": "at://ours", "likeCount": 2}]
    assert counts_of(posts, "at://ours") == {"likes": 2}


def test_a_token_that_has_ended_is_renewed_to_count() -> None:
    daemon, far_side = sky()
    receipt_id = published(daemon)
    far_side.end_access_tokens()
    assert counts(daemon, receipt_id) == {}


@pytest.mark.parametrize("make", [toots, blog, sky])
def test_what_is_not_there_any_more_is_absent(make: Make) -> None:
    daemon, far_side = make()
    receipt_id = published(daemon)
    match far_side:
        case FakeMastodon():
            far_side.statuses.clear()
        case FakeWordPress():
            far_side.posts.clear()
        case FakeBluesky():
            far_side.records.clear()
    assert counts(daemon, receipt_id) == Absent()


def test_a_post_in_the_trash_is_absent() -> None:
    daemon, far_side = blog()
    receipt_id = published(daemon)
    far_side.posts[int(receipt_id)]["status"] = "private"
    assert counts(daemon, receipt_id) == Absent()


@pytest.mark.parametrize("make", [toots, blog, sky])
@pytest.mark.parametrize(
    ("status", "said", "error"),
    [
        (200, {"message": "something in between"}, Unavailable),
        (400, {"error": "No", "code": "rest_no", "message": "no"}, Rejected),
        (503, {}, Unavailable),
    ],
)
def test_an_answer_that_does_not_say_so_is_no_count(
    make: Make,
    status: int,
    said: dict[str, str],
    error: type[PublishError],
) -> None:
    daemon, far_side = make()
    receipt_id = published(daemon)
    far_side.answer = lambda request, body: httpx.Response(status, json=said, request=request)  # type: ignore[method-assign]
    with pytest.raises(error):
        counts(daemon, receipt_id)


def test_comments_without_their_number_are_no_count() -> None:
    daemon, far_side = blog()
    receipt_id = published(daemon)
    answer = far_side.answer

    def without(request: httpx.Request, body: bytes) -> httpx.Response:
        said = answer(request, body)
        said.headers.pop("x-wp-total", None)
        return said

    far_side.answer = without  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="how many comments"):
        counts(daemon, receipt_id)
