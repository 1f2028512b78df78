"""An imitation of Mastodon that nobody here wrote takes what we send, and gives it back equal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from postbell.domain.states import Outcome
from postbell.errors import RateLimited, Rejected, Unauthorized, Unsure
from postbell.publishing.protocol import Absent, Outgoing, Progress, Receipt, Reply
from postbell.publishing.web.http import Clients
from postbell.services.accounts import accounts, connecting
from support.fake_mastodon import SUBJECT
from support.home import make_home
from support.lossy import lossy_proxy
from support.mastodon_choices import Overheard, assert_film, assert_poll, assert_quote, with_everything
from support.mastodon_mock import TOKEN
from support.online import Online
from support.pictures import picture


pytestmark = pytest.mark.real


@dataclass(kw_only=True)
class Postbell(Online):
    """On behalf of the one account that there is."""

    token: str = TOKEN

    def credentials(self) -> dict[str, str]:
        return {"access_token": self.token}


@pytest.fixture
def here(mastodon: str) -> Iterator[Postbell]:
    _call(mastodon, "POST", "/_mock/reset")
    clients = Clients()
    with asyncio.Runner() as runner:
        yield Postbell(subject=SUBJECT, server=mastodon, runner=runner, clients=clients)
        runner.run(clients.close())


def _call(server: str, method: str, path: str, **how: Any) -> Any:
    headers = {"authorization": f"Bearer {TOKEN}"}
    with httpx.Client(trust_env=False, headers=headers, timeout=20) as client:
        answer = client.request(method, f"{server}/api/v1{path}", **how)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def _alts(status: dict[str, Any]) -> set[str]:
    """Return what is said of its files; their order is that in which they came here, not the post's."""
    return {each["description"] for each in status["media_attachments"]}


def _posts(here: Postbell) -> list[dict[str, Any]]:
    me = _call(here.server, "GET", "/accounts/verify_credentials")
    found: list[dict[str, Any]] = _call(here.server, "GET", f"/accounts/{me['id']}/statuses")
    return found


def _source(here: Postbell, number: str) -> dict[str, Any]:
    found: dict[str, Any] = _call(here.server, "GET", f"/statuses/{number}/source")
    return found


def test_the_account_is_verified_with_its_server_s_limits(here: Postbell) -> None:
    assert here.verify().handle.startswith("@testuser@")
    assert (here.session["server"]["kind"], here.session["server"]["text"]) == ("mastodon", 500)


def test_a_dead_token_is_unauthorized(here: Postbell) -> None:
    here.token = "dead"
    with pytest.raises(Unauthorized):
        here.verify()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"spoiler_text": "Sun", "language": "de"},
        {"sensitive": True},
        *({"visibility": each} for each in ("public", "unlisted", "private", "direct")),
    ],
)
def test_a_text_with_its_options_reads_back_equal_and_is_found(
    here: Postbell, options: dict[str, Any]
) -> None:
    text = 'Ünïcode 日本語 👩‍👩‍👧‍👦 "quoted" & <b>bold</b>'
    outgoing = here.outgoing(text, options=options, link="https://a.example/b?c=d")
    receipt = here.publish(outgoing)
    (status,) = _posts(here)
    assert receipt == Receipt(id=status["id"], url=status["url"])
    assert _source(here, status["id"])["text"] == f"{text}\nhttps://a.example/b?c=d"
    assert {name: status[name] for name in options} == options
    assert here.find(outgoing) == receipt


def test_pictures_have_their_alt_texts_in_their_order(here: Postbell, tmp_path: Path) -> None:
    media = (picture(tmp_path, "b.png", "A bell"), picture(tmp_path, "a.png", "A cat"))
    outgoing = here.outgoing(media=media)
    receipt = here.publish(outgoing)
    (status,) = _posts(here)
    assert _alts(status) == {"A bell", "A cat"}
    assert here.find(outgoing) == receipt


def test_an_answer_that_is_lost_is_found_and_a_repeat_makes_no_second_post(here: Postbell) -> None:
    here.verify()
    with lossy_proxy(here.server) as proxy:
        proxy.lose("POST", "/api/v1/statuses")
        there = replace(here, server=proxy.url, session=dict(here.session))
        outgoing = there.outgoing()
        with pytest.raises(Unsure):
            there.publish(outgoing)
    (status,) = _posts(here)
    found = here.find(replace(outgoing, target=here.target()))
    assert isinstance(found, Receipt)
    assert found.id == status["id"]
    assert here.publish(replace(outgoing, target=here.target())).id == status["id"]
    assert len(_posts(here)) == 1


def _thread(here: Postbell, folder: Path) -> Outgoing:
    """Return a thread of three parts, two of which say the same, and one of those has a picture."""
    outgoing = here.outgoing("One", media=(replace(picture(folder, "a.png", "A bell"), part=3),))
    return replace(outgoing, content=replace(outgoing.content, segments=("Two", "Two")))


