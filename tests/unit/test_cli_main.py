"""The command itself: what it costs, how it ends, how it tells errors."""

from __future__ import annotations

import errno
import json
import re
import signal
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import click
import pytest

from postbell import __version__
from postbell.cli.common import State
from postbell.cli.example import example_config
from postbell.cli.main import COMMANDS, load
from postbell.cli.words import one_line, printable
from postbell.settings import Settings
from support import pictures
from support.command import Command, german, with_accounts


POSTBELL = Path(sysconfig.get_path("scripts")) / "postbell"
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    return with_accounts(tmp_path)


def installed(cli: Command, *words: str) -> list[str]:
    return [str(POSTBELL), "--data-dir", str(cli.data), "--config", str(cli.config), *words]


def test_the_installed_command_tells_its_version() -> None:
    ran = subprocess.run([POSTBELL, "--version"], check=True, capture_output=True, text=True)
    assert ran.stdout == f"postbell {__version__}\n"


def test_the_installed_command_ends_with_the_code_of_the_error(cli: Command) -> None:
    ran = subprocess.run(installed(cli, "show", "zzz"), check=False, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr.startswith("postbell: There is no post 'zzz'.")


def test_the_package_can_be_run_as_a_module() -> None:
    words = [sys.executable, "-m", "postbell", "--version"]
    assert subprocess.run(words, check=True, capture_output=True).stdout.startswith(b"postbell ")


def test_a_command_ends_quietly_where_nobody_reads(cli: Command) -> None:
    with subprocess.Popen(
        installed(cli, "--help"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout
        assert running.stderr
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 1


@pytest.mark.parametrize("words", [("--help",), ("list", "--json"), ("add", "Hello")])
def test_output_that_cannot_be_written_is_told_and_what_was_done_is_done(
    cli: Command, words: tuple[str, ...]
) -> None:
    cli.add("First", "--to", "site")
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            installed(cli, *words), check=False, stdout=full, stderr=subprocess.PIPE, text=True
        )
    message = "The output could not be written (No space left on device); what the command did is done."
    assert ran.returncode == 1
    if "--json" in words:
        assert json.loads(ran.stderr)["error"]["message"] == message
    else:
        assert ran.stderr == f"postbell: {message}\n"
    assert len(cli.done("list", "--json").lines) == (2 if words[0] == "add" else 1)


@pytest.mark.parametrize("words", ["list", "add Hello", "account list", "db backup", "show zzz"])
def test_closed_streams_are_no_fault(cli: Command, words: str) -> None:
    cli.add("First", "--to", "site")
    command = f'"$@" {words} <&- >&-'
    ran = subprocess.run(
        ["sh", "-c", command, "sh", *installed(cli)], check=False, stderr=subprocess.PIPE, text=True
    )
    assert ran.returncode == (3 if "zzz" in words else 0)
    assert "fault" not in ran.stderr


def test_an_error_that_cannot_be_told_still_gives_its_code(cli: Command) -> None:
    with Path("/dev/full").open("w") as full:
        assert subprocess.run(installed(cli, "show", "zzz"), check=False, stderr=full).returncode == 3


def test_an_interrupted_command_ends_with_130(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--now")
    with subprocess.Popen(installed(cli, "wait", post_id), stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr
        assert "no daemon is running" in running.stderr.readline()
        running.send_signal(signal.SIGINT)
        assert running.stderr.read().strip() == "postbell: interrupted"
    assert running.returncode == 130


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_says_of_itself_what_the_list_says(name: str) -> None:
    place, text = COMMANDS[name]
    command = load(place)
    assert command.name == name
    assert command.get_short_help_str(200) == text


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_group_tells_of_each_command_in_a_whole_sentence(cli: Command, name: str) -> None:
    if isinstance(load(COMMANDS[name][0]), click.Group):
        _, _, commands = cli.done(name, "--help").out.partition("Commands:\n")
        told = re.split(r"\n(?=  \w)", commands.rstrip())
        assert all(text.endswith(".") and "..." not in text for text in told), told


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_accepts_json_after_its_name(name: str) -> None:
    command = load(COMMANDS[name][0])
    commands = command.commands.values() if isinstance(command, click.Group) else [command]
    for each in commands:
        assert "--json" in [option for parameter in each.params for option in parameter.opts], each.name


def test_the_list_of_commands_is_in_the_order_of_the_table(cli: Command) -> None:
    out = cli.done("--help").out
    places = [out.index(f"\n  {name} ") for name in COMMANDS]
    assert places == sorted(places)


def test_a_mistyped_command_is_a_wrong_usage_and_the_nearest_is_named(cli: Command) -> None:
    ran = cli("lst")
    assert ran.code == 2
    assert "No such command 'lst'. Did you mean 'list'?" in ran.err


def test_a_mistyped_option_is_a_wrong_usage_and_the_nearest_is_named(cli: Command) -> None:
    ran = cli("add", "Hello", "--titel", "x")
    assert ran.code == 2
    assert "--title" in ran.err


def test_a_wrong_usage_is_told_as_json_if_asked(cli: Command) -> None:
    ran = cli("lst", "--json")
    assert (ran.code, ran.error["code"]) == (2, "usage")
    assert "Did you mean" in ran.error["message"]


@pytest.mark.parametrize("words", [["--json", "version"], ["version", "--json"]])
def test_json_is_accepted_before_and_after_the_command(cli: Command, words: list[str]) -> None:
    ran = cli.done(*words)
    assert list(ran.json)[:2] == ["schema_version", "postbell"]
    assert ran.json["postbell"] == __version__


def test_the_versions_are_told_in_words(cli: Command) -> None:
    assert cli.done("version").out.splitlines()[0] == f"postbell  {__version__}"


def test_an_error_as_json_is_one_line_on_standard_error(cli: Command) -> None:
    ran = cli("show", "zzz", "--json")
    assert ran.out == ""
    assert json.loads(ran.err) == {
        "schema_version": 1,
        "error": {
            "code": "not_found",
            "message": "There is no post 'zzz'. `postbell list` shows those that there are.",
            "problems": [],
        },
    }


def test_without_a_database_the_mend_is_named(tmp_path: Path) -> None:
    ran = Command(tmp_path)("list")
    assert ran.code == 3
    assert f"There is no database at {tmp_path}/data/postbell.db. Make one with `postbell init`." in ran.err


def raising(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def open_app(_places: object) -> None:
        raise error

    monkeypatch.setattr("postbell.app.open_app", open_app)


def test_a_fault_is_told_in_one_line_without_what_follows_its_first(
    cli: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(monkeypatch, ValueError("it broke\nparameters: (hunter2)"))
    ran = cli("list")
    assert ran.code == 1
    assert ran.err == (
        "postbell: This is a fault in Postbell; please report it with what you typed, and what `-v` adds to "
        "this. ValueError: it broke\n"
    )


def test_a_fault_is_traced_if_asked(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, ValueError("it broke\nparameters: (hunter2)"))
    err = cli("-v", "list").err
    assert "in open_app" in err
    assert "hunter2" not in err


def test_a_fault_is_told_as_json(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, ValueError("it broke"))
    assert cli("list", "--json").error["code"] == "fault"


@pytest.mark.parametrize(
    ("number", "code", "told"),
    [
        (errno.ENOSPC, 75, "/x: The disk is full; nothing was stored. Free some space and try again."),
        (errno.EACCES, 1, "/x: Permission denied."),
    ],
)
def test_a_refusal_of_the_system_is_no_fault(
    cli: Command, monkeypatch: pytest.MonkeyPatch, number: int, code: int, told: str
) -> None:
    raising(monkeypatch, OSError(number, {errno.EACCES: "Permission denied"}.get(number, ""), "/x"))
    ran = cli("list")
    assert (ran.code, ran.err) == (code, f"postbell: {told}\n")


def test_init_makes_what_only_its_owner_can_read(tmp_path: Path) -> None:
    cli = Command(tmp_path)
    ran = cli.done("init")
    assert ran.out.splitlines()[-1] == f"Made {cli.data}/postbell.db"
    assert "postbell networks" in ran.err
    modes = {
        path.name: path.stat().st_mode & 0o777 for path in (cli.data, cli.config, cli.data / "postbell.db")
    }
    assert modes == {"data": 0o700, "config.toml": 0o600, "postbell.db": 0o600}


def test_a_second_init_changes_nothing_and_says_so(cli: Command) -> None:
    cli.done("init")
    before, config = cli.stored(), cli.config.read_bytes()
    ran = cli.done("init")
    assert ran.out == f"Everything is there already in {cli.data}; nothing was changed.\n"
    assert (cli.stored(), cli.config.read_bytes()) == (before, config)


def test_init_as_json_lists_what_it_made(tmp_path: Path) -> None:
    cli = Command(tmp_path)
    made = cli.done("init", "--json").json["made"]
    assert str(cli.config) in made
    assert cli.done("init", "--json").json["made"] == []


def test_init_warns_of_a_folder_that_others_can_read(tmp_path: Path) -> None:
    cli = Command(tmp_path)
    cli.data.mkdir(mode=0o755)
    assert f"Run `chmod 700 {cli.data}`." in cli.done("init").err


def test_the_example_in_the_repository_is_the_one_that_init_writes(cli: Command) -> None:
    assert (REPOSITORY / "config.example.toml").read_text() == example_config()


def test_the_example_sets_nothing_and_all_of_it_can_be_set() -> None:
    text = example_config()
    assert Settings(**tomllib.loads(text)) == Settings()
    shown = "\n".join(line.removeprefix("# ") if " = " in line else line for line in text.splitlines())
    values = Settings(**tomllib.loads(shown)).model_dump()
    assert values.pop("timezone") == "Europe/Berlin"
    assert str(values["http"].pop("ca_file")).endswith(".pem")
    assert values["notify"].pop("quiet") == "22:00-07:00"
    assert values["notify"].pop("command")[0] == "/usr/bin/mail"
    assert len(values["notify"].pop("urls")) == 2
    assert str(values["notify"].pop("urls_file")).startswith("/")
    assert str(values["secrets"].pop("key_file")).startswith("/")
    defaults = Settings().model_dump()
    for section in ("api", "health", "http", "secrets"):  # they hold examples
        assert values.pop(section).keys() <= defaults[section].keys()
    assert all(values[name] == defaults[name] for name in values if name != "notify")
    assert values["notify"].items() <= defaults["notify"].items()


def test_a_table_cannot_steer_the_terminal_and_is_cut() -> None:
    assert one_line("a\x1b[2J\n  b\tc") == "a [2J b c"
    assert one_line("abcdef", 4) == "abc…"


def test_what_could_steer_a_terminal_is_written_out(cli: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert printable("a\x1b[2J\x00\r\x7f\x9b\tü\n") == "a\\x1b[2J\\x00\\x0d\\x7f\\x9b\tü\n"
    State().say("\x1b]0;x\x07")
    State().note("\x1b")
    State().fields([("name", "one\x1b\ntwo\x1b")])
    told = capsys.readouterr()
    assert told.out == "\\x1b]0;x\\x07\nname  one\\x1b\n      two\\x1b\n"
    assert told.err == "note: \\x1b\n"
    assert "\x1b" not in cli("add", "Hello", "--to", "\x1b[2J").err
    assert "\x1b" not in cli("\x1b[2J").err
    assert "\x1b" not in cli.done("add", "\x1b[2J", "--to", "site", "--dry-run").out


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("a=b c.png=Alt", ("a=b c.png", "Alt")),
        ("a=b c.png=1 + 1 = 2", ("a=b c.png", "1 + 1 = 2")),
        ("a=b c.png", ("a=b c.png", "")),
        ("d.png=x=y", ("d.png", "x=y")),
    ],
)
def test_the_longest_name_of_a_file_is_taken_for_it(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, found: tuple[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for file in ("a=b c.png", "d.png"):
        (tmp_path / file).write_bytes(pictures.png())
    (media,) = cli.post(cli.add("Hello", "--media", given))["media"]
    assert (media["name"], media["alt"]) == found


def test_a_post_is_settled_with_a_web_address_alone(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site")
    ran = cli("settle", post_id, "--published", "example.org")
    assert ran.code == 4
    assert "--published: 'example.org' is not a web address; it begins with https://." in ran.err


def test_a_list_begins_and_ends_with_a_day_as_it_is_called(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--at", "tomorrow noon")
    for words in ("--since tomorrow", "--since yesterday --until 2200-01-01", "--since 2020-01-01"):
        assert post_id in cli.done("list", *words.split()).out
    for words in ("--until tomorrow", "--until Today", "--since 2200-01-01"):
        assert post_id not in cli.done("list", *words.split()).out


def test_a_table_is_aligned_and_quietly_without_its_headers(capsys: pytest.CaptureFixture[str]) -> None:
    State().table(["A", "B"], [["one", "x"], ["2", ""]])
    State(quiet=True).table(["A", "B"], [["one", "x"]])
    State(quiet=True).table(["A", "B"], [])
    assert capsys.readouterr().out == "A    B\none  x\n2\none  x\n"


def test_completion_offers_commands_and_their_options() -> None:
    env = {"_POSTBELL_COMPLETE": "bash_complete", "COMP_WORDS": "postbell reschedule --dr", "COMP_CWORD": "2"}
    ran = subprocess.run([POSTBELL], check=True, capture_output=True, text=True, env=env)
    assert ran.stdout == "plain,--draft\n"
