from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from postbell.domain.media import Media, MediaKind
from postbell.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable
from postbell.networks.webhook import MOST_BYTES, network
from postbell.publishing.protocol import Outgoing, Receipt, Target, Unknown
from postbell.publishing.signing import signature
from postbell.publishing.web.http import Clients, Http
from postbell.testing import FakeClock
from support.fake_webhook import SUBJECT, URL, FakeWebhook
from support.farside import START, Violation


def outgoing(
    *, media: tuple[Media, ...] = (), account: dict[str, str] | None = None, **more: Any
) -> Outgoing:
    credentials = network.Credentials.model_validate(account or SUBJECT.credentials)
    target = Target(name="mine", server=None, credentials=credentials)
    return SUBJECT.outgoing(media=media, target=target, **more)


def http(transport: httpx.AsyncBaseTransport, clock: FakeClock | None = None) -> Http:
    return Http(Clients(transport=transport), clock or FakeClock(START))


def publish(out: Outgoing, transport: httpx.AsyncBaseTransport, clock: FakeClock | None = None) -> Receipt:
    result = asyncio.run(network.publish(out, None, http(transport, clock)))
    assert isinstance(result, Receipt)
    return result


def answered(status: int, **how: Any) -> Receipt:
    return publish(outgoing(), httpx.MockTransport(lambda _: httpx.Response(status, **how)))


def failed(status: int, **how: Any) -> PublishError:
    with pytest.raises(PublishError) as caught:
        answered(status, **how)
    return caught.value


def sent(out: Outgoing) -> httpx.Request:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204)

    publish(out, httpx.MockTransport(answer))
    (request,) = seen
    return request


def stored(folder: Path, size: int = 3) -> Media:
    path = folder / "stored"
    path.write_bytes(b"png")
    digest = "a" * 64
    return Media(
        sha256=digest, kind=MediaKind.IMAGE, mime="image/png", size=size, name="a.png", path=path, alt="A"
    )


# What is sent


def test_a_thread_is_handed_on_with_all_its_parts() -> None:
    out = outgoing()
    out = replace(out, content=replace(out.content, segments=("Good evening",)))
    data = json.loads(sent(out).content)["data"]
    assert (data["text"], data["segments"]) == ("Good morning", ["Good evening"])


def test_the_event_says_everything_about_the_post(tmp_path: Path) -> None:
    out = outgoing(media=(stored(tmp_path),), link="https://example.com/", options={"tags": "a, b"})
    out = replace(out, external_id="cms-4711")
    assert json.loads(sent(out).content) == {
        "type": "post.published",
        "timestamp": "2026-11-23T09:00:00.000Z",
        "data": {
            "id": "k7m2p9q4r8s3t6v5w2x9",
            "post": "b7kq2m9x",
            "external_id": "cms-4711",
            "account": "mine",
            "due_at": "2026-11-23T09:00:00.000Z",
            "text": "Good morning",
            "segments": [],
            "title": None,
            "link": "https://example.com/",
            "tags": ["a", "b"],
            "media": [
                {
                    "name": "a.png",
                    "mime": "image/png",
                    "sha256": "a" * 64,
                    "alt": "A",
                    "part": 1,
                    "width": None,
                    "height": None,
                    "data": "cG5n",
                }
            ],
        },
    }


def test_the_type_of_the_event_is_the_user_s_choice() -> None:
    assert json.loads(sent(outgoing(options={"event": "blog.new"})).content)["type"] == "blog.new"


def test_a_repeat_differs_in_the_signature_s_time_alone() -> None:
    far_side = FakeWebhook(FakeClock(START))
    for _ in range(2):
        publish(outgoing(), far_side, far_side.clock)
        far_side.clock.advance(timedelta(hours=3))
    first, second = far_side.requests
    assert first.content == second.content
    changed = {name for name in first.headers if first.headers[name] != second.headers[name]}
    assert changed == {"webhook-timestamp", "webhook-signature"}


def test_the_signature_is_that_of_the_specification_s_example() -> None:
    signed = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        name="msg_p5jXN8AQM9LWM0D4loKWxJek",
        seconds="1614265330",
        body=b'{"test": 2432232314}',
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_of_plain_text_signs_with_its_bytes() -> None:
    packed = "whsec_" + base64.b64encode("pä ss".encode()).decode()
    first, second = (
        sent(outgoing(account={"url": URL, "secret": secret})).headers["webhook-signature"]
        for secret in ("pä ss", packed)
    )
    assert first == second


def test_without_a_secret_nothing_is_signed() -> None:
    request = sent(outgoing(account={"url": URL}))
    assert "webhook-signature" not in request.headers
    assert request.headers["webhook-id"] == request.headers["idempotency-key"] == "k7m2p9q4r8s3t6v5w2x9"


def test_headers_of_the_user_are_sent_one_from_each_line() -> None:
    request = sent(outgoing(account={"url": URL, "headers": "X-One: 1\n\n  Authorization:  Bearer a b \n"}))
    assert (request.headers["x-one"], request.headers["authorization"]) == ("1", "Bearer a b")


def test_media_whose_stored_file_is_gone_is_rejected_and_nothing_is_sent(tmp_path: Path) -> None:
    media = stored(tmp_path)
    media.path.unlink()
    far_side = FakeWebhook(FakeClock(START))
    with pytest.raises(Rejected, match=r"a\.png is gone"):
        publish(outgoing(media=(media,)), far_side)
    assert far_side.requests == []


