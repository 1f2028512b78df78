"""Commands print the same at another machine, through its HTTP API, as they do on it."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from postbell.remote.client import Client
from postbell.remote.sending import send_files
from support import pictures
from support.command import Ran
from support.elsewhere import Two, run_here, told, two_in
from support.home import make_home, served


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with two_in(tmp_path_factory.mktemp("remote")) as made:
        yield made


def test_what_is_read_is_told_alike_in_words_and_as_json(two: Two) -> None:
    post = two.here("-q", "add", "Hello", "--to", "out", "--at", "in 3 d", "--label", "news").out.strip()
    sent = two.here("-q", "add", "Now", "--to", "out", "--now").out.strip()
    assert two.here("wait", sent).code == 0
    two.here("add", "A draft", "--title", "Later", "--then", "and on", "--to", "out,other")
    two.here("add", "An article", "--external-id", "cms-4711")
    made = two.here(
        "series", "add", "Morning", "--to", "out", "--repeat", "daily", "--time", "07:30", "--json"
    )
    series = json.loads(made.out)["id"]
    two.here("queue", "slots", "out", "mon-fri 09:00")
    two.here("add", "In turn", "--to", "out", "--queue")
    for words in (
        ("list",),
        ("list", "--state", "draft"),
        ("list", "--account", "nobody"),
        ("list", "--external-id", "cms-4711"),
        ("list", "--limit", "1"),
        ("show", post),
        ("show", post[:6]),
        ("show", sent),
        ("show", "nothing"),
        ("log", sent),
        ("log", post),
        ("wait", sent),
        ("wait", post, "--timeout", "0"),
        ("status",),
        ("account", "list"),
        ("series", "list"),
        ("series", "show", series, "--count", "3"),
        ("series", "show", "nothing"),
        ("queue", "show"),
        ("queue", "show", "out", "--count", "2"),
        ("queue", "show", "nobody"),
        ("next",),
        ("next", "--count", "3", "--until", "in 2 d"),
        ("agenda",),
    ):
        two.same(*words)
        told = two.same(*words, "--json")
        assert told or words[-1] in ("nobody", "nothing", "0", post), words


def test_what_would_happen_is_told_alike(two: Two) -> None:
    two.here("queue", "slots", "other", "mon-fri 09:00")
    begin, noon, end = (f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d} 12:00" for days in (2, 3, 4))
    later = noon.replace(" 12:", " 20:")  # long after the downtime, of which the rest is late
    two.here("add", "", "--title", "Only a title", "--to", "out", "--at", later, "--allow-duplicate")
    for words in (
        ("rehearse", "--to", "in 5 d"),
        ("rehearse", "--from", begin, "--to", end, "--downtime", f"{begin}..{noon}"),
        ("rehearse", "--to", "yesterday", "--downtime", "never"),
        ("rehearse", "--from", "yesterday"),
    ):
        two.same(*words)
        two.same(*words, "--json")
    two.here("queue", "slots", "other", "--clear")
    assert "at most 92 days" in two.there("rehearse", "--to", "in 200 d").err


def test_the_database_is_looked_after_alike(two: Two) -> None:
    for words in (("db", "check"), ("db", "backup")):
        two.same(*words)
        two.same(*words, "--json")


def test_what_an_edit_would_change_in_public_is_told_alike(two: Two) -> None:
    sent = two.here("-q", "add", "As it was", "--to", "out,other", "--now", "--allow-duplicate").out.strip()
    assert two.here("wait", sent).code == 0
    for words in (
        ("edit", sent, "As it is\nnow", "--title", "A title", "--published", "--dry-run"),
        ("edit", sent, "As it is", "--published", "--dry-run", "--account", "out", "--json"),
        ("edit", sent, "As it was", "--published", "--dry-run"),
        ("edit", sent, "As it is", "--published", "--dry-run", "--account", "nobody"),
        ("edit", sent, "As it is", "--published", "--dry-run", "--at", "tomorrow 9am"),
        ("show", sent),
    ):
        two.same(*words)


def changes(run: Callable[..., Ran]) -> list[tuple[int, str, str]]:
    """Write a post, and do with it whatever commands can do; return what each has told."""
    first = run(
        "add", "One", "--to", "out", "--at", "in 3 d", "--label", "a,b", "--json", "--allow-duplicate"
    )
    post = str(json.loads(first.out)["id"])
    words = [
        ("edit", post, "Another text", "--title", "A title", "--label", "c", "--late-limit", "6 h"),
        ("edit", post, "--title", "", "--late-limit", "", "--then", "and more", "--json"),
        ("edit", post, "--comment", "More of it", "--comment-after", "5 min"),
        ("edit", post, "--comment", "", "--json"),
        ("edit", post, "--external-id", "cms-47", "--json"),
        ("edit", post, "--external-id", "", "--json"),
        ("edit", post, "--external-id", "a\nb"),
        ("edit", post, "--to", "nobody"),
        ("reschedule", post, "in 4 d"),
        ("reschedule", post, "yesterday"),
        ("reschedule", post, "--draft"),
        ("wait", post),
        ("-q", "publish", post, "--allow-duplicate"),  # the daemon may have begun with it
        ("wait", post),
        ("edit", post, "Too late"),
        ("edit", post, "Not too late", "--published"),
        ("edit", post, "", "--published", "--title", "Another", "--json"),
        ("edit", post, "Where?", "--published", "--account", "nobody"),
        ("edit", post, "Later", "--published", "--at", "tomorrow 9am"),
        ("cancel", post),
        ("retry", post),
        ("settle", post, "--failed"),
        ("delete", post, "--yes"),
        ("unpublish", post, "--yes"),
        ("add", "Wrong", "--to", "nobody", "--at", "never", "--link", "x"),
        ("add", "Wrong", "--to", "nobody", "--json", "--link", "x"),
    ]
    found = [told(first, post), *(told(run(*each), post) for each in words)]
    last = run("-q", "add", "Two", "--to", "out", "--at", "in 5 d", "--allow-duplicate").out.strip()
    ends = [
        ("edit", last, "--set", "out.slog=one"),
        ("edit", last, "--set", "out.slog=one", "--unchecked"),
        ("edit", last, "--set", "out.slog=two", "--json"),
        ("show", last),
        ("cancel", last),
        ("delete", last, "--yes", "--json"),
        ("show", last),
    ]
    return [*found, *(told(run(*each), last) for each in ends)]


def test_what_is_changed_is_told_alike_and_is_the_same_then(two: Two) -> None:
    for one, other in zip(changes(two.here), changes(two.there), strict=True):
        assert one == other


_HOOK = ("--url", "http://127.0.0.1:9/bell", "--allow-local", "--events", "post.*")
#: Commands that look after accounts, queues, pauses and hooks, and leave all as it was; POST is a post.
_LOOKED_AFTER = [
    ("account", "show", "out"),
    ("account", "show", "out", "--json"),
    ("account", "show", "nobody"),
    ("account", "check"),
    ("account", "check", "out", "--json"),
    ("account", "check", "out", "nobody"),
    ("account", "limits", "out", "--min-gap", "30 min", "--quota", "day=25", "--quota", "month=none"),
    ("account", "limits", "out", "--late-limit", "soon", "--quota", "week=2"),
    ("account", "limits", "out"),
    ("account", "limits", "out", "--min-gap", "none", "--quota", "default", "--json"),
    ("account", "adds", "out", "--signature", "More on example.com", "--utm", "source={network}"),
    ("account", "adds", "out"),
    ("account", "adds", "out", "--signature", "none", "--utm", "source=none", "--json"),
    ("account", "rename", "other", "out"),
    ("account", "rename", "other", "elsewhere"),
    ("account", "rename", "elsewhere", "other", "--json"),
    ("account", "remove", "nobody", "--yes"),
    ("account", "remove", "out", "--yes"),
    ("queue", "slots", "other"),
    ("queue", "slots", "other", "mon-fri 09:00,17:30", "--tz", "Asia/Tokyo", "--off", "2099-12-24"),
    ("queue", "slots", "other", "sat 11:00", "--off", "none", "--json"),
    ("queue", "slots", "other", "someday", "--tz", "Nowhere"),
    ("queue", "reorder", "other", "zzzzzzzz"),
    ("queue", "shuffle", "other", "--seed", "4"),
    ("queue", "slots", "other", "--clear"),
    ("pause", "--account", "out", "--label", "nothing", "--until", "in 2 d"),
    ("pause", "--all", "--json"),
    ("pause", "--series", "zzzz"),
    ("resume", "--account", "out", "--label", "nothing", "--json"),
    ("resume", "--all"),
    ("metrics", "POST"),
    ("metrics", "POST", "--json"),
    ("engagement", "POST", "24"),
    ("engagement", "POST", "24", "--account", "nobody"),
    ("engagement",),
    ("engagement", "--json"),
    ("networks", "folder"),
    ("hook", "add", "--name", "bell", *_HOOK),
    ("hook", "add", "--name", "bell", *_HOOK),
    ("hook", "list"),
    ("hook", "list", "--json"),
    ("hook", "test", "bell"),
    ("hook", "rotate", "bell"),
    ("hook", "log", "bell"),
    ("hook", "remove", "bell", "--yes", "--json"),
    ("hook", "remove", "bell", "--yes"),
    ("notify", "list"),
    ("notify", "list", "--json"),
    ("notify", "test"),
]


def test_what_is_looked_after_is_told_alike(two: Two) -> None:
    add = ("-q", "add", "Now", "--to", "out", "--now", "--allow-duplicate")
    sent = two.here(*add).out.strip()
    assert two.here("wait", sent).code == 0
    two.here("add", "Later", "--to", "out", "--at", "in 9 d", "--allow-duplicate")  # so `out` is needed
    two.here("account", "check")  # from then on it is known what they are called there
    found = []
    for run in (two.here, two.there):
        asked = [[sent if word == "POST" else word for word in each] for each in _LOOKED_AFTER]
        found.append([(each, told(run(*each), sent)) for each in asked])
    differ = [f"{here}\n{there}" for here, there in zip(*found, strict=True) if here != there]
    assert not differ, "\n\n".join(differ)


def test_what_was_held_until_a_moment_ago_is_free(two: Two) -> None:
    for _ in range(3):  # answers tell the time in whole seconds, so this is seen within the second
        for command in ("pause", "resume"):
            assert two.here(command, "--account", "other").code == 0
        assert "state       ok\n" in two.there("account", "show", "other").out
        assert "rests" not in two.there("account", "list").out


def test_variables_say_the_same_as_the_options(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    here = two.here("account", "list").out
    monkeypatch.setenv("POSTBELL_URL", two.url)
    monkeypatch.setenv("POSTBELL_KEY_FILE", str(two.key_file))
    assert run_here("account", "list").out == here


def test_a_backup_at_a_place_of_ones_own_is_made_there(two: Two) -> None:
    ran = two.there("db", "backup", "mine.db")
    assert (ran.code, "mine.db would be written by the other machine" in ran.err) == (2, True)


def video(folder: Path, size: int = 17_000_000) -> Path:
    """Write a video that is sent in several parts."""
    return pictures.written(folder, "runs.mp4", pictures.long_mp4(size))


def test_files_go_along_and_are_told_alike(two: Two, tmp_path: Path) -> None:
    cat, runs = pictures.written(tmp_path, "cat.png", pictures.png()), video(tmp_path)
    page = pictures.written(tmp_path, "page.jpg", pictures.HTML)
    found = []
    for run in (two.here, two.there):
        first = run("add", "A cat", "--to", "out", "--media", f"{cat}=It sits", "--json", "--allow-duplicate")
        post = json.loads(first.out)["id"]
        asked = [
            ("edit", post, "--media", f"{runs}=It runs", "--media", str(cat)),
            ("show", post, "--json"),
            ("edit", post, "--comment", "More", "--media", f"comment:{cat}=It sits", "--json"),
            ("show", post),
            ("edit", post, "--comment", ""),
            ("edit", post, "--media", f"comment:{cat}=It sits"),
            ("edit", post, "--no-media"),
            ("add", "A page", "--to", "out,nobody", "--media", str(page), "--link", "x"),
            ("add", "No file", "--to", "out", "--media", str(tmp_path / "none.png"), "--json"),
            ("edit", post, "--media", str(page)),
            ("delete", post, "--yes"),
        ]
        found.append([told(first, post), *(told(run(*each), post) for each in asked)])
    for here, there in zip(*found, strict=True):
        assert here == there


def test_what_would_be_sent_is_told_alike_and_that_files_lie_there(two: Two, tmp_path: Path) -> None:
    cat = pictures.written(tmp_path, "cat.png", pictures.png(4000, 3000))
    for words in (
        ("add", "Hello", "--to", "out", "--at", "in 3 d", "--dry-run"),
        ("add", "Hello", "--to", "out,other", "--then", "and on", "--dry-run", "--json"),
        ("add", "Hello", "--to", "nobody", "--link", "x", "--dry-run"),
        ("add", "Hello", "--at", "never", "--dry-run"),
    ):
        two.same(*words)
    words = ("add", "A cat", "--to", "out", "--media", str(cat), "--dry-run")
    here, there = two.here(*words), two.there(*words)
    assert told(here)[:2] == told(there)[:2]
    assert "removed after a day" in there.err


def test_a_file_whose_answers_are_lost_is_sent_whole_and_once(two: Two, tmp_path: Path) -> None:
    runs, steps = video(tmp_path), list[int]()
    lost = iter([True, False, True])

    class Lossy(Client):
        def tus(self, method: str, path: str, headers: Any, **content: bytes) -> httpx.Response:
            answer = super().tus(method, path, headers, **content)
            if method == "PATCH" and next(lost, False):
                return super().tus(method, path, headers, **content)  # as if it had to be sent again
            return answer

    @contextlib.contextmanager
    def progress(_label: str, length: int) -> Iterator[Callable[[int], None]]:
        yield steps.append
        assert sum(steps) == length

    client = Lossy(two.url, two.key_file)
    sent = send_files(client, [(runs, "It runs")], progress)
    client.close()
    assert (sent.problems, sent.count) == ((), 1)
    assert sent.media[0].sha256 == hashlib.sha256(runs.read_bytes()).hexdigest()
    assert (sent.media[0].name, sent.media[0].alt) == ("runs.mp4", "It runs")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://nas.example", "is not encrypted"),
        ("nonsense", "is no place"),
        ("https://xn--a.invalid", "is no place"),
        ("/nowhere.sock", "cannot be asked"),
        ("http://localhost:1", "cannot be asked"),
    ],
)
def test_a_place_that_cannot_be_asked_is_told(two: Two, url: str, says: str) -> None:
    ran = run_here("--remote", url, "--key-file", str(two.key_file), "list")
    assert ran.code in (75, 78)
    assert says in ran.err


def test_a_key_that_is_none_is_told(two: Two, tmp_path: Path) -> None:
    for content, mode, code, says in (
        ("postbell_wrong", 0o600, 78, "key"),
        ("x", 0o644, 78, "Others can read"),
        ("", 0o600, 78, "holds no key"),
    ):
        file = tmp_path / "key"
        file.write_text(content)
        file.chmod(mode)
        ran = run_here("--remote", two.url, "--key-file", str(file), "list")
        assert (ran.code, says in ran.err) == (code, True), ran.err
    ran = run_here("--remote", two.url, "list")
    assert (ran.code, "There is no key" in ran.err) == (78, True)


def test_a_unix_socket_needs_no_key(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    socket = tmp_path / "api.sock"
    home.env["POSTBELL_API__LISTEN"] = str(socket)
    with served(home):
        for url in (str(socket), f"http+unix://{str(socket).replace('/', '%2F')}"):
            ran = run_here("--remote", url, "status")
            assert (ran.code, "runs as process" in ran.out) == (0, True), ran.err
