"""Accounts that programs connect by a page that a person opens: what comes of it stays with Postbell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from sqlalchemy import select

from postbell.domain.access import Scope
from postbell.store.tables.api import answer as answers
from support.api import Asked, problem
from support.consenting_mastodon import SECRET, ConsentingMastodon
from support.fake_mastodon import SERVER
from support.fake_wordpress import PASSWORD
from support.handing_wordpress import HandingWordPress
from support.world import build_world


BACK = "http://127.0.0.1:5/back"


@pytest.fixture
def mastodon() -> ConsentingMastodon:
    return ConsentingMastodon()


@pytest.fixture
def api(tmp_path: Path, mastodon: ConsentingMastodon) -> Iterator[Asked]:
    with build_world(tmp_path, networks=[], transport=mastodon) as world:
        yield Asked(world)


WANTED: dict[str, Any] = {"network": "mastodon", "name": "toots", "server": SERVER}


def begun(api: Asked, **more: Any) -> dict[str, Any]:
    answer = api.ask("POST", "/api/v1/consents", json={**WANTED, "redirect": BACK, **more})
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def answered(api: Asked, consent: dict[str, Any], said: str) -> httpx.Response:
    return api.ask("POST", f"/api/v1/consents/{consent['id']}", json={"answer": said})


def test_an_account_is_connected_by_what_a_person_has_allowed(
    api: Asked, mastodon: ConsentingMastodon
) -> None:
    consent = begun(api)
    back = mastodon.consent(consent["url"])
    assert back.startswith(f"{BACK}?")
    assert f"{consent['state_as']}={consent['state']}" in back
    told = answered(api, consent, back)
    assert told.json() == {"id": consent["id"], "brings": ["client_id", "client_secret"]}
    made = api.ask("POST", "/api/v1/accounts", json={**WANTED, "consent": consent["id"]})
    assert made.status_code == 201, made.text
    assert made.json()["verified"] is True
    assert made.json()["profile"].startswith("https://")
    assert SECRET not in told.text + made.text + str(consent)
    again = api.ask("POST", "/api/v1/accounts", json={**WANTED, "name": "other", "consent": consent["id"]})
    assert problem(again) == (404, "not_found")  # it was used


def test_an_account_is_connected_again(api: Asked, mastodon: ConsentingMastodon) -> None:
    first = begun(api)
    answered(api, first, mastodon.consent(first["url"]))
    api.ask("POST", "/api/v1/accounts", json={**WANTED, "consent": first["id"]})
    answer = api.ask("POST", "/api/v1/accounts/toots/consents", json={"redirect": BACK})
    assert answer.status_code == 201, answer.text
    consent = answer.json()
    answered(api, consent, mastodon.consent(consent["url"]))
    done = api.ask("POST", "/api/v1/accounts/toots/reconnect", json={"consent": consent["id"]})
    assert (done.status_code, done.json()["verified"]) == (200, True)
    nobody = api.ask("POST", "/api/v1/accounts/nobody/consents", json={"redirect": BACK})
    assert problem(nobody) == (404, "not_found")


def test_what_was_not_answered_or_was_for_another_account_connects_nothing(
    api: Asked, mastodon: ConsentingMastodon
) -> None:
    consent = begun(api)
    early = api.ask("POST", "/api/v1/accounts", json={**WANTED, "consent": consent["id"]})
    assert problem(early) == (409, "conflict")
    wrong = answered(api, consent, "https://example.org/?code=x&state=y")
    assert problem(wrong) == (422, "rejected")
    answered(api, consent, mastodon.consent(consent["url"]))
    other = api.ask("POST", "/api/v1/accounts", json={**WANTED, "name": "other", "consent": consent["id"]})
    assert problem(other) == (409, "conflict")
    assert "given for toots on mastodon" in other.json()["detail"]
    assert api.ask("GET", "/api/v1/accounts").json() == {"accounts": []}


def test_a_consent_for_one_server_is_used_at_no_other(api: Asked, mastodon: ConsentingMastodon) -> None:
    elsewhere = "https://elsewhere.example"
    consent = begun(api)
    answered(api, consent, mastodon.consent(consent["url"]))
    asked = {**WANTED, "server": elsewhere, "consent": consent["id"], "verify": False}
    refused = api.ask("POST", "/api/v1/accounts", json=asked)
    assert problem(refused) == (409, "conflict")
    assert f"at {SERVER}, and for nothing else" in refused.json()["detail"]
    assert api.ask("POST", "/api/v1/accounts", json={**WANTED, "consent": consent["id"]}).status_code == 201
    again = api.ask("POST", "/api/v1/accounts/toots/consents", json={"redirect": BACK}).json()
    answered(api, again, mastodon.consent(again["url"]))
    reconnect = "/api/v1/accounts/toots/reconnect"
    asked = {"server": elsewhere, "consent": again["id"], "verify": False}
    assert problem(api.ask("POST", reconnect, json=asked)) == (409, "conflict")
    moved = {"server": elsewhere, "values": {"access_token": "canary-of-elsewhere"}, "verify": False}
    assert api.ask("POST", reconnect, json=moved).status_code == 200
    # It was begun when the account was at the other server, and that is not said again.
    asked = {"consent": again["id"], "verify": False}
    assert problem(api.ask("POST", reconnect, json=asked)) == (409, "conflict")


def test_it_is_waited_for_a_quarter_of_an_hour_and_only_for_who_has_asked(
    api: Asked, mastodon: ConsentingMastodon
) -> None:
    consent = begun(api)
    back = mastodon.consent(consent["url"])
    strange = api.ask(
        "POST", f"/api/v1/consents/{consent['id']}", json={"answer": back}, key=api.key(Scope.ACCOUNTS)
    )
    assert problem(strange) == (404, "not_found")
    api.world.clock.advance(timedelta(minutes=16))
    assert problem(answered(api, consent, back)) == (404, "not_found")


@pytest.mark.parametrize("path", ["/api/v1/consents", "/api/v1/accounts/toots/consents"])
def test_nothing_of_a_consent_is_stored_and_who_asks_again_is_told_so(
    api: Asked, mastodon: ConsentingMastodon, path: str
) -> None:
    if "toots" in path:
        first = begun(api)
        answered(api, first, mastodon.consent(first["url"]))
        api.ask("POST", "/api/v1/accounts", json={**WANTED, "consent": first["id"]})
    body = {"redirect": BACK} if "toots" in path else {**WANTED, "redirect": BACK}
    wish: dict[str, Any] = {"json": body, "headers": {"Idempotency-Key": "one"}}
    made = api.ask("POST", path, **wish)
    assert made.status_code == 201, made.text
    seen = len(mastodon.asked)
    for _ in range(2):
        again = api.ask("POST", path, **wish)
        assert problem(again) == (409, "told_once")
    assert len(mastodon.asked) == seen
    other = api.ask("POST", path, json={**body, "server": "x"}, headers=wish["headers"])
    assert problem(other) == (422, "key_used")
    with api.world.store.read() as tx:
        kept = str(tx.execute(select(answers)).all())
    for told in (made.json()[name] for name in ("id", "state", "url")):
        assert told not in kept
    assert answered(api, made.json(), mastodon.consent(made.json()["url"])).status_code == 200


def test_the_oldest_of_a_key_gives_way_and_none_of_another(api: Asked) -> None:
    key = api.key(Scope.ACCOUNTS)
    theirs = api.ask("POST", "/api/v1/consents", json={**WANTED, "redirect": BACK}, key=key).json()
    first, second = begun(api), begun(api)
    for _ in range(19):
        begun(api)
    assert problem(answered(api, first, "x")) == (404, "not_found")
    assert problem(answered(api, second, "x")) == (422, "rejected")
    answer = api.ask("POST", f"/api/v1/consents/{theirs['id']}", json={"answer": "x"}, key=key)
    assert problem(answer) == (422, "rejected")


def test_a_site_hands_a_password_over(tmp_path: Path) -> None:
    site = HandingWordPress()
    site.fake.address = "https://news.example.org"
    wanted = {"network": "wordpress", "name": "news", "server": site.fake.address}
    with build_world(tmp_path, networks=[], transport=site) as world:
        api = Asked(world)
        consent = begun(api, **wanted)
        assert "paste the password" in consent["otherwise"]
        with_query = begun(api, **wanted, redirect=f"{BACK}?tenant=1")
        assert f"tenant=1&state={with_query['state']}" in unquote(with_query["url"])
        told = answered(api, consent, site.say(consent["url"]))
        assert told.json()["brings"] == ["application_password", "username"]
        made = api.ask("POST", "/api/v1/accounts", json={**wanted, "consent": consent["id"]})
        assert (made.status_code, made.json()["verified"]) == (201, True), made.text
        assert PASSWORD not in made.text + told.text


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"network": "folder", "server": None}, "/network"),
        ({"name": "no name"}, "/name"),
        ({"server": None}, "/server"),
        ({"redirect": "javascript:x"}, "/redirect"),
        ({"redirect": "http://app.example.org/back"}, "/redirect"),
        ({"redirect": "https://me@app.example.org/back"}, "/redirect"),
        ({"redirect": f"{BACK}#x"}, "/redirect"),
        ({"redirect": "http://127.0.0.1:99999/back"}, "/redirect"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(api: Asked, more: dict[str, Any], pointer: str) -> None:
    answer = api.ask("POST", "/api/v1/consents", json={**WANTED, "redirect": BACK, **more})
    assert problem(answer) == (422, "invalid")
    assert [each["pointer"] for each in answer.json()["problems"]] == [pointer]
    assert "`postbell" not in str([each["message"] for each in answer.json()["problems"]])


def test_the_scope_for_accounts_is_needed(api: Asked) -> None:
    key = api.key(Scope.PUBLISH)
    answer = api.ask("POST", "/api/v1/consents", json={**WANTED, "redirect": BACK}, key=key)
    assert problem(answer) == (403, "scope")
