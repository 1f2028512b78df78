from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, SecretStr

from postbell.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unsure
from postbell.publishing.web.answer import Answer, lost
from postbell.publishing.web.http import Clients, Http, secrets_of
from postbell.testing import FakeClock
from support.asking import NOW, ask, http_over


def replying(status: int, **how: Any) -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: httpx.Response(status, **how))


def failure(transport: httpx.AsyncBaseTransport, *, publishes: bool = True, **more: Any) -> PublishError:
    request = {name: more.pop(name) for name in ("judge", "headers", "auth") if name in more}
    url = more.pop("url", "https://api.example.com/posts?key=1")
    error = asyncio.run(ask(http_over(transport, **more), url, publishes=publishes, **request))
    assert isinstance(error, PublishError)
    return error


# Whether anything left


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (httpx.ConnectError("refused"), Unavailable),
        (httpx.ConnectTimeout("slow"), Unavailable),
        (httpx.PoolTimeout("full"), Unavailable),
        (httpx.ReadTimeout("slow"), Unsure),
        (httpx.ReadError(""), Unsure),
        (httpx.RemoteProtocolError("closed"), Unsure),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_a_transport_that_does_not_tell_is_judged_by_its_exception(
    raised: Exception, expected: type[PublishError]
) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise raised

    assert type(failure(httpx.MockTransport(fail))) is expected


@pytest.mark.parametrize(
    "url", ["gopher://example.com", "example.com", "http://[::1", "http://a:b", "https://xn--zz.example"]
)
def test_what_is_no_web_address_is_rejected(url: str) -> None:
    error = asyncio.run(ask(http_over(), url))
    assert type(error) is Rejected
    assert "no usable address" in str(error)


# What was answered


def test_a_success_is_returned_whole() -> None:
    answer = asyncio.run(
        ask(http_over(replying(201, json={"id": 7}, headers={"x-y": "z"})), "https://a.example")
    )
    assert isinstance(answer, Answer)
    assert answer.ok
    assert (answer.status, answer.headers["X-Y"], answer.json()) == (201, "z", {"id": 7})


def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    assert "longer than" in str(failure(replying(200, content=bytes(8_000_001))))


@pytest.mark.parametrize(
    ("status", "publishing", "other"),
    [
        (301, Rejected, Rejected),
        (400, Rejected, Rejected),
        (401, Unauthorized, Unauthorized),
        (403, Rejected, Rejected),
        (404, Rejected, Rejected),
        (408, Unavailable, Unavailable),
        (425, Unavailable, Unavailable),
        (429, RateLimited, RateLimited),
        (500, Unsure, Unavailable),
        (501, Unsure, Unavailable),
        (502, Unsure, Unavailable),
        (503, Unavailable, Unavailable),
        (504, Unsure, Unavailable),
        (520, Unsure, Unavailable),
        (524, Unsure, Unavailable),
    ],
)
def test_a_status_means_one_thing(
    status: int, publishing: type[PublishError], other: type[PublishError]
) -> None:
    assert type(failure(replying(status), publishes=True)) is publishing
    assert type(failure(replying(status), publishes=False)) is other


def test_an_error_names_the_server_the_status_and_what_was_said() -> None:
    error = failure(replying(422, text="title:\n  too   long"))
    assert str(error) == "api.example.com answered 422: title: too long"


def test_an_error_shows_neither_path_nor_query_nor_password_of_an_address() -> None:
    error = failure(replying(404), url="https://me:secret@api.example.com/hook/token?key=1")
    assert str(error) == "api.example.com answered 404"


def test_a_long_answer_is_cut() -> None:
    assert len(str(failure(replying(400, text="x" * 1000)))) < 400


def test_a_redirect_says_where_it_points() -> None:
    error = failure(replying(301, headers={"location": "https://www.example.com/"}))
    assert "it points to https://www.example.com/" in str(error)


def test_a_rate_limit_carries_its_end() -> None:
    error = failure(replying(429, headers={"retry-after": "120"}))
    assert isinstance(error, RateLimited)
    assert error.until == NOW + timedelta(seconds=120)


@pytest.mark.parametrize("status", [408, 425, 503])
def test_a_server_that_takes_nothing_and_says_until_when_asks_to_wait(status: int) -> None:
    error = failure(replying(status, headers={"retry-after": "3600"}))
    assert isinstance(error, RateLimited)
    assert error.until == NOW + timedelta(hours=1)


def test_a_network_s_own_reading_of_an_error_comes_first() -> None:
    error = failure(replying(400, json={"error": "busy"}), judge=lambda answer: Unavailable(answer.text))
    assert type(error) is Unavailable


def test_what_a_network_does_not_read_is_read_by_its_status() -> None:
    assert type(failure(replying(400), judge=lambda _: None)) is Rejected


