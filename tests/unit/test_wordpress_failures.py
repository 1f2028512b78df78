from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from postbell.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unsure
from postbell.networks.wordpress import network
from postbell.publishing.protocol import Absent, Receipt, Resend
from postbell.publishing.web.answer import Refused
from postbell.testing import FakeClock
from support import pictures
from support.fake_wordpress import SERVER, SUBJECT, FakeWordPress, blog
from support.farside import START, Between, Daemon, FarSide, Killed, Strike, Violation, die_after, die_before
from support.pictures import picture


def _publish(daemon: Daemon) -> Receipt:
    return asyncio.run(daemon.publish())


def _saying(status: int, body: str = "", **headers: str) -> Strike:
    async def strike(_: FarSide, request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, text=body, headers=headers)

    return strike


def _error(daemon: Daemon, at: int, strike: Strike) -> PublishError:
    """Return how publishing fails if one request, counted from 0, is answered by `strike`."""
    with pytest.raises(PublishError) as caught:
        asyncio.run(daemon.publish(Between(daemon.far_side, at, strike)))
    return caught.value


def _last(daemon: Daemon) -> int:
    """Return which request publishes."""
    twin = Daemon(daemon.subject, daemon.outgoing, FakeWordPress(FakeClock(START)))
    _publish(twin)
    return len(twin.far_side.requests) - 1


def _asked(far_side: FarSide, method: str, end: str) -> list[httpx.Request]:
    return [each for each in far_side.requests if each.method == method and each.url.path.endswith(end)]


# Where the interface is


def test_the_interface_is_found_once_and_remembered() -> None:
    daemon, far_side = blog()
    _publish(daemon)
    assert daemon.session == {"root": f"{SERVER}/wp-json/"}
    assert len(_asked(far_side, "GET", "/wp-json/")) == 1


def test_with_plain_permalinks_the_interface_is_a_parameter() -> None:
    daemon, far_side = blog(options={"tags": "a"})
    far_side.pretty = False
    assert _publish(daemon).id == str(*far_side.posts)
    assert daemon.session == {"root": f"{SERVER}/?rest_route=/"}


def test_a_preview_uses_the_interface_that_was_found() -> None:
    outgoing = SUBJECT.outgoing(session={"root": f"{SERVER}/?rest_route=/"})
    assert network.preview(outgoing)[0].url == f"{SERVER}/?rest_route=/wp/v2/posts"


def test_verifying_looks_for_the_interface_afresh() -> None:
    daemon, _ = blog()
    daemon.session = {"root": "https://blog.example.org/old/wp-json/"}
    asyncio.run(network.verify(daemon.outgoing.target, daemon._http(None)))
    assert daemon.session == {"root": f"{SERVER}/wp-json/"}


def _discovery_error(answer: httpx.Response, server: str = SERVER) -> PublishError:
    daemon, _ = blog()
    target = replace(daemon.outgoing.target, server=server)
    http = daemon._http(httpx.MockTransport(lambda _: answer))
    with pytest.raises(PublishError) as caught:
        asyncio.run(network.verify(target, http))
    return caught.value


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (httpx.Response(200, text="<html>"), "it answers with something else."),
        (httpx.Response(200, json={"namespaces": ["oembed/1.0"]}), "it answers with something else."),
        (httpx.Response(404, text="<html>"), "blog.example.org answered 404: the REST interface"),
        (
            httpx.Response(301, headers={"location": "https://www.example.org/"}),
            "it sends requests on to https://www.example.org/; connect the account with that address.",
        ),
    ],
)
def test_a_site_without_the_interface_is_told_with_the_reason(answer: httpx.Response, reason: str) -> None:
    error = _discovery_error(answer)
    assert type(error) is Unavailable
    assert str(error).startswith(f"No WordPress was found at {SERVER}: ")
    assert reason in str(error)
    assert str(error).endswith("Give the address of its home page.")


def test_a_password_is_not_sent_in_clear() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise Violation(str(request.url))

    daemon, _ = blog()
    target = replace(daemon.outgoing.target, server="http://blog.example.org")
    with pytest.raises(Unauthorized, match=r"blog\.example\.org needs an address with https"):
        asyncio.run(network.verify(target, daemon._http(httpx.MockTransport(refuse))))


# How it fails


