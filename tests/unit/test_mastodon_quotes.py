"""Quotes on Mastodon and its kin, as far as their versions know them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from postbell.domain.content import Content
from postbell.errors import Rejected, Unauthorized
from postbell.networks.mastodon import network
from postbell.publishing.protocol import Progress, Receipt
from support.fake_mastodon import SERVER, SUBJECT, FakeMastodon, daemon
from support.farside import Daemon


THERE = "https://elsewhere.example/@bob/7"


def quoting(address: str, **more: Any) -> tuple[Daemon, FakeMastodon]:
    options = {"quote": address, **more.pop("options", {})}
    return daemon(options=options, **more)


def publish(made: Daemon) -> Receipt:
    return asyncio.run(made.publish())


def searches(far_side: FakeMastodon) -> int:
    return sum(request.url.path == "/api/v2/search" for request in far_side.requests)


@pytest.mark.parametrize(
    "form", ["{server}/@alice/{id}", "{server}/@bob@elsewhere.example/{id}", "{server}/users/a/statuses/{id}"]
)
def test_a_post_of_the_server_is_quoted_without_a_search(form: str) -> None:
    made, far_side = daemon()
    quoted = far_side.write("Mine")
    made.outgoing = SUBJECT.outgoing(options={"quote": form.format(server=SERVER, id=quoted["id"])})
    assert publish(made).warnings == ()
    assert far_side.statuses[-1]["quote"] == {"state": "accepted", "quoted_status": quoted}
    assert searches(far_side) == 0


def test_an_id_of_the_server_will_do() -> None:
    made, far_side = daemon()
    made.outgoing = SUBJECT.outgoing(options={"quote": far_side.write("Mine")["id"]})
    assert publish(made).warnings == ()
    assert far_side.statuses[-1]["quote"]


def test_a_post_of_another_server_is_searched_for_once_and_waits_for_its_author() -> None:
    made, far_side = quoting(THERE)
    far_side.elsewhere[THERE] = "4711"
    receipt = publish(made)
    assert receipt.warnings == ("The quote is shown once the server of its author has allowed it.",)
    assert (searches(far_side), made.stored[0].step) == (1, "quote")
    far_side.quote_state = "rejected"
    made, far_side = quoting(THERE)
    far_side.elsewhere[THERE], far_side.quote_state = "4711", "rejected"
    assert publish(made).warnings == ("The quote is not shown: it is rejected.",)


def test_what_is_not_found_fails_the_post_before_anything_is_public() -> None:
    made, far_side = quoting(THERE)
    with pytest.raises(Rejected, match=f"mastodon.example finds no post to quote at {THERE}"):
        publish(made)
    assert far_side.statuses == []


def test_a_token_that_may_not_search_fails_the_post_and_not_the_account() -> None:
    made, far_side = quoting(THERE)
    far_side.scopes = ["read:accounts", "read:statuses", "write:statuses"]
    with pytest.raises(Rejected, match=r"may not search .* the scope read:search"):
        publish(made)
    far_side.token_works = False
    with pytest.raises(Unauthorized):
        publish(made)


def test_a_quote_that_was_left_out_is_told() -> None:
    made, far_side = daemon()
    quoted = far_side.write("Mine")["id"]
    made.outgoing = SUBJECT.outgoing(options={"quote": quoted})
    far_side.quotes = "quote_id"
    assert publish(made).warnings == ("The server left out the quote.",)


def test_pleroma_has_its_own_word_for_it_and_no_states() -> None:
    made, _ = daemon()
    asyncio.run(network.verify(made.outgoing.target, made._http(None)))
    server = made.session["server"] | {"quotes": "quote_id"}
    made.session = made.session | {"server": server}
    calls = network.preview(
        replace(SUBJECT.outgoing(options={"quote": "7"}), target=SUBJECT.target(dict(made.session)))
    )
    assert calls[-1].body["quote_id"] == "<id of the quoted post>"


def test_a_server_that_was_set_back_to_an_older_version_is_sent_no_quote() -> None:
    made, far_side = daemon()
    made.outgoing = SUBJECT.outgoing(options={"quote": far_side.write("Mine")["id"]})
    far_side.api_version = 6
    with pytest.raises(Rejected, match="takes no quotes"):
        publish(made)


@pytest.mark.parametrize(
    ("kind", "api_version", "found"),
    [
        ("mastodon", 11, "quoted_status_id"),
        ("mastodon", 7, "quoted_status_id"),
        ("mastodon", 6, ""),
        ("mastodon", None, ""),
        ("pleroma", None, "quote_id"),
        ("akkoma", None, "quote_id"),
        ("gotosocial", None, ""),
        ("pixelfed", None, ""),
    ],
)
def test_who_takes_quotes_is_read_from_the_server(kind: str, api_version: int | None, found: str) -> None:
    made, far_side = daemon()
    far_side.kind, far_side.has_v2 = kind, api_version is not None
    far_side.api_version = api_version or 0
    asyncio.run(network.verify(made.outgoing.target, made._http(None)))
    there = network.at(made.session)
    assert there.there.quotes == found
    options = network.Options.model_validate({"quote": "7", "quote_approval_policy": "nobody"})
    wrong = [each.where for each in there.check(Content(text="Hi"), options, account="mine")]
    assert ("[mastodon] quote" in wrong) is (not found)
    assert ("[mastodon] quote_approval_policy" in wrong) is (found != "quoted_status_id")


def test_who_may_quote_is_sent_and_can_be_changed() -> None:
    made, far_side = daemon(options={"quote_approval_policy": "followers"})
    name = publish(made).id
    assert far_side.policies == {name: "followers"}
    options = network.Options.model_validate({"quote_approval_policy": "nobody"})
    asyncio.run(made.edit(replace(made.outgoing, options=options), name))
    assert far_side.policies == {name: "nobody"}


def test_the_parts_of_a_thread_that_follow_quote_nothing() -> None:
    made, far_side = daemon()
    quoted = far_side.write("Mine")["id"]
    outgoing = SUBJECT.outgoing("One", options={"quote": quoted})
    made.outgoing = replace(outgoing, content=replace(outgoing.content, segments=("Two",)))
    publish(made)
    assert [bool(each["quote"]) for each in far_side.statuses[1:]] == [True, False]


def test_an_answer_that_was_lost_is_found_with_its_quote() -> None:
    made, far_side = daemon()
    made.outgoing = SUBJECT.outgoing(options={"quote": far_side.write("Mine")["id"]})
    receipt = publish(made)
    found = asyncio.run(network.find(made._outgoing(), made.stored[-1], made._http(None)))
    assert found == receipt
    assert isinstance(made.stored[-1], Progress)


@pytest.mark.parametrize("address", ["javascript:alert(1)", "two words", "at://did:plc:abc/x/y"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="quote"):
        network.Options.model_validate({"quote": address})