def test_an_answer_that_is_not_json_counts_as_lost() -> None:
    for publishes, expected in ((True, Unsure), (False, Unavailable)):
        answer = Answer(status=200, headers={}, body=b"<html>", publishes=publishes)
        told = "^the server answered 200 with something that is not JSON: <html>$"
        with pytest.raises(expected, match=told):
            answer.json()


@pytest.mark.parametrize(
    ("body", "quoted"),
    [
        ("", ""),
        ("Log in,\n s3cret", ": Log in, ***"),
        ("a" * 100, f": {'a' * 80}"),
        ("a" * 78 + "s3cret", f": {'a' * 78}**"),
        (' {"accessJwt": "new', ""),
    ],
)
def test_an_answer_that_is_not_json_is_quoted_without_secrets(body: str, quoted: str) -> None:
    http = http_over(httpx.MockTransport(lambda _: httpx.Response(200, text=body)), secrets=["s3cret"])
    answer = asyncio.run(ask(http, "https://api.example.com/x"))
    assert isinstance(answer, Answer)
    with pytest.raises(Unsure) as caught:
        answer.json()
    assert str(caught.value) == f"api.example.com answered 200 with something that is not JSON{quoted}"


@pytest.mark.parametrize(
    ("body", "expected"), [(b'{"a": 1}', {"a": 1}), (b"[1]", {}), (b"oops", {}), (b"\xff", {})]
)
def test_the_json_of_an_error_is_a_mapping_or_empty(body: bytes, expected: dict[str, Any]) -> None:
    assert Answer(status=400, headers={}, body=body, publishes=True).error_json() == expected


def test_lost_is_unsure_only_for_a_publishing_call() -> None:
    assert type(lost("gone", True)) is Unsure
    assert type(lost("gone", False)) is Unavailable


# When to come back


# Secrets


class _Credentials(BaseModel):
    name: str = "me"
    password: SecretStr = SecretStr('pa"ss wörd')
    headers: SecretStr | None = SecretStr("X-Key: abc123\nplain")
    nothing: SecretStr | None = None


def test_every_secret_and_each_of_its_lines_is_known() -> None:
    assert set(secrets_of(_Credentials())) == {
        'pa"ss wörd',
        "X-Key: abc123\nplain",
        "X-Key: abc123",
        "plain",
        "abc123",
    }


@pytest.mark.parametrize(
    "form", ['pa"ss wörd', r"pa\"ss w\u00f6rd", "pa%22ss%20w%C3%B6rd", "pa%22ss+w%C3%B6rd"]
)
def test_a_secret_is_hidden_in_every_form_in_which_it_can_be_echoed(form: str) -> None:
    error = failure(replying(400, text=f"you sent {form}!"), secrets=secrets_of(_Credentials()))
    assert str(error) == "api.example.com answered 400: you sent ***!"


def test_a_secret_that_begins_with_another_one_leaves_nothing_behind() -> None:
    assert http_over(secrets=["abc", "abcdef", ""]).redact("abcdef abc") == "*** ***"


def test_a_secret_is_hidden_before_the_answer_is_cut() -> None:
    error = failure(replying(400, text="x" * 290 + "topsecretvalue"), secrets=["topsecretvalue"])
    assert "tops" not in str(error)


def test_the_session_s_tokens_are_hidden() -> None:
    session = {"access_jwt": "eyJ0", "refresh_token": "r-1", "did": "did:plc:1"}
    assert http_over(session=session).redact("eyJ0 r-1 did:plc:1") == "*** *** did:plc:1"


def test_what_a_request_proved_itself_with_is_hidden() -> None:
    def repeat(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, text=request.headers["authorization"])

    transport = httpx.MockTransport(repeat)
    assert str(failure(transport, auth=("me", "pw"))).endswith("Basic ***")
    judged = failure(transport, auth=("me", "pw"), judge=lambda answer: Rejected(answer.text))
    assert str(judged) == "Basic ***"


def test_a_failure_on_the_way_shows_no_secret() -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route to s3cret")

    error = failure(httpx.MockTransport(fail), secrets=["s3cret"])
    assert str(error) == "api.example.com could not be reached: no route to ***"


def test_a_failure_without_words_is_named_by_its_kind() -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("")

    assert str(failure(httpx.MockTransport(fail))) == "api.example.com broke off: ReadError"


def test_an_answer_does_not_print_its_body() -> None:
    answer = Answer(status=200, headers={}, body=b"hidden", publishes=True)
    assert "hidden" not in repr(answer)


# Sessions, clients and the clock


class _Keeper:
    def __init__(self, stored: dict[str, Any]) -> None:
        self.stored = stored

    async def load(self) -> dict[str, Any]:
        return self.stored

    async def save(self, session: dict[str, Any]) -> None:
        self.stored = session


