"""How requests are signed by OAuth 1.0a: by the examples of its RFC, and as another client does it."""

from __future__ import annotations

import random
import string
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from oauthlib.oauth1 import Client as OtherClient

from postbell.publishing.web.consent import Client
from postbell.publishing.web.http import _request
from postbell.publishing.web.oauth1 import Signer, base_string, signature
from support.oauth import START, read_signed, said_in


#: The client of the example in RFC 5849, 1.2.
PRINTER = Client(id="dpf43f3p2l4k3l03", secret="kd94hf93k423kf44")


def pairs(**values: str) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in values.items()]


@pytest.mark.parametrize(
    ("method", "address", "secret", "said", "signed"),
    [
        (
            "POST",
            "https://photos.example.net/initiate",
            "",
            {
                "oauth_timestamp": "137131200",
                "oauth_nonce": "wIjqoS",
                "oauth_callback": "http://printer.example.com/ready",
            },
            "74KNZJeDHnMBp0EMJ9ZHt/XKycU=",
        ),
        (
            "POST",
            "https://photos.example.net/token",
            "hdhd0244k9j7ao03",
            {
                "oauth_token": "hh5s93j4hdidpola",
                "oauth_timestamp": "137131201",
                "oauth_nonce": "walatlh",
                "oauth_verifier": "hfdp7dh39dks9884",
            },
            "gKgrFCywp7rO0OXSjdot/IHF7IU=",
        ),
        (
            "GET",
            "http://photos.example.net/photos",
            "pfkkdhi9sl3r4s00",
            {
                "file": "vacation.jpg",
                "size": "original",
                "oauth_token": "nnch734d00sl2jdk",
                "oauth_timestamp": "137131202",
                "oauth_nonce": "chapoH",
            },
            "MdpQcU8iPSUjWoN/UDMsK2sui9I=",
        ),
    ],
    ids=["temporary credentials", "token", "photo"],
)
def test_the_requests_of_rfc_5849_are_signed_as_there(
    method: str, address: str, secret: str, said: dict[str, str], signed: str
) -> None:
    known = pairs(oauth_consumer_key=PRINTER.id, oauth_signature_method="HMAC-SHA1", **said)
    assert signature(base_string(method, address, known), PRINTER.secret, secret) == signed


def test_the_base_string_is_the_one_of_rfc_5849() -> None:
    request = httpx.Request(
        "POST",
        "http://EXAMPLE.com:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b",
        content=b"c2&a3=2+q",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    told = {"oauth_nonce": "7d8f3e4a", "oauth_timestamp": "137131201", "oauth_token": "kkk9d7dh3k39sjv7"}
    expected = (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26"
        "c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26"
        "oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )
    values = pairs(
        **told, oauth_consumer_key="9djdj82h48djs9d2", oauth_signature_method="HMAC-SHA1", b5="=%3D", a2="r b"
    )
    values += [(b"a3", b"a"), (b"a3", b"2 q"), (b"c@", b""), (b"c2", b"")]
    assert base_string("post", "http://example.com/request", values) == expected
    signer = Signer(
        client=Client(id="9djdj82h48djs9d2", secret="j49sk3j29djd"),
        token="kkk9d7dh3k39sjv7",
        secret="dh893hdasih9",
        now=datetime.fromtimestamp(137131201, UTC),
        nonce="7d8f3e4a",
    )
    signer.sign(request)
    # We say oauth_version too, which is left out there; and the signature there is known to be wrong.
    assert said_in(request)["oauth_signature"] == signature(
        f"{expected}%26oauth_version%3D1.0", "j49sk3j29djd", "dh893hdasih9"
    )


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://EXAMPLE.COM:80/r%20v/X?id=123", "http://example.com/r%20v/X"),
        ("https://www.example.net:8080/?q=1", "https://www.example.net:8080/"),
        ("https://example.net:443", "https://example.net/"),
        ("http://ann:secret@[::1]:8080/a;b?c", "http://[::1]:8080/a;b"),
    ],
)
def test_the_address_is_signed_as_rfc_5849_writes_it(url: str, address: str) -> None:
    request = httpx.Request("GET", url)
    signer = Signer(client=PRINTER, now=START, nonce="1")
    signer.sign(request)
    query = [pair for pair in (("id", "123"), ("q", "1"), ("c", "")) if pair[0] in request.url.params]
    said = {name: value for name, value in said_in(request).items() if name != "oauth_signature"}
    base = base_string("GET", address, pairs(**said, **dict(query)))
    assert said_in(request)["oauth_signature"] == signature(base, PRINTER.secret, "")


_LETTERS = string.ascii_letters + string.digits + "-._~ +&=%!*'()@:/?#äß日👩\u0301\"<>[]{}|\\^`,;$"


def _word(chance: random.Random, most: int = 12) -> str:
    return "".join(chance.choice(_LETTERS) for _ in range(chance.randint(1, most)))


def _request_of(chance: random.Random, signer: Signer) -> httpx.Request:
    """Return any request, signed as it goes out: with a query, a form, JSON, files, or nothing."""
    named = [(_word(chance), chance.choice(["", _word(chance, 30)])) for _ in range(chance.randint(0, 6))]
    how: dict[str, Any] = {"params": dict(named)} if chance.random() < 0.5 else {}
    body = chance.choice(["data", "json", "files", "content", ""])
    if body:
        held = {_word(chance): _word(chance, 40) for _ in range(chance.randint(1, 5))}
        how[body] = {
            "data": held,
            "json": held,
            "files": {"media": ("a.png", b"\x89PNG")},
            "content": b"a=b",
        }[body]
    port = chance.choice(["", ":80", ":443", ":8443"])
    path = "/".join(quote(_word(chance)) for _ in range(2))
    url = f"{chance.choice(['http', 'HTTPS'])}://{chance.choice(['Api.Example', '127.0.0.1'])}{port}/{path}"
    methods = ["POST", "PUT", "DELETE"] if body else ["GET", "DELETE"]
    return _request(chance.choice(methods), url, auth=signer.sign, **how)


def test_thousands_of_requests_are_signed_as_another_client_signs_them() -> None:
    chance = random.Random(5849)
    for number in range(4_000):
        more = {"oauth_callback": f"http://127.0.0.1/{number}"} if number % 5 == 0 else {}
        signer = Signer(
            client=Client(id=_word(chance), secret=_word(chance, 40)),
            token=_word(chance),
            secret=chance.choice(["", _word(chance, 40)]),
            now=START,
            more=more,
        )
        ours = _request_of(chance, signer)
        theirs = OtherClient(
            signer.client.id,
            client_secret=signer.client.secret,
            resource_owner_key=signer.token,
            resource_owner_secret=signer.secret,
            callback_uri=more.get("oauth_callback"),
            nonce=signer.nonce,
            timestamp=str(int(START.timestamp())),
        )
        form = ours.headers.get("content-type") == "application/x-www-form-urlencoded"
        url, body = str(ours.url).replace("'", "%27"), ours.content.decode() if form else None
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        _, headers, _ = theirs.sign(url, ours.method, body, kind)
        assert said_in(ours) == read_signed(headers["Authorization"]), (number, url, body)


def test_no_two_requests_have_the_same_nonce() -> None:
    assert Signer(client=PRINTER, now=START).nonce != Signer(client=PRINTER, now=START).nonce
