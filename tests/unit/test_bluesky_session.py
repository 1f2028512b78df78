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

from postbell.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unsure
from postbell.networks.bluesky import network
from postbell.publishing.bluesky.atproto import pds_of
from postbell.publishing.protocol import Absent, Receipt, Unknown
from postbell.publishing.web.http import Clients, Http
from postbell.testing import FakeClock
from support.fake_bluesky import ACCESS, DID, HANDLE, PDS, SUBJECT, FakeBluesky, daemon, logged_in
from support.farside import START, Between, Daemon, FarSide, Strike
from support.pictures import picture


def _publish(here: Daemon) -> Receipt:
    return asyncio.run(here.publish())


def _answering(status: int, **how: Any) -> Strike:
    async def strike(_: FarSide, request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, request=request, **how)

    return strike


def _failing(here: Daemon, at: int, strike: Strike) -> PublishError:
    with pytest.raises(PublishError) as caught:
        asyncio.run(here.publish(Between(here.far_side, at, strike)))
    return caught.value


def _error(name: str, message: str = "it is so") -> dict[str, str]:
    return {"error": name, "message": message}


class _Everywhere(httpx.AsyncBaseTransport):
    """Strikes at every request."""

    def __init__(self, far_side: FarSide, strike: Strike) -> None:
        self._far_side, self._strike = far_side, strike

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._strike(self._far_side, request)


# The session


def test_the_first_post_logs_in_and_keeps_the_session() -> None:
    here, far_side = daemon()
    _publish(here)
    assert far_side.calls() == ["createSession", "putRecord"]
    assert {key: here.session[key] for key in ("did", "handle", "pds")} == {
        "did": DID,
        "handle": HANDLE,
        "pds": f"https://{PDS}",
    }
    assert {here.session["access_jwt"], here.session["refresh_jwt"]} == set(far_side.tokens)


def test_the_next_post_uses_the_kept_session() -> None:
    here, far_side = logged_in()
    _publish(here)
    assert far_side.calls() == ["putRecord"]


def test_a_token_that_cannot_be_read_is_renewed_first() -> None:
    for token in ("garbage", "a.b.c", f"a.{base64.urlsafe_b64encode(b'[]').decode()}.c"):
        here, far_side = logged_in()
        here.session["access_jwt"] = token
        _publish(here)
        assert far_side.calls() == ["refreshSession", "putRecord"]


def test_a_server_that_forgot_all_sessions_gets_a_new_log_in() -> None:
    here, far_side = logged_in()
    far_side.forget_sessions()
    _publish(here)
    assert far_side.calls() == ["putRecord", "refreshSession", "createSession", "putRecord"]


def test_two_tasks_with_one_old_token_trade_it_in_once() -> None:
    here, far_side = logged_in()
    far_side.grace = timedelta(0)
    receipt = _publish(here)
    far_side.requests.clear()
    far_side.clock.advance(ACCESS)

    async def both() -> None:
        clients, outgoing = Clients(transport=far_side), here._outgoing()
        one, other = (
            Http(clients, far_side.clock, account="mine", session=here.session, keeper=here) for _ in range(2)
        )
        await asyncio.gather(
            network.publish(outgoing, None, one), network.delete(outgoing, receipt.id, other)
        )

    asyncio.run(both())
    assert sorted(far_side.calls()) == ["deleteRecord", "putRecord", "refreshSession"]


@pytest.mark.parametrize("renewed", [True, False], ids=["before we ask", "while we ask"])
def test_a_token_that_another_process_has_traded_in_is_replaced_by_its(renewed: bool) -> None:  # noqa: FBT001
    here, far_side = logged_in()
    far_side.grace = timedelta(0)
    far_side.clock.advance(ACCESS)
    old, other = dict(here.session), Daemon(SUBJECT, here.outgoing, far_side, session=dict(here.session))

    async def strike(far_side: FarSide, request: httpx.Request) -> httpx.Response:
        await other.publish()
        here.session = other.session
        return await far_side.handle_async_request(request)

    async def publish() -> None:
        http = Http(
            Clients(transport=Between(far_side, -1 if renewed else 0, strike)),
            far_side.clock,
            session=old,
            keeper=here,
        )
        if renewed:
            await other.publish()
            here.session = other.session
        await network.publish(here._outgoing(), None, http)

    asyncio.run(publish())
    asked = ["refreshSession", "putRecord"]
    assert far_side.calls() == [*asked, *([] if renewed else ["refreshSession"]), "putRecord"]
    assert far_side.commits == 1


def test_a_session_of_another_process_that_has_ended_too_is_no_help() -> None:
    here, far_side = logged_in()
    far_side.grace = timedelta(0)
    old = dict(here.session)
    other = Daemon(SUBJECT, here.outgoing, far_side)
    asyncio.run(other.publish())
    here.session = other.session
    far_side.forget_sessions()
    far_side.clock.advance(ACCESS)
    far_side.requests.clear()
    http = Http(Clients(transport=far_side), far_side.clock, session=old, keeper=here)
    asyncio.run(network.publish(here._outgoing(), None, http))
    assert far_side.calls() == ["refreshSession", "createSession", "putRecord"]