def test_a_saved_session_is_kept_and_handed_on() -> None:
    keeper = _Keeper({})
    http = http_over(keeper=keeper)
    asyncio.run(http.save_session({"did": "d"}))
    assert (http.session, keeper.stored) == ({"did": "d"}, {"did": "d"})


@pytest.mark.parametrize(
    ("stored", "after"),
    [({"n": 2}, (True, {"n": 2})), ({"n": 1}, (False, {"n": 1})), ({}, (False, {"n": 1}))],
    ids=["renewed meanwhile", "as it was", "of another account"],
)
def test_a_session_that_was_renewed_meanwhile_is_taken(
    stored: dict[str, Any], after: tuple[bool, dict[str, Any]]
) -> None:
    http = http_over(session={"n": 1}, keeper=_Keeper(stored))
    assert (asyncio.run(http.reload_session()), http.session) == after


def test_one_account_s_session_is_renewed_by_one_task_at_a_time() -> None:
    clients = Clients()
    alice, again, bob = (Http(clients, FakeClock(), account=name) for name in ("alice", "alice", "bob"))
    assert alice.turn() is again.turn()
    assert alice.turn() is not bob.turn()


def test_a_session_can_be_kept_without_a_store() -> None:
    http = http_over(session={"did": "d"})
    asyncio.run(http.save_session({"did": "e"}))
    assert asyncio.run(http.reload_session()) is False
    assert http.session == {"did": "e"}


def test_the_time_is_the_clock_s() -> None:
    assert http_over().now() == NOW


def test_a_request_says_who_asks_and_follows_no_redirect() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(302, headers={"location": "https://elsewhere.example/"})

    failure(httpx.MockTransport(answer))
    (request,) = seen
    assert request.headers["user-agent"].startswith("postbell/")


@pytest.mark.parametrize("how", [{"content": b"{}"}, {"content": "{}"}, {"json": {}}], ids=str)
def test_a_body_goes_out_once_with_its_length_and_the_server_s_name(how: dict[str, Any]) -> None:
    seen: list[tuple[str, list[tuple[str, str]], bytes]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((str(request.url), request.headers.multi_items(), request.content))
        return httpx.Response(200)

    headers = {"Accept": "text/plain"}
    http = http_over(httpx.MockTransport(answer))
    asyncio.run(ask(http, "https://ann:pw@a.example:8443/x", params={"y": "1"}, headers=headers, **how))
    ((url, sent, body),) = seen
    names = [name for name, _ in sent]
    assert (url, body) == ("https://ann:pw@a.example:8443/x?y=1", b"{}")
    assert sorted(set(names)) == sorted(names)
    said = {"host": "a.example:8443", "content-length": "2", "accept": "text/plain"}
    assert dict(sent).items() >= {**said, "authorization": "Basic YW5uOnB3"}.items()


def test_json_goes_out_as_json() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=json.loads(request.content))

    got = asyncio.run(ask(http_over(httpx.MockTransport(answer)), "https://a.example", json={"a": "ö"}))
    assert isinstance(got, Answer)
    assert got.json() == {"a": "ö"}


class _Cookies(httpx.AsyncBaseTransport):
    """Sets a cookie at every answer, and keeps what comes back."""

    def __init__(self) -> None:
        self.seen: list[str | None] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request.headers.get("cookie"))
        return httpx.Response(200, headers={"set-cookie": "session=of-alice"}, request=request)


def test_no_cookie_goes_from_one_request_to_the_next() -> None:
    transport = _Cookies()

    async def script() -> None:
        http = Http(Clients(transport=transport), FakeClock())
        await http.request("GET", "https://a.example/")
        await http.request("GET", "https://a.example/")

    asyncio.run(script())
    assert transport.seen == [None, None]


def sent_headers(url: str = "https://a.example", **how: Any) -> httpx.Headers:
    seen: list[httpx.Headers] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(200)

    asyncio.run(ask(http_over(httpx.MockTransport(answer)), url, **how))
    return seen[0]


def test_a_header_of_a_network_goes_instead_of_the_usual_one_however_it_is_written() -> None:
    headers = sent_headers(headers={"ACCEPT": "text/x", "X-Own": "1"})
    assert headers.get_list("accept") == ["text/x"]
    assert (headers["x-own"], headers["accept-encoding"]) == ("1", "gzip, deflate")


@pytest.mark.parametrize(
    ("url", "how"), [("https://me:p%40w@a.example", {}), ("https://a.example", {"auth": ("me", "p@w")})]
)
def test_a_name_and_a_password_go_as_basic_also_those_in_an_address(url: str, how: dict[str, Any]) -> None:
    assert sent_headers(url, **how)["authorization"] == "Basic " + b64encode(b"me:p@w").decode()