def test_files_that_are_too_much_together_are_refused_before_anything_is_sent(tmp_path: Path) -> None:
    half = stored(tmp_path, MOST_BYTES // 2 + 1)
    out = outgoing(media=(half, half))
    (problem,) = network.check(out.content, out.options, account="mine")
    assert str(problem) == "media (for mine): 25,000,002 bytes in all, the limit is 25,000,000."


# What is answered


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"json": {"id": "p1", "url": "https://e.org/1"}}, ("p1", "https://e.org/1")),
        ({"json": {"id": 7}}, ("7", None)),
        ({"json": {"id": "", "url": 3}}, ("k7m2p9q4r8s3t6v5w2x9", None)),
        ({"json": {"id": True}}, ("k7m2p9q4r8s3t6v5w2x9", None)),
        ({"headers": {"location": "https://e.org/2"}}, ("https://e.org/2", "https://e.org/2")),
        ({"headers": {"location": "/3"}}, ("/3", None)),
        ({"json": {"id": 1, "url": "javascript:x"}}, ("1", None)),
        ({"text": "ok"}, ("k7m2p9q4r8s3t6v5w2x9", None)),
        ({}, ("k7m2p9q4r8s3t6v5w2x9", None)),
    ],
)
def test_a_receipt_takes_what_the_receiver_says(
    how: dict[str, Any], expected: tuple[str, str | None]
) -> None:
    receipt = answered(202, **how)
    assert (receipt.id, receipt.url) == expected


def test_an_address_that_is_gone_is_the_account_s_trouble() -> None:
    error = failed(410)
    assert type(error) is Unauthorized
    assert "another url" in str(error)


def test_a_busy_server_that_says_until_when_is_a_rate_limit() -> None:
    error = failed(503, headers={"retry-after": "60"})
    assert isinstance(error, RateLimited)
    assert error.until == START + timedelta(seconds=60)


@pytest.mark.parametrize(
    ("status", "expected"), [(503, Unavailable), (301, Rejected), (400, Rejected), (403, Rejected)]
)
def test_other_refusals_are_read_as_everywhere(status: int, expected: type[PublishError]) -> None:
    assert type(failed(status)) is expected


def test_nobody_can_tell_what_a_webhook_has_had() -> None:
    far_side = FakeWebhook(FakeClock(START))
    found = asyncio.run(network.find(outgoing(), None, http(far_side)))
    assert isinstance(found, Unknown)
    assert far_side.requests == []


# The account


def test_an_account_is_verified_by_a_signed_ping() -> None:
    far_side = FakeWebhook(FakeClock(START))
    profile = asyncio.run(network.verify(SUBJECT.target(), http(far_side)))
    assert (profile.handle, profile.url, profile.notes) == ("hooks.example.com", URL, ())
    (request,) = far_side.requests
    assert json.loads(request.content) == {
        "type": "ping",
        "timestamp": "2026-11-23T09:00:00.000Z",
        "data": {},
    }


def test_an_account_without_a_secret_is_told_so() -> None:
    target = outgoing(account={"url": URL}).target
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    (note,) = asyncio.run(network.verify(target, http(transport))).notes
    assert "not signed" in note


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"url": "example.com"},
        {"url": "ftp://example.com"},
        {"url": "https://me:pw@example.com/"},
        {"url": "https://example.com/a b"},
        {"url": "https://example.com/#a"},
        {"url": URL, "secret": "whsec_###"},
        {"url": URL, "secret": "whsec_"},
        {"url": URL, "secret": ""},
        {"url": URL, "headers": "no colon"},
        {"url": URL, "headers": "X-Empty:"},
        {"url": URL, "headers": "X-Ä: 1"},
        {"url": URL, "headers": "X-A: ä"},
        {"url": URL, "headers": "Webhook-Id: mine"},
        {"url": URL, "headers": "Host: elsewhere"},
    ],
)
def test_an_account_that_cannot_work_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        network.Credentials.model_validate(given)


def test_a_refused_account_shows_no_secret() -> None:
    given = {"url": URL, "secret": "whsec_hunter2!", "headers": "ok: 1\nhunter2"}
    with pytest.raises(ValidationError) as caught:
        network.Credentials.model_validate(given)
    assert "line 2 is not" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("event", ["", "a b", "post..published", ".a"])
def test_an_event_that_is_no_type_is_refused(event: str) -> None:
    with pytest.raises(ValidationError):
        network.Options.model_validate({"event": event})


# The strict receiver itself


@pytest.mark.parametrize(
    "account",
    [
        {"url": URL, "secret": "another one", "headers": "X-Token: let me in"},
        {"url": URL + "&x", "secret": "another one", "headers": "X-Token: let me in"},
    ],
)
def test_the_receiver_refuses_what_is_not_signed_with_its_secret(account: dict[str, str]) -> None:
    with pytest.raises(Violation):
        publish(outgoing(account=account), FakeWebhook(FakeClock(START)))


def test_the_receiver_refuses_other_bytes_under_the_same_id() -> None:
    far_side = FakeWebhook(FakeClock(START))
    publish(outgoing(), far_side)
    with pytest.raises(Violation, match="other bytes"):
        publish(outgoing(text="Good evening"), far_side)


def test_the_receiver_refuses_an_old_signature() -> None:
    far_side = FakeWebhook(FakeClock(START))
    with pytest.raises(Violation, match="s off"):
        publish(outgoing(), far_side, FakeClock(START - timedelta(seconds=301)))