def test_an_app_password_that_was_taken_back_is_the_account_s_trouble() -> None:
    here, far_side = logged_in()
    far_side.clock.advance(ACCESS)
    far_side.app_password_works = False
    with pytest.raises(Unauthorized) as caught:
        _publish(here)
    assert far_side.calls() == ["refreshSession", "createSession"]
    assert str(caught.value) == (
        "Bluesky answered 401 AuthenticationRequired: Invalid identifier or password. "
        "Make a new app password and connect the account again."
    )


def test_an_account_that_is_deactivated_is_the_account_s_trouble() -> None:
    here, far_side = logged_in()
    far_side.status = "deactivated"
    with pytest.raises(Unauthorized, match="AccountDeactivated"):
        _publish(here)
    *calls, directory = far_side.calls()  # which is asked whether it has moved
    assert (calls, directory) == (["putRecord", "refreshSession", "putRecord"], f"/{DID}")


def test_an_account_that_moved_away_is_the_account_s_trouble() -> None:
    here, far_side = logged_in()
    gone = _answering(403, json=_error("AccountNotFound"))

    async def strike(far_side: FarSide, request: httpx.Request) -> httpx.Response:
        there = far_side.is_publishing(request, request.content)
        return await (gone(far_side, request) if there else far_side.handle_async_request(request))

    with pytest.raises(Unauthorized, match="AccountNotFound"):
        asyncio.run(here.publish(_Everywhere(far_side, strike)))


def test_too_many_log_ins_are_a_rate_limit_with_its_end() -> None:
    here, far_side = daemon()
    limited = far_side.rate_limited()
    error = _failing(here, 0, _answering(429, headers=limited.headers, content=limited.content))
    assert isinstance(error, RateLimited)
    assert error.until == START + timedelta(seconds=120)


def test_without_a_did_document_everything_goes_to_the_account_s_server() -> None:
    here, far_side = daemon()
    far_side.did_doc = None
    _publish(here)
    assert here.session["pds"] == "https://bsky.social"


def test_a_renewed_session_without_a_did_document_stays_on_its_server() -> None:
    here, far_side = logged_in()
    far_side.clock.advance(ACCESS)
    said: dict[str, Any] = {"accessJwt": "a.b.c", "refreshJwt": "d.e.f", "did": DID, "handle": HANDLE}
    _failing(here, 0, _answering(200, json=said))
    assert here.session["pds"] == f"https://{PDS}"


def _document(endpoint: object, name: str = f"{DID}#atproto_pds") -> dict[str, Any]:
    return {"service": [{"id": "#other", "serviceEndpoint": "https://no.example"}, {"id": name}, "?"]} | (
        {"service": [{"id": name, "serviceEndpoint": endpoint}]} if endpoint else {}
    )


@pytest.mark.parametrize(
    ("document", "address"),
    [
        (_document("https://pds.example"), "https://pds.example"),
        (_document("https://pds.example/", "#atproto_pds"), "https://pds.example"),
        (_document("http://localhost:2583"), "http://localhost:2583"),
        (_document("http://127.0.0.1:2583/"), "http://127.0.0.1:2583"),
        (_document("http://pds.example"), None),
        (_document("http://localhost.example"), None),
        (_document("https://alice@pds.example"), None),
        (_document("ftp://pds.example"), None),
        (_document(None), None),
        (_document("https://pds.example", "#labeler"), None),
        ({"service": "none"}, None),
        ("none", None),
    ],
)
def test_tokens_go_only_where_they_are_safe(document: Any, address: str | None) -> None:
    assert pds_of(document) == address


# The account


def _verify(far_side: FakeBluesky, **credentials: str) -> Any:
    subject = replace(SUBJECT, credentials=SUBJECT.credentials | credentials)
    outgoing = subject.outgoing()
    return asyncio.run(network.verify(outgoing.target, subject.http(far_side, outgoing)))


@pytest.mark.parametrize("identifier", [HANDLE, f"@{HANDLE}", f" {HANDLE} "])
def test_an_account_is_named_by_its_handle(identifier: str) -> None:
    profile = _verify(FakeBluesky(FakeClock(START)), identifier=identifier)
    assert (profile.handle, profile.url, profile.notes) == (HANDLE, f"https://bsky.app/profile/{DID}", ())


def test_a_wrong_password_is_said_to_be_one() -> None:
    with pytest.raises(Unauthorized, match="Make a new app password") as caught:
        _verify(FakeBluesky(FakeClock(START)), app_password="wrong-wrong")
    assert "wrong-wrong" not in str(caught.value)


def test_a_password_is_not_sent_in_clear() -> None:
    far_side = FakeBluesky(FakeClock(START))
    outgoing = replace(SUBJECT, server="http://pds.example").outgoing()
    with pytest.raises(Unauthorized, match="needs a server with https"):
        asyncio.run(network.verify(outgoing.target, SUBJECT.http(far_side, outgoing)))
    assert far_side.requests == []


