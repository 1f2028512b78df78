"""What comes of asking a WordPress site for a password of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from postbell.errors import Invalid, Rejected, Unauthorized
from postbell.networks.wordpress import network
from postbell.services.accounts import handing_over
from support.fake_wordpress import PASSWORD, SERVER, USERNAME
from support.handing_wordpress import HandingWordPress
from support.world import World, build_world


REDIRECT = "http://127.0.0.1:4711/postbell"


@pytest.fixture
def site() -> HandingWordPress:
    return HandingWordPress()


@pytest.fixture
def world(tmp_path: Path, site: HandingWordPress) -> Iterator[World]:
    with build_world(tmp_path, networks=[network], transport=site.fake) as built:
        yield built


def ask(world: World, name: str = "news") -> handing_over.Handing:
    return handing_over.ask(world.ctx, network="wordpress", name=name, server=f"{SERVER}/", redirect=REDIRECT)


def test_login_and_password_come_back_with_what_was_sent(world: World, site: HandingWordPress) -> None:
    handing = ask(world)
    back = site.say(handing.url)
    assert back.startswith(f"{REDIRECT}?state={handing.state}&")
    found = handing_over.take(handing, f" {back}\n")
    assert found == {"username": USERNAME, "application_password": PASSWORD.replace(" ", "")}
    assert handing.state not in repr(handing).replace(handing.url, "")


def test_nobody_is_named_to_the_site_before(world: World, site: HandingWordPress) -> None:
    ask(world)
    assert all("authorization" not in request.headers for request in site.fake.requests)


def test_an_older_site_shows_the_password(world: World, site: HandingWordPress) -> None:
    handing = ask(world)
    page = handing.otherwise.split()[-1]
    assert handing_over.take(handing, site.say(page)) == {"application_password": PASSWORD}


@pytest.mark.parametrize("address", [SERVER, "https://[/", f"{REDIRECT}?state=x&user_login=a&password=b"])
def test_another_address_is_not_taken(world: World, address: str) -> None:
    with pytest.raises(Rejected, match="that is not the address that the browser was sent back to"):
        handing_over.take(ask(world), address)


def test_a_no_is_told(world: World, site: HandingWordPress) -> None:
    handing = ask(world)
    with pytest.raises(Rejected, match="somebody said no there"):
        handing_over.take(handing, site.say(handing.url, yes=False))


@pytest.mark.parametrize("address", [None, "http://blog.example.org"])
def test_a_site_that_makes_no_passwords_is_told(
    world: World, site: HandingWordPress, address: str | None
) -> None:
    site.fake.hands_over, site.fake.address = address is not None, address or ""
    with pytest.raises(
        Rejected, match=r"Account news: blog\.example\.org has application passwords switched"
    ):
        ask(world)


def test_a_page_that_has_a_query_already_keeps_it(world: World, site: HandingWordPress) -> None:
    site.fake.address = f"{SERVER}/?lang=en&to="
    assert "/?lang=en&to=/wp-admin/authorize-application.php&app_name=Postbell&" in ask(world).url


def test_a_bad_name_is_told_before_the_site_is_asked(world: World, site: HandingWordPress) -> None:
    with pytest.raises(Invalid):
        ask(world, "a b")
    assert site.fake.requests == []


def test_a_password_that_would_go_in_the_clear_is_not_asked_for(world: World, site: HandingWordPress) -> None:
    with pytest.raises(Unauthorized, match=r"Account news: blog\.example\.org needs an address with https"):
        handing_over.ask(
            world.ctx, network="wordpress", name="news", server="http://blog.example.org", redirect=REDIRECT
        )
    assert site.fake.requests == []


def test_only_what_was_not_given_is_asked_for() -> None:
    assert handing_over.hands_over(network, {"username": "a"})
    assert not handing_over.hands_over(network, {"application_password": "b"})