def _assert_thread(here: Postbell) -> None:
    """Fail unless the account has that thread once, and nothing else."""
    third, second, first = _posts(here)
    assert [_source(here, each["id"])["text"] for each in (first, second, third)] == ["One", "Two", "Two"]
    answered = [each["in_reply_to_id"] for each in (first, second, third)]
    assert answered == [None, first["id"], second["id"]]
    assert [each["description"] for each in third["media_attachments"]] == ["A bell"]


def test_a_thread_is_a_chain_of_answers_and_is_taken_away_whole(here: Postbell, tmp_path: Path) -> None:
    outgoing, stored = _thread(here, tmp_path), list[Progress]()
    receipt = here.go_on(outgoing, stored)
    assert receipt
    _assert_thread(here)
    assert here.find(outgoing, stored[-1]) == receipt
    for _ in range(2):
        here.delete(outgoing, receipt.id)
        assert _posts(here) == []


def test_a_first_comment_answers_its_post_once_though_its_answer_was_lost(here: Postbell) -> None:
    name = here.publish(here.outgoing("One")).id
    said = replace(here.outgoing("By the way"), key="a" * 20 + "-c", reply=Reply(root=name, parent=name))
    with lossy_proxy(here.server) as proxy:
        proxy.lose("POST", "/api/v1/statuses")
        there = replace(here, server=proxy.url, session=dict(here.session))
        with pytest.raises(Unsure):
            there.publish(replace(said, target=there.target()))
    found = here.find(said)
    assert isinstance(found, Receipt)
    assert here.publish(said).id == found.id
    second, first = _posts(here)
    assert (second["id"], second["in_reply_to_id"], first["id"]) == (found.id, name, name)


@pytest.mark.parametrize("part", range(3))
def test_a_thread_goes_on_behind_a_part_whose_answer_was_lost(
    here: Postbell, tmp_path: Path, part: int
) -> None:
    here.verify()
    outgoing, stored = _thread(here, tmp_path), list[Progress]()
    here.go_on(outgoing, stored, until=part)
    with lossy_proxy(here.server) as proxy:
        proxy.lose("POST", "/api/v1/statuses")
        there = replace(here, server=proxy.url, session=dict(here.session))
        with pytest.raises(Unsure):
            there.go_on(replace(outgoing, target=there.target()), stored)
    found = here.find(outgoing, stored[-1] if stored else None)
    if isinstance(found, Progress):
        stored.append(found)
        assert here.go_on(outgoing, stored)
    else:
        assert isinstance(found, Receipt)
    _assert_thread(here)


def test_what_was_not_published_is_absent(here: Postbell) -> None:
    here.publish(here.outgoing("Good evening", key="z" * 20))
    assert here.find(here.outgoing()) == Absent()


def test_a_post_is_taken_away_and_to_do_it_again_is_harmless(here: Postbell) -> None:
    outgoing = here.outgoing()
    receipt = here.publish(outgoing)
    for _ in range(2):
        here.delete(outgoing, receipt.id)
    assert _posts(here) == []


def test_what_people_do_with_a_post_is_counted_until_it_is_gone(here: Postbell) -> None:
    outgoing = here.outgoing()
    receipt = here.publish(outgoing)
    _call(here.server, "POST", f"/statuses/{receipt.id}/favourite")
    _call(here.server, "POST", "/statuses", json={"status": "Yes!", "in_reply_to_id": receipt.id})
    assert here.metrics(receipt.id) == {"likes": 1, "reposts": 0, "replies": 1}
    here.delete(outgoing, receipt.id)
    assert here.metrics(receipt.id) == Absent()


def test_a_text_that_is_too_long_is_refused_by_the_server_too(here: Postbell) -> None:
    with pytest.raises(Rejected, match="answered 422"):
        here.publish(here.outgoing("x" * 501))


def test_a_rate_limit_is_kept(here: Postbell) -> None:
    effect = {"type": "ratelimit"}
    rule = {"match": {"methods": ["POST"], "path": "/api/v1/statuses"}, "effect": effect, "count": 1}
    _call(here.server, "POST", "/_mock/faults", json=rule)
    with pytest.raises(RateLimited) as caught:
        here.publish(here.outgoing())
    assert caught.value.until
    assert _posts(here) == []


def test_an_account_is_connected_by_consent_and_publishes(mastodon: str, tmp_path: Path) -> None:
    _call(mastodon, "POST", "/_mock/reset")
    home = make_home(tmp_path)
    with home.app() as app:
        redirect = "http://127.0.0.1:4711/postbell"
        asking = connecting.ask(
            app.ctx, network="mastodon", name="toots", server=mastodon, values={}, redirect=redirect
        )
        shown = httpx.get(asking.url, trust_env=False, timeout=60)
        assert asking.question.state in shown.text
        chosen = {"username": "testuser", "redirect_uri": redirect, "state": asking.question.state}
        sent = httpx.post(f"{mastodon}/oauth/authorize", data=chosen, trust_env=False, timeout=60)
        found = connecting.take(app.ctx, asking, sent.headers["location"])
        _, profile = accounts.add_account(
            app.ctx,
            network="mastodon",
            name="toots",
            server=mastodon,
            values=found.values,
            tokens=found.tokens,
        )
    assert profile is not None
    assert profile.notes == (), "no scope is missing"
    post = home.add("By consent", to="toots")
    with home.daemon():
        home.wait_for(lambda: home.states() == {"processed": 1})
    assert home.post(post).outcome is Outcome.PUBLISHED
    me = _call(mastodon, "GET", "/accounts/verify_credentials")
    assert "By consent" in _call(mastodon, "GET", f"/accounts/{me['id']}/statuses")[0]["content"]