def test_an_account_that_cannot_post_is_noted() -> None:
    profile = _verify(FakeBluesky(FakeClock(START), status="deactivated"))
    assert profile.notes == ("The account is deactivated: it cannot post.",)


# Look-ups


def test_what_lies_under_the_key_with_other_facets_is_the_same_post() -> None:
    here, far_side = logged_in("Hello @bob.bsky.social")
    receipt = _publish(here)
    (record,) = far_side.records.values()
    del record["facets"]
    assert _publish(here).id == receipt.id
    assert far_side.commits == 1


def test_what_lies_under_the_key_with_another_text_fails_the_post() -> None:
    here, far_side = logged_in()
    _publish(here)
    (record,) = far_side.records.values()
    record["text"] = "Something else"
    with pytest.raises(Rejected, match="InvalidSwap"):
        _publish(here)


def test_a_look_up_finds_what_was_published() -> None:
    here, far_side = logged_in()
    receipt = _publish(here)
    assert asyncio.run(here.find()) == receipt
    assert far_side.calls()[-1] == "getRecord"


def test_a_look_up_needs_no_token() -> None:
    here, far_side = logged_in()
    far_side.clock.advance(timedelta(days=365))
    far_side.app_password_works = False
    assert asyncio.run(here.find()) == Absent()
    assert far_side.calls() == ["getRecord"]


def test_a_look_up_that_finds_another_record_cannot_tell() -> None:
    here, far_side = logged_in()
    _publish(here)
    (record,) = far_side.records.values()
    record["createdAt"] = "2020-01-01T00:00:00.000Z"
    assert asyncio.run(here.find()) == Unknown(reason="another record lies under the key of this post")


def test_a_look_up_on_a_server_that_does_not_have_the_account_cannot_tell() -> None:
    here, _ = logged_in()
    here.session["did"] = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"
    found = asyncio.run(here.find())
    assert found == Unknown(reason="Bluesky answered 400 InvalidRequest: Could not locate record")


# Errors


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, json.dumps(_error("InvalidRequest")), Rejected),
        (400, "<html>Bad Request</html>", Unsure),
        (400, json.dumps(_error("BlobNotFound")), Rejected),
        (403, json.dumps(_error("Forbidden")), Rejected),
        (404, "not found", Rejected),
        (413, json.dumps(_error("PayloadTooLarge")), Rejected),
        (429, json.dumps(_error("RateLimitExceeded")), RateLimited),
        (500, json.dumps(_error("InternalServerError")), Unsure),
        (502, json.dumps(_error("UpstreamFailure")), Unsure),
        (503, json.dumps(_error("NotEnoughResources")), Unavailable),
        (504, json.dumps(_error("UpstreamTimeout")), Unsure),
        (200, "{}", Unsure),
        (200, "[]", Unsure),
    ],
)
def test_an_error_of_the_publishing_call_is_read(status: int, body: str, kind: type[PublishError]) -> None:
    here, far_side = logged_in()
    with pytest.raises(PublishError) as caught:
        asyncio.run(here.publish(_Everywhere(far_side, _answering(status, text=body))))
    assert isinstance(caught.value, kind)


def test_a_log_in_that_answers_nonsense_is_unavailable() -> None:
    here, _ = daemon()
    assert type(_failing(here, 0, _answering(200, json={"did": DID}))) is Unavailable


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_log_in_that_somebody_in_between_refuses_disconnects_nobody(status: int) -> None:
    here, far_side = daemon()
    assert type(_failing(here, 0, _answering(status, text="<html>not now</html>"))) is Unavailable
    _publish(here)
    assert far_side.calls() == ["createSession", "putRecord"]


def test_an_unexplained_400_before_the_publishing_call_is_unavailable(tmp_path: Path) -> None:
    here, _ = daemon(media=(picture(tmp_path),))
    assert type(_failing(here, 1, _answering(400, text="no"))) is Unavailable


def test_a_look_up_that_fails_publishes_nothing_yet() -> None:
    here, far_side = daemon("Hello @bob.bsky.social")
    error = _failing(here, 1, _answering(502, json=_error("UpstreamFailure")))
    assert type(error) is Unavailable
    assert far_side.public() == []


def test_a_picture_that_the_server_refuses_fails_the_post(tmp_path: Path) -> None:
    here, _ = daemon(media=(picture(tmp_path),))
    error = _failing(here, 1, _answering(413, json=_error("PayloadTooLarge", "request entity too large")))
    assert isinstance(error, Rejected)
    assert str(error) == "Bluesky answered 413 PayloadTooLarge: request entity too large"


def test_a_lost_answer_after_a_second_upload_is_unsure(tmp_path: Path) -> None:
    here, far_side = daemon(media=(picture(tmp_path),))
    _failing(here, 2, _answering(503))
    far_side.blobs.clear()
    assert type(_failing(here, 2, _answering(500))) is Unsure
    assert far_side.calls()[-2:] == ["putRecord", "uploadBlob"]