_CODE = '{"code": "%s", "message": "Sorry, <b>no</b> &amp; never.", "data": {"status": %d}}'


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (
            401,
            _CODE % ("rest_cannot_edit", 401),
            Unauthorized,
            "application password of this user (rest_cannot_edit)",
        ),
        (401, "<html>", Unauthorized, "application password of this user (401)"),
        (403, _CODE % ("rest_cannot_publish", 403), Rejected, "Sorry, no & never. (rest_cannot_publish)"),
        (403, "<html>", Unavailable, "answered 403: a firewall in front of WordPress"),
        (404, _CODE % ("rest_no_route", 404), Rejected, "(rest_no_route)"),
        (404, "<html>", Unavailable, "answered 404: the REST interface of WordPress is not there."),
        (302, "", Unavailable, "answered 302: it sends requests on to another address;"),
        (406, "<html>", Unavailable, "answered 406: the answer is none of WordPress."),
        (413, "<html>", Rejected, "answered 413: the file is too large"),
        (400, _CODE % ("term_exists", 400), Rejected, "(term_exists)"),
        (500, _CODE % ("db_insert_error", 500), Unsure, "db_insert_error"),
        (500, "<html>", Unsure, "answered 500: the answer is none of WordPress."),
        (502, "<html>", Unsure, "answered 502"),
        (503, "<html>", Unavailable, "answered 503: it is overloaded, or in maintenance."),
        (200, "[]", Unsure, "answered 200 with something that WordPress does not say"),
        (200, '{"id": "five"}', Unsure, "answered 200 with something that WordPress does not say"),
        (200, "<html>", Unsure, "answered 200 with something that is not JSON: <html>"),
    ],
)
def test_an_answer_to_the_publishing_call_is_read(
    status: int, body: str, kind: type[PublishError], said: str
) -> None:
    daemon, _ = blog()
    error = _error(daemon, _last(daemon), _saying(status, body))
    assert isinstance(error, kind)
    assert said in str(error)
    assert "<" not in str(error) or status in (200, 500)


def test_a_site_in_maintenance_is_left_alone_for_as_long_as_it_asks() -> None:
    daemon, _ = blog()
    page = _saying(503, "Briefly unavailable.", **{"retry-after": "600"})
    error = _error(daemon, _last(daemon), page)
    assert isinstance(error, RateLimited)
    assert error.until == START + timedelta(minutes=10)
    assert "it is overloaded, or in maintenance" in str(error)


def test_a_look_up_that_runs_logged_out_is_the_account_s_trouble_and_no_absence() -> None:
    daemon, far_side = blog()
    far_side.password_works = False
    with pytest.raises(Unauthorized, match="Make a new one"):
        asyncio.run(daemon.find())


def test_a_file_that_the_site_does_not_take_fails_although_it_says_500(tmp_path: Path) -> None:
    daemon, _ = blog(media=(picture(tmp_path, data=b"<html>"),))
    error = _error(daemon, 99, die_before)
    assert isinstance(error, Rejected)
    assert "not allowed to upload this file type" in str(error)


@pytest.mark.parametrize("end", ["tags", "posts"])
def test_what_the_site_refuses_of_a_term_or_a_draft_fails_the_post(end: str) -> None:
    daemon, far_side = blog(options={"tags": "bell"})
    body = '{"code": "rest_no", "message": "No.", "data": {"status": 400}}'
    at = {"tags": 2, "posts": 5}[end]
    error = _error(daemon, at, _saying(400, body))
    assert (type(error), str(error)) == (Refused, "blog.example.org: No. (rest_no)")
    assert far_side.public() == []


def test_a_user_who_may_not_upload_is_told(tmp_path: Path) -> None:
    daemon, far_side = blog(media=(picture(tmp_path),))
    far_side.role = "contributor"
    assert isinstance(_error(daemon, 99, die_before), Rejected)


def test_an_overloaded_site_at_an_upload_is_unavailable(tmp_path: Path) -> None:
    daemon, _ = blog(media=(picture(tmp_path),))
    assert type(_error(daemon, 2, _saying(504, "<html>"))) is Unavailable


def test_a_large_file_may_take_longer_than_another_request(tmp_path: Path) -> None:
    async def dawdle(far_side: FarSide, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.1)
        return await far_side.handle_async_request(request)

    daemon, far_side = blog(media=(picture(tmp_path, data=pictures.png() + bytes(1_000_000)),))
    daemon.deadline = 0.05
    asyncio.run(daemon.publish(Between(far_side, 2, dawdle)))
    assert len(far_side.public()) == 1


def test_an_answer_without_the_body_gives_a_receipt_all_the_same() -> None:
    daemon, _ = blog()
    strike = _saying(200, '{"id": 5, "status": "publish", "link": "https://a.example/5"}')
    receipt = asyncio.run(daemon.publish(Between(daemon.far_side, _last(daemon), strike)))
    assert receipt == Receipt(id="5", url="https://a.example/5")


# Once


def _rich(folder: Path) -> tuple[Daemon, FakeWordPress]:
    media = (picture(folder, "a.png", "first"), picture(folder, "b.png", "second"))
    options = {"categories": "New", "tags": "one, two", "featured": True, "slug": "rich"}
    return blog(media=media, options=options)


@pytest.mark.parametrize("strike", [die_before, die_after], ids=lambda strike: strike.__name__)
def test_a_death_at_any_request_leaves_one_post_and_each_thing_once(tmp_path: Path, strike: Strike) -> None:
    whole, _ = _rich(tmp_path)
    for at in range(_last(whole) + 1):
        daemon, far_side = _rich(tmp_path)
        with pytest.raises(Killed):
            asyncio.run(daemon.publish(Between(far_side, at, strike)))
        assert asyncio.run(daemon.recover()).warnings == ()
        assert (len(far_side.posts), len(far_side.public()), len(far_side.media)) == (1, 1, 2)
        assert (len(far_side.terms["categories"]), len(far_side.terms["tags"])) == (2, 2)


