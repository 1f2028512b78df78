"""Posts from the command line: written, listed, shown, changed, moved."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from postbell.store.accounts import get_account, mark_unauthorized
from support import pictures
from support.command import Command, german, with_accounts


FAR = "2099-01-01 10:00"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    monkeypatch.chdir(tmp_path)
    return with_accounts(tmp_path)


def test_without_a_time_a_post_is_a_draft(cli: Command) -> None:
    ran = cli.done("add", "Hello", "--to", "site")
    assert re.fullmatch(r"Saved [a-z0-9]{8}: a draft, to site\.\n", ran.out)
    assert ran.err == ""


def test_a_draft_is_told_what_it_lacks(cli: Command) -> None:
    ran = cli.done("add", "a" * 301, "--to", "sky")
    assert ran.err == "note: text (for sky): 301 graphemes, the limit is 300; shorten it by 1.\n"


def test_a_time_is_echoed_in_local_time_with_its_zone_in_utc_and_as_a_distance(cli: Command) -> None:
    ran = cli.done("add", "Hello", "--to", "site,sky", "--at", FAR)
    time = r"Thu 1 Jan 2099 10:00 Europe/Berlin \(09:00Z, in \d+ d( \d+ h)?\)"
    assert re.fullmatch(rf"Saved \w+: scheduled for {time}, to site, sky\.\n", ran.out)


def test_a_scheduled_post_is_told_that_no_daemon_runs(cli: Command) -> None:
    ran = cli.done("add", "Hello", "--to", "site", "--at", FAR)
    assert ran.err == "note: no daemon is running, so nothing is published; start one with `postbell run`.\n"


def test_a_post_for_an_account_that_cannot_publish_is_told_so(cli: Command) -> None:
    cli.done("pause", "--account", "site")
    with cli.store() as store, store.write() as tx:
        mark_unauthorized(tx, get_account(tx, "sky").id, "wrong password")
    err = cli.done("add", "Hello", "--to", "site,sky", "--at", FAR).err
    assert "note: account site is paused; `postbell resume --account site`.\n" in err
    held = "account sky must be reconnected: wrong password; `postbell account reconnect sky`."
    assert f"note: {held}\n" in err


def test_a_time_that_the_clocks_leave_out_is_moved_and_that_is_told(cli: Command) -> None:
    ran = cli.done("add", "Hello", "--to", "site", "--at", "2099-03-29 02:30")
    assert "Sun 29 Mar 2099 03:30 Europe/Berlin (01:30Z" in ran.out
    note = "02:30 does not exist on that day in Europe/Berlin; moved to 03:30."
    assert f"note: {note}\n" in ran.err


def test_a_moved_time_is_told_as_json_too(cli: Command) -> None:
    post = cli.done("add", "Hello", "--to", "site", "--at", "2099-03-29 02:30", "--json").json
    assert (post["at"], post["local"], post["zone"]) == (
        "2099-03-29T01:30:00Z",
        "2099-03-29T03:30:00",
        "Europe/Berlin",
    )
    assert post["notes"][0] == "02:30 does not exist on that day in Europe/Berlin; moved to 03:30."


def test_quietly_the_id_alone_is_printed(cli: Command) -> None:
    ran = cli.done("--quiet", "add", "Hello", "--to", "site", "--at", FAR)
    assert re.fullmatch(r"[a-z0-9]{8}\n", ran.out)
    assert ran.err == ""


def test_another_zone_is_named_in_the_echo_and_in_the_list(cli: Command) -> None:
    out = cli.done("add", "Hello", "--to", "site", "--at", FAR, "--tz", "Asia/Tokyo").out
    assert "10:00 Asia/Tokyo (01:00Z" in out
    assert "2099-01-01 10:00 Asia/Tokyo" in cli.done("list").out


def test_now_is_due_at_once(cli: Command) -> None:
    post = cli.done("add", "Hello", "--to", "site", "--now", "--json").json
    assert post["state"] == "scheduled"
    assert post["deliveries"][0]["due_at"] == post["at"]
    assert cli.claim().keys() == {"site"}


def test_a_dated_draft_never_fires(cli: Command) -> None:
    ran = cli.done("add", "Hello", "--to", "site", "--at", FAR, "--draft")
    assert ": a draft, with the date Thu 1 Jan 2099 10:00" in ran.out
    assert cli.claim() == {}


def test_a_post_comes_from_standard_input(cli: Command) -> None:
    post = cli.done("add", "-", "--json", stdin='+++\nto = "site"\n+++\nGrüße\n'.encode()).json
    assert (post["text"], post["deliveries"][0]["account"]) == ("Grüße", "site")


def test_words_on_the_command_line_are_taken_as_they_are(cli: Command) -> None:
    text = "+++\ntitle = 1\n+++\n## @sky\n"
    assert cli.post(cli.add(text))["text"] == text


def test_a_manuscript_says_everything_and_finds_its_pictures_beside_it(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "posts").mkdir()
    (tmp_path / "posts" / "bell.png").write_bytes(pictures.png())
    (tmp_path / "posts" / "bell.md").write_text(
        f'+++\nto = ["site", "sky"]\nat = "{FAR}"\ntz = "UTC"\ntitle = "Bell"\nlink = "https://example.org"\n'
        'media = [{file = "bell.png", alt = "A bell"}]\n[bluesky]\nlangs = ["en"]\n+++\n'
        "For all.\n\n## @sky\n\nFor the sky.\n"
    )
    post = cli.post(cli.add("posts/bell.md"))
    assert (post["text"], post["title"], post["link"]) == ("For all.", "Bell", "https://example.org")
    assert (post["at"], post["zone"]) == ("2099-01-01T10:00:00Z", "UTC")
    assert [(item["name"], item["alt"]) for item in post["media"]] == [("bell.png", "A bell")]
    assert post["overrides"]["sky"]["text"] == "For the sky."
    assert post["overrides"]["bluesky"]["options"] == {"langs": ["en"]}


def test_options_win_over_the_file(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "post.md").write_text(
        '+++\nto = "site"\nat = "2020-01-01 10:00"\ntitle = "Old"\n[bluesky]\nlangs = "de"\n+++\nHello\n'
    )
    given = (
        "--to",
        "sky",
        "--at",
        FAR,
        "--title",
        "New",
        "--set",
        "bluesky.langs=en",
        "--set",
        "sky.link=https://a.b",
    )
    post = cli.post(cli.add("post.md", *given))
    assert [delivery["account"] for delivery in post["deliveries"]] == ["sky"]
    assert (post["local"], post["title"]) == ("2099-01-01T10:00:00", "New")
    assert post["overrides"]["bluesky"]["options"] == {"langs": "en"}
    assert post["overrides"]["sky"]["link"] == "https://a.b"


def test_a_picture_may_have_an_equals_sign_in_its_name(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "a=b.png").write_bytes(pictures.png())
    (tmp_path / "c.png").write_bytes(pictures.png(8, 8))
    post = cli.post(cli.add("Hi", "--media", "a=b.png", "--media", "c.png=x = y"))
    assert [(item["name"], item["alt"]) for item in post["media"]] == [("a=b.png", ""), ("c.png", "x = y")]


def test_the_list_is_in_the_order_of_time_and_drafts_come_last(cli: Command) -> None:
    draft, late = cli.add("Idea"), cli.add("Late", "--to", "site", "--at", "2099-01-02 10:00")
    early = cli.add("Early\nand more", "--to", "site", "--at", FAR)
    lines = cli.done("list").out.splitlines()
    assert lines[0].split() == ["ID", "STATE", "TIME", "ACCOUNTS", "POST"]
    assert [line.split()[0] for line in lines[1:]] == [early, late, draft]
    assert lines[1].endswith("scheduled  2099-01-01 10:00  site      Early and more")


def test_the_list_is_narrowed_by_state_account_and_range(cli: Command) -> None:
    idea = cli.add("Idea", "--to", "sky")
    early = cli.add("Early", "--to", "site", "--at", FAR)
    late = cli.add("Late", "--to", "site,sky", "--at", "2099-01-02 10:00")

    def ids(*words: str) -> list[str]:
        return [line["id"] for line in cli.done("list", *words, "--json").lines]

    assert ids("--state", "draft") == [idea]
    assert ids("--account", "sky") == [late, idea]
    assert ids("--since", "2099-01-02 00:00") == [late]
    assert ids("--since", "2020-01-01 00:00", "--until", "2099-01-02 00:00") == [early]
    assert ids("--outcome", "published") == []


def test_a_list_that_is_cut_short_has_the_latest_and_says_so(cli: Command) -> None:
    cli.add("Early", "--to", "site", "--at", FAR)
    late = cli.add("Late", "--to", "site", "--at", "2099-01-02 10:00")
    ran = cli.done("list", "--limit", "1")
    assert [line.split()[0] for line in ran.out.splitlines()[1:]] == [late]
    assert "there are more than 1" in ran.err
    assert "there are more than 1" in cli.done("list", "--limit", "1", "--json").err
    assert cli.done("--quiet", "list", "--limit", "1").err == ""


def test_an_empty_list_says_so(cli: Command) -> None:
    ran = cli.done("list")
    assert (ran.out, ran.err) == ("", "note: there are no such posts.\n")


def test_a_wrong_range_names_its_option(cli: Command) -> None:
    ran = cli("list", "--since", "whenever")
    assert ran.code == 4
    assert ran.err.startswith('postbell: --since: "whenever" is not a time')


def test_a_list_for_an_unknown_account_is_not_found(cli: Command) -> None:
    assert cli("list", "--account", "nobody").code == 3


def test_a_post_is_shown_with_everything(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "bell.png").write_bytes(pictures.png())
    media = ("--media", "bell.png=A bell")
    post_id = cli.add(
        "Hello", "--to", "sky", "--title", "T", "--at", FAR, "--set", "bluesky.langs=en", *media
    )
    out = cli.done("show", post_id[:6]).out
    wanted = (
        "10:00 Europe/Berlin",
        "bell.png (image/png, 40 x 30): A bell",
        'langs = "en"',
        "sky (bluesky)  scheduled",
    )
    assert all(words in out for words in wanted)
    assert out.endswith("\nHello\n")


def test_a_post_without_a_text_is_shown(cli: Command) -> None:
    post_id = cli.add("--title", "Idea")
    assert cli.done("show", post_id).out.splitlines()[-1] == "title  Idea"


def test_fields_are_changed_and_taken_away(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--title", "Old", "--link", "https://example.org", "--at", FAR)
    ran = cli.done("edit", post_id, "Good bye", "--title", "New", "--link", "", "--to", "site,sky")
    assert ran.out.startswith(f"Changed {post_id}: scheduled for Thu 1 Jan 2099 10:00")
    post = cli.post(post_id)
    assert (post["text"], post["title"], post["link"]) == ("Good bye", "New", None)
    assert [item["account"] for item in post["deliveries"]] == ["site", "sky"]


def test_pictures_are_replaced_and_taken_away(cli: Command, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(pictures.png(ord(name[0])))
    post_id = cli.add("Hello", "--media", "a.png")
    cli.done("edit", post_id, "--media", "b.png=B")
    assert [item["name"] for item in cli.post(post_id)["media"]] == ["b.png"]
    cli.done("edit", post_id, "--no-media")
    assert cli.post(post_id)["media"] == []
    assert cli("edit", post_id, "--no-media", "--media", "a.png").code == 2


def test_one_option_is_changed_and_the_others_stay(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "sky", "--set", "bluesky.langs=en", "--set", "bluesky.text=Hi")
    cli.done("edit", post_id, "--set", "bluesky.labels=nudity")
    said = cli.post(post_id)["overrides"]["bluesky"]
    assert (said["text"], said["options"]) == ("Hi", {"langs": "en", "labels": "nudity"})


def test_what_was_said_for_an_account_goes_with_it(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site,sky", "--set", "sky.text=Hi")
    cli.done("edit", post_id, "--to", "site")
    assert cli.post(post_id)["overrides"] == {}


def test_a_draft_that_is_given_a_time_is_scheduled(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site")
    cli.done("edit", post_id, "--at", FAR)
    post = cli.post(post_id)
    assert (post["state"], post["deliveries"][0]["due_at"]) == ("scheduled", "2099-01-01T09:00:00Z")


def test_a_scheduled_post_is_not_changed_into_one_that_would_be_refused(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "sky", "--at", FAR)
    before = cli.stored()
    assert cli("edit", post_id, "a" * 301).code == 4
    assert cli.stored() == before


def test_a_post_is_rescheduled_without_quotes(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--at", FAR)
    ran = cli.done("reschedule", post_id, "2099-03-29", "02:30", "--tz", "UTC")
    assert "scheduled for Sun 29 Mar 2099 02:30 UTC (02:30Z" in ran.out
    assert cli.post(post_id)["deliveries"][0]["due_at"] == "2099-03-29T02:30:00Z"


def test_a_scheduled_post_becomes_a_draft_again(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--at", FAR)
    assert ": a draft, with the date " in cli.done("reschedule", post_id, "--draft").out
    assert cli.claim() == {}
    assert cli("reschedule", post_id, "--draft").code == 5


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "Give a time, --queue, --auto or --draft."),
        (("18:00", "--draft"), "--draft and WHEN exclude each other."),
        (("18:00", "--queue"), "--queue and WHEN exclude each other."),
    ],
)
def test_rescheduling_needs_a_time_or_none(cli: Command, words: tuple[str, ...], told: str) -> None:
    ran = cli("reschedule", cli.add("Hello"), *words)
    assert (ran.code, told in ran.err) == (2, True)


def test_a_post_is_not_rescheduled_into_the_past(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--at", FAR)
    assert cli("reschedule", post_id, "2020-01-01 10:00").code == 4
    assert cli.post(post_id)["local"] == "2099-01-01T10:00:00"


def test_a_draft_is_published_now(cli: Command) -> None:
    cli.done("publish", cli.add("Hello", "--to", "site"))
    assert cli.claim().keys() == {"site"}


def test_a_cancelled_post_is_kept_and_cannot_be_changed(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--at", FAR)
    assert cli.done("cancel", post_id).out == f"Cancelled {post_id}: cancelled, to site.\n"
    for words in (("edit", post_id, "--title", "T"), ("reschedule", post_id, "18:00"), ("cancel", post_id)):
        ran = cli(*words)
        assert ran.code == 5
        assert f"Post {post_id} is cancelled: " in ran.err


@pytest.mark.parametrize("words", [("publish",), ("reschedule", "18:00"), ("reschedule", "--draft")])
def test_who_wants_to_move_a_cancelled_post_is_told_to_write_it_anew(
    cli: Command, words: tuple[str, ...]
) -> None:
    post_id = cli.add("Hello", "--to", "site", "--at", FAR)
    cli.done("cancel", post_id)
    ran = cli(words[0], post_id, *words[1:])
    told = "is cancelled: to publish it anew, write it again with `postbell add`. Nothing was changed."
    assert (ran.code, ran.err) == (5, f"postbell: Post {post_id} {told}\n")


def test_a_cancelled_post_is_told_by_its_id_quietly_and_as_json(cli: Command) -> None:
    first, second = cli.add("Hello", "--to", "site"), cli.add("Hello", "--to", "site")
    assert cli.done("--quiet", "cancel", first).out == f"{first}\n"
    assert cli.done("cancel", second, "--json").json["outcome"] == "cancelled"


def test_a_deleted_post_is_gone(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--at", FAR)
    assert cli.done("delete", post_id, "--yes", "--json").json["deleted"]
    assert cli("show", post_id).code == 3


def test_a_prefix_of_several_ids_is_refused_with_all_of_them(cli: Command) -> None:
    ids: dict[str, str] = {}
    while True:
        post_id = cli.add("Hello")
        if (first := post_id[0]) in ids:
            break
        ids[first] = post_id
    ran = cli("show", first)
    assert ran.code == 4
    assert post_id in ran.err
    assert ids[first] in ran.err
