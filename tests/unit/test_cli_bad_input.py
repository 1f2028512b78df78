"""What is wrong with a post is told in words, with the right exit code, and nothing is stored or sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support import pictures
from support.command import Command, Ran, german, with_accounts


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Also holds that nothing was stored or sent: that is what every test here is about."""
    german(monkeypatch)
    monkeypatch.chdir(tmp_path)
    command = with_accounts(tmp_path)
    before = command.stored()
    yield command
    assert command.stored() == before
    assert not command.site.exists()


def refused(ran: Ran, *words: str, code: int = 4) -> None:
    """Hold that a command ended with this code and told all of this."""
    assert ran.code == code, ran
    assert ran.out == ""
    assert "Traceback" not in ran.err
    for word in words:
        assert word in ran.err


def test_an_empty_post(cli: Command) -> None:
    refused(cli("add", "", "--to", "site"), "postbell: text (for site): the post is empty; give it a text.")


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_an_empty_post_for_nobody(cli: Command, text: str) -> None:
    refused(cli("add", text), "text: the post is empty; give it a text.")


def test_an_unknown_account_with_the_nearest_name(cli: Command) -> None:
    refused(
        cli("add", "Hello", "--to", "site,skyy"), "--to: there is no account named skyy. Did you mean sky?"
    )


def test_an_option_of_the_wrong_form(cli: Command) -> None:
    ran = cli("add", "Hello", "--to", "site", "--at", "in 3 d", "--set", "folder.slug=Two Words")
    refused(ran, "folder.slug (for site): it has the wrong form: Names the post in its address: lower-case")


def test_an_unknown_account_with_all_names(cli: Command) -> None:
    refused(cli("add", "Hello", "--to", "mastodon"), "no account named mastodon. Accounts: site, sky.")


def test_a_text_that_is_too_long_for_one_of_two_accounts(cli: Command) -> None:
    ran = cli("add", "a" * 301, "--to", "site,sky", "--at", "in 3 d")
    refused(ran, "text (for sky): 301 graphemes, the limit is 300; shorten it by 1.")
    assert "site" not in ran.err


@pytest.mark.parametrize("when", ["2020-01-01 10:00", "2020-01-01T10:00Z", "1 jan 2020 noon"])
def test_a_past_time(cli: Command, when: str) -> None:
    refused(
        cli("add", "Hello", "--to", "site", "--at", when), f'--at: "{when}" is past: ', "ago", "later time"
    )


@pytest.mark.parametrize("when", ["tomorrow 25:00", "30 feb 2099 10:00", "monday 1 jan 2099 10:00"])
def test_an_impossible_time(cli: Command, when: str) -> None:
    refused(cli("add", "Hello", "--to", "site", "--at", when), f'"{when}" is not a time: ', "Accepted are: ")


@pytest.mark.parametrize("when", ["01/02/2099 10:00", "1.2.2099 10:00", "next month", "soon", "tomorrow"])
def test_an_ambiguous_time(cli: Command, when: str) -> None:
    refused(
        cli("add", "Hello", "--to", "site", "--at", when),
        f'"{when}" is not a time: ',
        "2026-11-27 18:00, ",
        "tomorrow 9am",
    )


def test_an_unknown_time_zone(cli: Command) -> None:
    ran = cli("add", "Hello", "--to", "site", "--at", "18:00", "--tz", "Europe/Berln")
    refused(ran, '--tz: there is no time zone named "Europe/Berln". Did you mean Europe/Berlin')


def test_two_time_zones(cli: Command) -> None:
    ran = cli("add", "Hello", "--to", "site", "--at", "18:00 Asia/Tokyo", "--tz", "Europe/Paris")
    refused(ran, '--at: "18:00 Asia/Tokyo" is in the zone Asia/Tokyo, but tz says Europe/Paris')


def test_a_time_zone_without_a_time(cli: Command) -> None:
    ran = cli("add", "Hello", "--to", "site", "--tz", "Europe/Paris")
    refused(ran, "--tz: it is the zone of a time; give the time too, with --at.")