def test_a_post_is_changed_with_its_warning_and_a_repeat_changes_nothing_more(here: Postbell) -> None:
    outgoing = here.outgoing(options={"spoiler_text": "Sun", "sensitive": True})
    name = here.publish(outgoing).id
    options = SUBJECT.network.Options.model_validate({"spoiler_text": "Rain"})
    content = replace(outgoing.content, text="Good evening")
    for _ in range(2):
        assert here.edit(replace(outgoing, content=content, options=options), name).id == name
    (status,) = _posts(here)
    source = _source(here, name)
    assert (source["text"], source["spoiler_text"]) == ("Good evening", "Rain")
    assert status["sensitive"]
    assert status["edited_at"]


def test_files_and_polls_stay_when_their_texts_are_changed(here: Postbell, tmp_path: Path) -> None:
    pictures = here.outgoing(
        media=(picture(tmp_path, "b.png", "A bell"), picture(tmp_path, "a.png", "A cat"))
    )
    poll = here.outgoing(options={"poll": ["rain", "sun"], "poll_expires_in": 600}, key="p" * 20)
    for each in (pictures, poll):
        here.edit(replace(each, content=replace(each.content, text="Weather?")), here.publish(each).id)
    asked, shown = _posts(here)
    assert _alts(shown) == {"A bell", "A cat"}
    assert [each["title"] for each in asked["poll"]["options"]] == ["rain", "sun"]
    assert {_source(here, each["id"])["text"] for each in (asked, shown)} == {"Weather?"}


def test_a_thread_is_changed_part_by_part_until_it_is_gone(here: Postbell, tmp_path: Path) -> None:
    thread = _thread(here, tmp_path)
    receipt = here.go_on(thread, [])
    assert receipt
    content = replace(thread.content, text="First", segments=("Two", "Third"))
    here.edit(replace(thread, content=content), receipt.id)
    third, second, first = _posts(here)
    assert [_source(here, each["id"])["text"] for each in (first, second, third)] == ["First", "Two", "Third"]
    assert third["in_reply_to_id"] == second["id"]
    here.delete(thread, receipt.id)
    with pytest.raises(Rejected, match="not there any more"):
        here.edit(thread, receipt.id)


def test_a_quote_reads_back_and_who_may_quote_it(here: Postbell) -> None:
    here.verify()
    quoted = here.publish(
        here.outgoing("To be quoted", options={"quote_approval_policy": "nobody"}, key="q" * 20)
    )
    assert _posts(here)[0]["quote_approval_policy"] == "nobody"
    outgoing = here.outgoing("Look", options={"quote": quoted.id})
    stored = list[Progress]()
    receipt = here.go_on(outgoing, stored)
    assert receipt
    assert receipt == here.find(outgoing, stored[-1])
    status = next(each for each in _posts(here) if each["id"] == receipt.id)
    assert status["quote"]["quoted_status"]["id"] == quoted.id
    options = SUBJECT.network.Options.model_validate({"quote_approval_policy": "followers"})
    here.edit(here.outgoing("To be quoted"), quoted.id)
    here.edit(replace(here.outgoing("To be quoted"), options=options), quoted.id)
    policies = {each["id"]: each["quote_approval_policy"] for each in _posts(here)}
    assert policies[quoted.id] == "followers"


def test_a_post_that_is_nowhere_is_not_quoted(here: Postbell) -> None:
    with pytest.raises(Rejected, match="finds no post to quote at"):
        here.publish(here.outgoing(options={"quote": "https://elsewhere.example/@bob/7"}))
    assert _posts(here) == []


def test_everything_that_a_post_can_be_told_reads_back_or_went_out(here: Postbell, tmp_path: Path) -> None:
    here.verify()
    quoted = here.publish(here.outgoing("To be quoted")).id
    here.clients.transport = overheard = Overheard(here.clients.transport)
    posts = with_everything(here, quoted, tmp_path)
    for outgoing in posts:
        stored = list[Progress]()
        receipt = here.go_on(outgoing, stored)
        assert receipt
        assert here.find(outgoing, stored[-1] if stored else None) == receipt
    quote, poll, film, _ = _posts(here)
    assert_film(film, overheard, (tmp_path / "look.png").read_bytes())
    assert_poll(poll, overheard)
    assert_quote(quote, quoted)