def test_every_step_is_stored_by_name(tmp_path: Path) -> None:
    daemon, _ = _rich(tmp_path)
    _publish(daemon)
    assert [each.step for each in daemon.stored] == ["terms", "media 2", "draft"]


def test_a_repeat_is_safe_because_it_changes_the_same_draft() -> None:
    assert network.resend is Resend.SAFE


def test_a_draft_whose_making_broke_off_gets_what_it_lacks(tmp_path: Path) -> None:
    daemon, far_side = _rich(tmp_path)
    with pytest.raises(Killed):
        asyncio.run(daemon.publish(Between(far_side, _last(daemon) - 2, die_after)))
    (post,) = far_side.posts.values()
    post |= {"categories": [], "featured_media": 0}
    assert asyncio.run(daemon.recover()).warnings == ()


def test_a_draft_that_a_slow_server_made_after_all_is_never_published() -> None:
    daemon, far_side = blog()
    late: list[httpx.Request] = []

    async def keep(_: FarSide, request: httpx.Request) -> httpx.Response:
        late.append(request)
        raise httpx.ReadTimeout("no answer", request=request)

    assert type(_error(daemon, _last(daemon) - 2, keep)) is Unavailable
    receipt = _publish(daemon)
    asyncio.run(far_side.handle_async_request(late[0]))
    assert _publish(daemon) == receipt
    assert (len(far_side.public()), len(far_side.leftovers())) == (1, 1)


def test_a_post_is_known_again_even_if_nothing_was_stored_about_it() -> None:
    daemon, far_side = blog()
    receipt = _publish(daemon)
    daemon.stored.clear()
    found = asyncio.run(daemon.find())
    assert isinstance(found, Receipt)
    assert found.id == _publish(daemon).id == receipt.id
    assert len(far_side.posts) == 1


def test_what_was_changed_by_hand_since_it_is_public_is_not_written_over() -> None:
    daemon, far_side = blog()
    receipt = _publish(daemon)
    by_hand = {"raw": f"<p>By hand</p><!-- postbell {daemon.outgoing.key} -->"}
    far_side.posts[int(receipt.id)]["content"] = by_hand
    daemon.stored.clear()
    assert _publish(daemon).id == receipt.id
    assert far_side.posts[int(receipt.id)]["content"] == by_hand


def test_a_post_of_somebody_else_is_never_taken_for_ours(tmp_path: Path) -> None:
    class Careless(httpx.AsyncBaseTransport):
        """Drops what a look-up asks for, as a cache does that is set up badly."""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "GET":
                request.url = request.url.copy_remove_param("slug").copy_remove_param("search")
            return await far_side.handle_async_request(request)

    daemon, far_side = blog(media=(picture(tmp_path),))
    other = {"raw": "theirs"}
    far_side.posts[90] = {"id": 90, "slug": "theirs", "status": "publish", "title": other, "content": other}
    far_side.media[91] = {"id": 91, "slug": "theirs"}
    receipt = asyncio.run(daemon.publish(Careless()))
    assert receipt.id != "90"
    assert far_side.posts[90]["slug"] == "theirs"


# Looking


def test_a_draft_is_not_public() -> None:
    daemon, far_side = blog()
    _error(daemon, _last(daemon), _saying(503))
    assert len(far_side.posts) == 1
    assert asyncio.run(daemon.find()) == Absent()


def test_a_found_post_is_compared_with_what_was_sent() -> None:
    daemon, far_side = blog(options={"slug": "hello"})
    far_side.media[9] = {"id": 9, "slug": "hello"}
    receipt = _publish(daemon)
    assert asyncio.run(daemon.find()) == receipt
    assert receipt.warnings


# Uploads side by side


@pytest.mark.parametrize("broken", [1, 2])
def test_of_two_uploads_that_are_in_each_others_way_the_first_is_tried_again_alone(
    tmp_path: Path, broken: int
) -> None:
    media = (picture(tmp_path, "a.png", "A bell"), picture(tmp_path, "b.png", "A cat"))
    daemon, far_side = blog(media=media)
    real, uploads = far_side.answer, list[str]()

    def instead(request: httpx.Request, body: bytes) -> httpx.Response:
        if request.method == "POST" and request.url.path.endswith("/media"):
            uploads.append(request.headers["content-disposition"])
            if sum("-1." in each for each in uploads) <= broken and "-1." in uploads[-1]:
                message = "Unable to create directory wp-content/uploads/2026/11."
                told = {"code": "rest_upload_sideload_error", "message": message, "data": {"status": 500}}
                return httpx.Response(500, json=told)
        return real(request, body)

    far_side.answer = instead  # type: ignore[method-assign]
    if broken == 1:
        assert _publish(daemon).warnings == ()
        assert len(uploads) == 3, "the second file is not sent again"
    else:
        with pytest.raises(Refused, match="Unable to create directory"):
            _publish(daemon)