@pytest.mark.parametrize("option", ["--at", "--to", "--tz"])
def test_an_empty_option(cli: Command, option: str) -> None:
    refused(cli("add", "Hello", option, ""), f"{option}: it is empty; give a value, or leave the option out.")


@pytest.mark.parametrize("option", ["--data-dir", "--config"])
def test_an_empty_path(cli: Command, option: str) -> None:
    refused(cli(option, "", "list"), option, "it is empty; give a path, or leave the option out.", code=2)


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_a_day_that_is_none(cli: Command, option: str) -> None:
    refused(cli("list", option, "2026-02-30"), f'{option}: "2026-02-30 00:00" is not a time: ')


@pytest.mark.parametrize(
    "link", ["example.org", "ftp://example.org/", "javascript:alert(1)", "https://", "https://a b"]
)
def test_a_link_that_is_no_web_address(cli: Command, link: str) -> None:
    told = f"{link!r} is not a web address; it begins with https://."
    refused(cli("add", "Hello", "--to", "site", "--link", link), f"--link: {told}")
    refused(cli("add", "Hello", "--to", "site", "--set", f"folder.link={link}"), f"[folder] link: {told}")
    refused(cli("add", "Hello", "--to", "site", "--link", link, "--dry-run"), f"--link: {told}")


def test_an_option_for_an_account_that_the_post_does_not_go_to(cli: Command) -> None:
    ran = cli("add", "Hello", "--to", "site", "--set", "sky.langs=en")
    refused(ran, "[sky]: the post does not go to sky; add it with --to.")


def test_a_draft_that_is_to_be_published_now(cli: Command) -> None:
    refused(cli("add", "Hello", "--now", "--draft"), "--now and --draft exclude each other.", code=2)


def test_an_unknown_option_of_a_network(cli: Command) -> None:
    ran = cli("add", "Hello", "--to", "sky", "--set", "bluesky.lang=en")
    refused(ran, "bluesky.lang (for sky): there is no such option. Did you mean langs?")


def test_a_wrong_value_of_an_option(cli: Command) -> None:
    ran = cli("add", "Hello", "--to", "sky", "--set", "bluesky.langs=english")
    refused(ran, "bluesky.langs (for sky): not a language tag such as en or pt-BR: english.")


def test_an_option_for_an_unknown_network(cli: Command) -> None:
    refused(
        cli("add", "Hello", "--to", "sky", "--set", "blueski.langs=en"), "[blueski]", "Did you mean bluesky?"
    )


@pytest.mark.parametrize("value", ["bluesky.langs", "langs=en", ".langs=en", "bluesky.=en"])
def test_an_option_in_the_wrong_form(cli: Command, value: str) -> None:
    refused(cli("add", "Hello", "--set", value), "--set: ", "NETWORK.OPTION=VALUE")


def test_an_unknown_front_matter_key(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "post.md").write_text('+++\ntitel = "Hello"\n+++\nHello\n')
    refused(cli("add", "post.md"), "front matter titel: post.md, line 2: ", "Did you mean title?")


def test_front_matter_that_is_not_toml(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "post.md").write_text("+++\ntitle = Hello\n+++\nHello\n")
    refused(cli("add", "post.md"), "front matter: post.md, line 2: this is not TOML")


def test_a_file_that_is_not_there(cli: Command) -> None:
    refused(
        cli("add", "Read my post.md", "--to", "site"), "Read my post.md: there is no such file. To publish"
    )


def test_a_folder_in_the_place_of_a_file(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "post.md").mkdir()
    refused(cli("add", "post.md"), "post.md: it cannot be read: Is a directory.")


def test_a_file_that_is_not_utf_8(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "post.md").write_bytes("Grüße\naus Köln".encode()[:10] + b"K\xf6ln")
    refused(
        cli("add", "post.md"),
        "post.md: it is not UTF-8: byte 0xf6 at position 11 (line 2). Save it as UTF-8.",
    )


def test_standard_input_that_is_not_utf_8(cli: Command) -> None:
    refused(
        cli("add", "-", stdin=b"\xff"), "standard input: it is not UTF-8: byte 0xff at position 0 (line 1)."
    )


