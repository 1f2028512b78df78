"""Times of single accounts from the command line, and in files."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postbell.cli.own_times import NAME
from postbell.publishing import registry
from postbell.services.media.media_store import MediaStore
from postbell.store import queue
from support.command import Command, german, with_accounts
from support.editor import Editor


FAR, LATER = "2099-01-01 10:00", "2099-01-02 09:00"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.delenv("VISUAL", raising=False)
    return with_accounts(tmp_path)


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    return Editor(tmp_path, monkeypatch)


def due(cli: Command, post: str) -> dict[str, str]:
    return {each["account"]: each["due_at"] for each in cli.post(post)["deliveries"]}


def test_an_account_is_given_a_time_of_its_own_and_all_times_are_told(cli: Command) -> None:
    ran = cli.done("add", "Hello", "--to", "site,sky", "--at", LATER, "--at", f"sky={FAR}")
    distance = r"in \d+ d( \d+ h)?"
    to = r", to site, sky\."
    assert re.fullmatch(
        rf"Saved \w+: scheduled for Thu 1 Jan 2099 10:00 Europe/Berlin \(09:00Z, {distance}\){to}\n"
        rf"  site  Fri 2 Jan 2099 09:00 Europe/Berlin \(08:00Z, {distance}\)\n"
        rf"  sky   Thu 1 Jan 2099 10:00 Europe/Berlin \(09:00Z, {distance}\)\n",
        ran.out,
    )


def test_one_now_and_the_others_later(cli: Command) -> None:
    post = cli.add("Hello", "--to", "site,sky", "--now", "--at", f"sky={FAR}")
    assert cli.claim().keys() == {"site", "sky"}  # the clock there stands in the year 2100
    assert due(cli, post)["sky"] == "2099-01-01T09:00:00Z"


def test_several_accounts_share_a_time_and_each_may_be_on_other_clocks(cli: Command) -> None:
    post = cli.add("Hello", "--to", "site,sky", "--at", f"site, sky = {FAR} Asia/Tokyo")
    assert set(due(cli, post).values()) == {"2099-01-01T01:00:00Z"}
    assert cli.post(post)["zone"] == "Asia/Tokyo"


def test_each_time_is_told_on_its_own_clocks(cli: Command) -> None:
    ran = cli.done("add", "Hello", "--to", "site,sky", "--at", FAR, "--at", f"sky={LATER} Asia/Tokyo")
    assert "\n  sky   Fri 2 Jan 2099 09:00 Asia/Tokyo (00:00Z" in ran.out
    assert "time: Fri 2 Jan 2099 09:00 Asia/Tokyo" in cli.done("show", ran.out.split()[1].strip(":")).out


def test_it_is_an_option_of_the_account_and_stands_in_files_like_one(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        f'+++\nto = "site,sky"\nat = "{LATER}"\n\n[sky]\nat = "{FAR}"\n+++\n\nHello\n\n## @sky\n\nFor sky\n'
    )
    post = cli.add("a.md")
    assert due(cli, post) == {"site": "2099-01-02T08:00:00Z", "sky": "2099-01-01T09:00:00Z"}
    assert cli.post(post)["overrides"]["sky"]["text"] == "For sky"
    assert cli.post(post)["overrides"]["sky"]["options"] == {}
    other = cli.add("Other", "--to", "site,sky", "--at", LATER, "--set", f"sky.at={FAR}")
    assert due(cli, other) == due(cli, post)
    assert cli.post(other)["overrides"] == {}


def test_no_network_has_an_option_of_that_name() -> None:
    networks = map(registry.get, registry.keys())
    assert [network.key for network in networks if NAME in network.Options.model_fields] == []


def test_options_win_over_the_file(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(f'+++\nto = "site,sky"\n[sky]\nat = "{FAR}"\n+++\nHello')
    post = cli.add("a.md", "--at", FAR, "--at", f"sky={LATER}")
    assert due(cli, post) == {"site": "2099-01-01T09:00:00Z", "sky": "2099-01-02T08:00:00Z"}


def test_every_time_that_is_no_good_is_told_with_its_account(cli: Command) -> None:
    before = cli.stored()
    ran = cli(
        *("add", "Hello", "--to", "site,sky", "--at", "2001-01-01 10:00"),
        *("--at", "site=whenever", "--at", "sky=yesterday noon", "--at", f"skj={FAR}"),
    )
    assert ran.code == 4
    for said in (
        '--at: "2001-01-01 10:00" is past',
        '--at site: "whenever" is not a time',
        '--at sky: "yesterday noon" is not a time',
        "--at skj: there is no network or account of that name. Did you mean sky?",
    ):
        assert said in ran.err
    assert cli.stored() == before


def test_the_rules_of_the_clocks_hold_for_each_time(cli: Command) -> None:
    ran = cli.done(
        *("add", "Hello", "--to", "site,sky", "--at", "site=2099-03-29 02:30"),
        *("--at", "sky=2099-10-25 02:30", "--json"),
    )
    first, second, *_ = ran.json["notes"]
    assert first == "site: 02:30 does not exist on that day in Europe/Berlin; moved to 03:30."
    assert second.startswith("sky: 02:30 comes twice")
    assert [each["due_at"] for each in ran.json["deliveries"]] == [
        "2099-03-29T01:30:00Z",
        "2099-10-25T00:30:00Z",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--at", FAR, "--at", LATER), '--at is given twice; for one account alone it is --at NAME="WHEN".'),
        (("--at", f"sky={FAR}", "--at", f"sky={LATER}"), "--at is given twice for sky."),
        (("--at", f"={FAR}"), 'is not of the form NAME=WHEN, for instance sky="tomorrow 9am".'),
        (("--at", "sky="), "is not of the form NAME=WHEN"),
        (("--at", f"sky={FAR}"), "--at (for site): it has no time"),
        (("--at", f"sky={FAR} Asia/Tokyo", "--tz", "Europe/Berlin"), "--at sky: "),
        (("--draft", "--now"), "exclude each other"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(cli: Command, words: tuple[str, ...], said: str) -> None:
    ran = cli("add", "Hello", "--to", "site,sky", *words)
    assert ran.code in (2, 4)
    assert said in ran.err


def test_a_draft_keeps_them_and_shows_them(cli: Command) -> None:
    ran = cli.done("add", "Hello", "--to", "site,sky", "--draft", "--at", LATER, "--at", f"sky={FAR}")
    assert ": a draft, with the date Thu 1 Jan 2099 10:00" in ran.out
    assert "\n  site  Fri 2 Jan 2099 09:00 Europe/Berlin" in ran.out
    near = ("--at", "in 3 d at 10:00", "--at", "sky=in 2 d at 11:00")
    cli.done("add", "Near", "--to", "site,sky", "--draft", *near)
    assert re.search(r" 11:00  sky .*\n.*\n +10:00  site ", cli.done("agenda").out)


def test_a_look_shows_each_time_on_its_clocks(cli: Command) -> None:
    ran = cli.done(
        "add", "Hello", "--to", "site,sky", "--dry-run", "--at", LATER, "--at", f"sky={FAR} Asia/Tokyo"
    )
    assert "time: Fri 2 Jan 2099 09:00 Europe/Berlin" in ran.out
    assert "time: Thu 1 Jan 2099 10:00 Asia/Tokyo" in ran.out
    lacking = cli("add", "Hello", "--to", "site,sky", "--dry-run", "--at", f"sky={FAR}")
    assert lacking.code == 4
    assert "would be refused: --at (for site): it has no time" in lacking.out


def test_one_account_is_moved_alone_and_a_time_for_all_is_for_all(cli: Command) -> None:
    post = cli.add("Hello", "--to", "site,sky", "--at", FAR)
    cli.done("edit", post, "--at", f"sky={LATER}")
    assert due(cli, post) == {"site": "2099-01-01T09:00:00Z", "sky": "2099-01-02T08:00:00Z"}
    cli.done("reschedule", post, "2099-01-03", "9am", "--account", "site")
    assert due(cli, post) == {"site": "2099-01-03T08:00:00Z", "sky": "2099-01-02T08:00:00Z"}
    nobody = cli("reschedule", post, "2099-01-03", "9am", "--account", "nobody")
    assert (nobody.code, nobody.err) == (
        3,
        f"postbell: Post {post} is not meant for nobody; its accounts: site, sky.\n",
    )
    ran = cli.done("reschedule", post, "2099-01-04", "9am")
    assert set(due(cli, post).values()) == {"2099-01-04T08:00:00Z"}
    assert "note: time: its accounts had times of their own; now they have this one.\n" in ran.err


@pytest.mark.parametrize("words", [("--queue",), ("--draft",)])
def test_only_a_time_is_for_one_account(cli: Command, words: tuple[str, ...]) -> None:
    post = cli.add("Hello", "--to", "site,sky", "--at", FAR)
    ran = cli("reschedule", post, *words, "--account", "sky")
    assert ran.code == 2
    assert "--account needs a time for it." in ran.err


def test_what_is_still_to_come_is_told_and_moved(cli: Command) -> None:
    post = cli.add("Hello", "--to", "site,sky", "--now", "--at", f"sky={FAR}")
    begin(cli)
    show = cli.done("show", post).out
    assert "state  processing\n" in show
    assert re.search(r"sky \(bluesky\)  scheduled\n +time: Thu 1 Jan 2099 10:00", show)
    refused = cli("reschedule", post, "2099-02-01", "noon")
    way = f"`postbell reschedule {post} WHEN --account sky` moves it there"
    assert f"is under way: {way}, `postbell publish {post}` publishes it now." in refused.err
    refused = cli("reschedule", post, "2099-02-01", "noon", "--account", "site")
    assert (
        "has begun there (site: processing); it can be changed on sky, where it is still to come"
        in refused.err
    )
    moved = cli.done("reschedule", post, "2099-02-01", "noon", "--account", "sky").out
    assert "processing (site: processing, sky: scheduled).\n  sky  Sun 1 Feb 2099 12:00 " in moved
    cli.done("edit", post, "--set", "sky.text=For sky", "--at", f"sky={LATER}")
    assert due(cli, post)["sky"] == "2099-01-02T08:00:00Z"
    assert cli.post(post)["overrides"]["sky"]["text"] == "For sky"
    way = f"`postbell edit {post} --set sky.text=…` rewords it."
    for words in (("Another text",), ()):
        assert way in cli("edit", post, *words).err


def begin(cli: Command) -> None:
    """Let a daemon begin with what is due now."""
    with cli.store() as store, store.write() as tx:
        now = datetime.now(UTC)  # as the command has it
        assert queue.claim_due(tx, now, 10, MediaStore(cli.data / "media").path_of)


def test_the_whole_post_is_edited_with_its_times(cli: Command, editor: Editor) -> None:
    post = cli.add("Hello", "--to", "site,sky", "--at", LATER, "--at", f"sky={FAR}")
    editor("true")
    assert cli.done("edit", post).out.startswith("Kept")
    seen = editor.seen.read_text()
    assert f'at = "{FAR}"\n' in seen
    assert f'[site]\nat = "{LATER}"\n' in seen
    editor(f'sed -i "s/{LATER}/2099-01-05 09:00/" "$1"')
    cli.done("edit", post)
    assert due(cli, post) == {"site": "2099-01-05T08:00:00Z", "sky": "2099-01-01T09:00:00Z"}
    editor(f'sed -i "s/{FAR}/2099-01-06 10:00/" "$1"')
    cli.done("edit", post)
    assert due(cli, post) == {"site": "2099-01-05T08:00:00Z", "sky": "2099-01-06T09:00:00Z"}
    editor("""sed -i '/^.sky.$/,+1d' "$1" """)
    cli.done("edit", post)
    assert set(due(cli, post).values()) == {"2099-01-05T08:00:00Z"}


def test_a_series_has_no_times_for_single_accounts(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        f'+++\nto = "site,sky"\n[repeat]\nrepeat = "daily"\nat = "9am"\n[sky]\nat = "{FAR}"\n+++\nHello'
    )
    for words in (("a.md",), ("Hello", "--to", "site,sky", "--repeat", "daily", "--set", "sky.at=9am")):
        ran = cli("series", "add", *words)
        assert ran.code == 4
        assert "[sky] at: leave it out: a series has the same times for all of its accounts" in ran.err
