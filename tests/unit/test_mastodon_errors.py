from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from postbell.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unsure
from postbell.networks.mastodon import network
from support.fake_mastodon import FakeMastodon, daemon
from support.farside import Daemon
from support.pictures import picture


class Says(httpx.AsyncBaseTransport):
    """Gives one answer to what ends in a path, and lets the rest through."""

    def __init__(self, far_side: FakeMastodon, path: str, answer: httpx.Response) -> None:
        self._far_side, self._path, self._answer = far_side, path, answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(self._path):
            return self._answer
        return await self._far_side.handle_async_request(request)


def _publish(status: int, **how: Any) -> PublishError:
    """Return how a post fails whose publishing call is answered so."""
    here, far_side = daemon()
    answer = httpx.Response(status, **how)
    with pytest.raises(PublishError) as caught:
        asyncio.run(here.publish(Says(far_side, "/api/v1/statuses", answer)))
    return caught.value


def _verify(path: str, status: int, **how: Any) -> PublishError:
    here, far_side = daemon()
    transport = Says(far_side, path, httpx.Response(status, **how))
    with pytest.raises(PublishError) as caught:
        asyncio.run(network.verify(here.outgoing.target, here._http(transport)))
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected),
        (401, Unauthorized),
        (403, Unauthorized),
        (404, Rejected),
        (410, Rejected),
        (422, Rejected),
        (429, RateLimited),
        (500, Unsure),
        (502, Unsure),
        (503, Unavailable),
    ],
)
def test_an_error_is_read_by_its_status_whatever_its_language(status: int, kind: type[PublishError]) -> None:
    assert isinstance(_publish(status, json={"error": "バリデーションに失敗しました"}), kind)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(301, Rejected), (403, Unavailable), (404, Unavailable), (413, Rejected), (502, Unsure), (520, Unsure)],
)
def test_a_page_of_something_in_front_of_the_server_is_no_word_of_it(
    status: int, kind: type[PublishError]
) -> None:
    assert isinstance(_publish(status, text="<html>blocked</html>"), kind)


def test_a_dead_token_without_a_reason_is_unauthorized() -> None:
    error = _publish(401, text="")
    assert str(error) == (
        "mastodon.example does not accept the access token: 401. Connect the account again, or copy the "
        "token from the page of its application once more."
    )


def test_a_rate_limit_ends_at_the_reset_which_has_microseconds() -> None:
    reset = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2026-11-23T12:00:00.792409Z"}
    error = _publish(429, json={"error": "Too many requests"}, headers=reset)
    assert isinstance(error, RateLimited)
    assert error.until == datetime(2026, 11, 23, 12, 0, 0, 792_409, tzinfo=UTC)


def test_a_token_that_may_upload_nothing_fails_posts_with_files_alone(tmp_path: Path) -> None:
    here, far_side = daemon(media=(picture(tmp_path),))
    far_side.scopes.remove("write:media")
    with pytest.raises(Rejected, match=r"403: This action is outside the authorized scopes.*write:media"):
        asyncio.run(here.publish())
    here, _ = daemon()
    assert asyncio.run(here.publish(far_side)).id == far_side.public()[0].id


@pytest.mark.parametrize(("status", "kind"), [(403, Unauthorized), (503, Unavailable)])
def test_a_refused_upload_fails_no_post_until_the_server_takes_the_account_otherwise(
    tmp_path: Path, status: int, kind: type[PublishError]
) -> None:
    here, far_side = daemon(media=(picture(tmp_path),))
    far_side.scopes.remove("write:media")
    answer = httpx.Response(status, json={"error": "Your login is currently disabled"})
    with pytest.raises(kind):
        asyncio.run(here.publish(Says(far_side, "/accounts/verify_credentials", answer)))


def test_an_answer_without_an_id_is_lost() -> None:
    assert isinstance(_publish(200, json={"scheduled_at": "2026-11-23T12:00:00.000Z"}), Unsure)


def test_a_refusal_stays_one_if_the_server_cannot_be_asked_again() -> None:
    here, far_side = daemon("x" * 501)
    asyncio.run(network.verify(here.outgoing.target, here._http(None)))
    transport = Says(far_side, "/verify_credentials", httpx.Response(503))
    with pytest.raises(Rejected, match="422"):
        asyncio.run(here.publish(transport))


def test_a_look_at_a_file_that_fails_says_nothing_about_the_file() -> None:
    here, far_side = daemon()
    transport = Says(far_side, "/api/v1/media/7", httpx.Response(400, json={"error": "a"}))
    progress = {"files": [{"id": "7", "ready": False}]}
    with pytest.raises(Rejected, match="400: a"):
        asyncio.run(_step(here, progress, transport))


async def _step(here: Daemon, data: dict[str, Any], transport: httpx.AsyncBaseTransport) -> None:
    from postbell.publishing.protocol import Progress

    await network.publish(here.outgoing, Progress(step="file 1", data=data), here._http(transport))


def test_something_else_than_mastodon_at_the_address_is_named() -> None:
    error = _verify("/accounts/verify_credentials", 404, text="<html>no such page</html>")
    assert isinstance(error, Unavailable)
    assert str(error) == "mastodon.example answered 404, and not as Mastodon does; is that its address?"


def test_a_server_that_says_nothing_of_itself_is_not_connected() -> None:
    assert isinstance(_verify("/instance", 200, json=["a"]), Unavailable)


def test_a_nodeinfo_that_cannot_be_had_now_is_asked_for_again_later() -> None:
    assert isinstance(_verify("/.well-known/nodeinfo", 503), Unavailable)


# Taking away


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_counts_as_taken_away(status: int) -> None:
    here, far_side = daemon()
    answer = httpx.Response(status, json={"error": "Record not found"})
    asyncio.run(here.delete("7", Says(far_side, "/api/v1/statuses/7", answer)))


class _Denies(httpx.AsyncBaseTransport):
    """Says of a post that is to be taken away that there is none, as servers do of posts of others."""

    def __init__(self, far_side: FakeMastodon, looked: httpx.Response | None = None) -> None:
        self._far_side, self._looked = far_side, looked

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE":
            return httpx.Response(404, json={"error": "Record not found"})
        return self._looked or await self._far_side.handle_async_request(request)


def test_what_belongs_to_somebody_else_does_not_count_as_taken_away() -> None:
    here, far_side = daemon()
    number = asyncio.run(here.publish()).id
    with pytest.raises(Rejected, match=rf"{number} belongs to another account of mastodon\.example"):
        asyncio.run(here.delete(number, _Denies(far_side)))
    assert len(far_side.public()) == 1


def test_what_may_not_be_looked_at_counts_as_taken_away() -> None:
    here, far_side = daemon()
    looked = httpx.Response(403, json={"error": "This action is outside the authorized scopes"})
    asyncio.run(here.delete("7", _Denies(far_side, looked)))


def test_a_refusal_to_take_away_is_told() -> None:
    here, far_side = daemon()
    answer = httpx.Response(422, json={"error": "no"})
    with pytest.raises(Rejected, match="422: no"):
        asyncio.run(here.delete("7", Says(far_side, "/api/v1/statuses/7", answer)))