def test_an_argument_that_is_not_utf_8(cli: Command) -> None:
    refused(cli("add", "K\udcf6ln"), "argument 6: it is not UTF-8 text")


def test_a_picture_that_is_really_html(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "bell.png").write_bytes(pictures.HTML)
    refused(cli("add", "Hello", "--to", "site", "--media", "bell.png=A bell"), "media bell.png: ", "HTML")


def test_a_picture_that_is_not_there(cli: Command) -> None:
    refused(
        cli("add", "Hello", "--to", "site", "--media", "bell.png"),
        "media bell.png: there is no file bell.png",
    )


def test_a_picture_too_many(cli: Command, tmp_path: Path) -> None:
    names = [f"{number}.png" for number in range(11)]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(pictures.png(8 + number))
    media = [word for name in names for word in ("--media", name)]
    refused(
        cli("add", "Hi", "--to", "sky", "--at", "in 3 d", *media),
        "media (for sky): 11 files, the limit is 10.",
    )


def test_every_problem_is_told_at_once(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "bell.png").write_bytes(pictures.HTML)
    long, options = "a" * 301, ("--media", "bell.png", "--set", "folder.slog=x", "--at", "yesterday")
    ran = cli("add", long, "--to", "sky,site,nobody", *options)
    refused(ran, "named nobody", "media bell.png", "folder.slog", '"yesterday"', "301 graphemes")
    assert all(line.startswith("postbell: ") for line in ran.err.splitlines())


def test_an_unknown_config_key(cli: Command) -> None:
    cli.config.write_text('timezon = "Europe/Berlin"\n\n[htp]\n')
    ran = cli("add", "Hello", "--to", "site")
    refused(
        ran, str(cli.config), "timezon: there is no such setting; did you mean timezone?", "http?", code=78
    )


def test_a_schedule_without_an_account(cli: Command) -> None:
    refused(cli("add", "Hello", "--at", "in 3 d"), "--to: it is meant for no account; name one with --to.")


def test_problems_as_json(cli: Command) -> None:
    ran = cli("add", "a" * 301, "--to", "sky", "--now", "--json")
    assert ran.code == 4
    assert ran.out == ""
    message = "301 graphemes, the limit is 300; shorten it by 1."
    assert ran.error["code"] == "invalid"
    assert ran.error["problems"] == [{"where": "text", "message": message, "account": "sky"}]


def test_now_and_a_time(cli: Command) -> None:
    refused(cli("add", "Hello", "--now", "--at", "18:00"), "--now and --at exclude each other.", code=2)


def test_a_prefix_that_nothing_begins_with(cli: Command) -> None:
    refused(cli("show", "zzz"), "There is no post 'zzz'.", code=3)


def test_a_dry_run_of_something_that_would_be_refused(cli: Command) -> None:
    ran = cli("add", "a" * 301, "--to", "site,sky", "--dry-run")
    assert ran.code == 4
    assert "text: 301 of 300 graphemes" in ran.out
    assert "would be refused: text (for sky): 301 graphemes" in ran.out


def test_a_dry_run_for_nobody(cli: Command) -> None:
    refused(cli("add", "Hello", "--dry-run"), "--to: it is meant for no account")


def test_a_dry_run_shows_the_exact_request_and_hides_what_is_secret(cli: Command) -> None:
    ran = cli.done("add", "Hello", "--to", "sky", "--at", "2099-01-01 10:00", "--dry-run", "--json")
    assert ran.json["at"] == "2099-01-01T09:00:00Z"
    assert ran.json["lengths"] == {
        "graphemes": {"count": 5, "limit": 300},
        "bytes": {"count": 5, "limit": 3000},
    }
    (call,) = ran.json["calls"]
    assert call["body"]["record"]["text"] == "Hello"
    assert "aaaa" not in ran.out


def test_a_dry_run_with_a_picture_leaves_no_copy(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "bell.png").write_bytes(pictures.png())
    ran = cli.done("add", "Hello", "--to", "sky", "--media", "bell.png=A bell", "--dry-run")
    assert "Nothing was stored, nothing was sent." in ran.out
