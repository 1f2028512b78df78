from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.errors import BadConfig
from postbell.settings import (
    Places,
    Surroundings,
    find_places,
    find_surroundings,
    load_settings,
    require_config,
)


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("POSTBELL_"):
            monkeypatch.delenv(name)


def config(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    return path


# Where everything lies.

USER = {"HOME": "/home/ann"}
XDG = USER | {"XDG_DATA_HOME": "/d", "XDG_CONFIG_HOME": "/c"}
SYSTEMD = XDG | {"STATE_DIRECTORY": "/var/lib/postbell"}
OURS = SYSTEMD | {"POSTBELL_DATA_DIR": "/ours", "POSTBELL_CONFIG": "/ours.toml"}


@pytest.mark.parametrize(
    ("environ", "data_dir", "found"),
    [
        (USER, "/home/ann/.local/share/postbell", "/home/ann/.config/postbell/config.toml"),
        (XDG, "/d/postbell", "/c/postbell/config.toml"),
        (SYSTEMD, "/var/lib/postbell", "/c/postbell/config.toml"),
        (SYSTEMD | {"STATE_DIRECTORY": "/first:/second"}, "/first", "/c/postbell/config.toml"),
        (OURS, "/ours", "/ours.toml"),
        ({}, "/.local/share/postbell", "/.config/postbell/config.toml"),
        (
            XDG | {"POSTBELL_DATA_DIR": "", "XDG_CONFIG_HOME": ""},
            "/d/postbell",
            "/home/ann/.config/postbell/config.toml",
        ),
    ],
)
def test_the_strongest_word_says_where_everything_lies(
    environ: dict[str, str], data_dir: str, found: str
) -> None:
    places = find_places(None, None, environ)
    assert (places.data_dir, places.config) == (Path(data_dir), Path(found))
    assert places.config_named == ("POSTBELL_CONFIG" in environ)


def test_the_command_line_is_stronger_than_every_variable() -> None:
    assert find_places(Path("/a"), Path("/b.toml"), OURS) == Places(
        data_dir=Path("/a"), config=Path("/b.toml"), config_named=True
    )


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, None),
        ({"XDG_RUNTIME_DIR": "/run/user/1000"}, Path("/run/user/1000")),
        ({"XDG_RUNTIME_DIR": "/run/user/1000", "RUNTIME_DIRECTORY": "/run/a:/run/b"}, Path("/run/a")),
    ],
)
def test_systemd_and_the_session_give_a_folder_that_the_next_start_of_the_machine_empties(
    environ: dict[str, str], found: Path | None
) -> None:
    assert find_places(None, None, environ).runtime_dir == found


def test_a_configuration_that_the_user_has_named_must_be_there(tmp_path: Path) -> None:
    named = find_places(tmp_path, tmp_path / "config.tmol", {})
    with pytest.raises(BadConfig, match=r"no configuration at .*config.tmol"):
        require_config(named)
    named.config.touch()
    require_config(named)
    require_config(find_places(tmp_path, None, {"HOME": str(tmp_path)}))


def test_systemd_gives_the_configuration_as_a_credential_or_in_its_folder(tmp_path: Path) -> None:
    folders = {"CREDENTIALS_DIRECTORY": tmp_path / "creds", "CONFIGURATION_DIRECTORY": tmp_path / "etc"}
    environ = SYSTEMD | {name: str(folder) for name, folder in folders.items()}
    for folder in folders.values():
        folder.mkdir()
    assert find_places(None, None, environ).config == Path("/c/postbell/config.toml")
    for folder in reversed(folders.values()):
        (folder / "config.toml").touch()
        assert find_places(None, None, environ).config == folder / "config.toml"


def test_places_are_absolute_and_know_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ann")
    found = find_places(Path("data"), Path("~/my.toml"))
    assert (found.data_dir, found.config) == (tmp_path / "data", Path("/home/ann/my.toml"))


def test_everything_lies_in_the_data_folder() -> None:
    places = Places(data_dir=Path("/d"), config=Path("/c.toml"))
    assert (places.database, places.media, places.backups) == (
        Path("/d/postbell.db"),
        Path("/d/media"),
        Path("/d/backups"),
    )


# What it was started under.


def test_without_a_word_of_systemd_there_is_none() -> None:
    assert find_surroundings({}) == Surroundings()


def test_what_systemd_says_is_understood() -> None:
    said = {"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
    assert find_surroundings(said) == Surroundings(notify_socket="/run/n", watchdog_seconds=30)
    assert find_surroundings(said | {"WATCHDOG_PID": "1"}).watchdog_seconds is None
    assert find_surroundings({"WATCHDOG_USEC": "2500000"}).watchdog_seconds == 2.5
    assert find_surroundings({"NO_COLOR": "1"}).no_color


def test_only_a_standard_error_that_is_the_journals_is_taken_for_it(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as journal, (tmp_path / "other").open("wb") as other:
        found = os.fstat(journal.fileno())
        environ = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        assert find_surroundings(environ, stderr=journal.fileno()).journal
        assert not find_surroundings(environ, stderr=other.fileno()).journal
        assert not find_surroundings({}, stderr=journal.fileno()).journal
        closed = journal.fileno()
    assert not find_surroundings(environ, stderr=closed).journal


# What is configured.


def test_everything_has_its_default(tmp_path: Path) -> None:
    settings = load_settings(tmp_path / "none.toml")
    assert (settings.timezone, settings.late_limit) == (None, timedelta(hours=24))
    assert (settings.daemon.concurrency, settings.backup.keep, settings.log.level) == (10, 7, "info")
    week, day = timedelta(days=7), timedelta(days=1)
    assert (settings.duplicate_window, settings.horizon, settings.fill_ahead) == (week, 60 * day, day)
    assert load_settings(config(tmp_path, "")) == settings


def test_the_file_is_read(tmp_path: Path) -> None:
    text = 'timezone = "Europe/Berlin"\nlate_limit_hours = 0.5\n'
    settings = load_settings(config(tmp_path, f"{text}[retry]\nmost_tries = 3\nfirst_wait_seconds = 2\n"))
    assert (settings.timezone, settings.late_limit) == ("Europe/Berlin", timedelta(minutes=30))
    policy = settings.retry_policy
    assert (policy.most_tries, policy.base, policy.cap) == (3, timedelta(seconds=2), timedelta(minutes=15))


def test_spans_of_days_and_hours_are_read(tmp_path: Path) -> None:
    text = "duplicate_days = 0\n[series]\nhorizon_days = 1.5\nfill_ahead_hours = 6\n"
    settings = load_settings(config(tmp_path, text))
    assert settings.duplicate_window == timedelta(0)
    assert (settings.horizon, settings.fill_ahead) == (timedelta(hours=36), timedelta(hours=6))


def test_the_environment_is_stronger_than_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = config(
        tmp_path, 'timezone = "Europe/Berlin"\n[http]\ndeadline_seconds = 5\n[log]\nlevel = "error"\n'
    )
    monkeypatch.setenv("POSTBELL_TIMEZONE", "Asia/Tokyo")
    monkeypatch.setenv("POSTBELL_HTTP__DEADLINE_SECONDS", "7.5")
    settings = load_settings(path)
    assert (settings.timezone, settings.http.deadline_seconds) == ("Asia/Tokyo", 7.5)
    assert settings.log.level == "error"


def test_the_names_of_places_are_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTBELL_DATA_DIR", "/d")
    monkeypatch.setenv("POSTBELL_CONFIG", "/c.toml")
    load_settings(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("timezon = 'UTC'", "timezon: there is no such setting; did you mean timezone?"),
        ("[deamon]\nconcurrency = 3", "deamon: there is no such setting; did you mean daemon?"),
        ("[retry]\nmost_trys = 3", "retry.most_trys: there is no such setting; did you mean most_tries?"),
        ("[log]\nxyz = 1", "log.xyz: there is no such setting; known here: level, format."),
        ("late_limit_hours = 0", "late_limit_hours: "),
        ("duplicate_days = -1", "duplicate_days: "),
        ("[series]\nhorizon_days = 0.5", "series.horizon_days: "),
        ("[daemon]\nconcurrency = 'many'", "daemon.concurrency: "),
        ("http = 3", "http: "),
        ("[log]\nlevel = 'loud'", "log.level: "),
        ("timezone = 'Europe/Berlim'", "Europe/Berlin"),
        ("timezone = ''", "timezone: "),
        ("[notify]\nquiet = 'at night'", "Say it like 22:00-07:00"),
        ("[notify]\nabout = ['weather']", "notify.about.0: "),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = config(tmp_path, text)
    with pytest.raises(BadConfig) as caught:
        load_settings(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 78


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[notify]\nquiet = 'at night'",
            'notify.quiet: "at night" is no part of a day. Say it like 22:00-07:00.',
        ),
        (
            "[series]\nhorizon_days = 1\nfill_ahead_hours = 25",
            "series: fill_ahead_hours reaches beyond horizon_days; make it shorter.",
        ),
        (
            '[http]\nlocal_targets = ["http://wiki.lan"]',
            "http.local_targets: neither a host nor an address nor a network: http://wiki.lan.",
        ),
        (
            "duplicate_days = 50\n[retention]\nposts_days = 45",
            "retention.posts_days must be longer than duplicate_days; make it longer, or 0.",
        ),
    ],
)
def test_a_mistake_is_told_in_whole_sentences_of_our_own(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadConfig) as caught:
        load_settings(config(tmp_path, text))
    assert str(caught.value).splitlines()[1:] == [f"  {said}"]


def test_a_mistake_beside_secret_addresses_repeats_none(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"notify\.urls") as said:
        load_settings(config(tmp_path, '[notify]\nurls = "tgram://canary"\n'))
    with pytest.raises(BadConfig, match=r"notify\.late") as other:
        load_settings(config(tmp_path, '[notify]\nurls = ["tgram://canary"]\nlate = 3\n'))
    assert "canary" not in f"{said.value} {other.value}"
    (url,) = load_settings(config(tmp_path, '[notify]\nurls = ["tgram://canary"]\n')).notify.urls
    assert "canary" not in f"{url} {url!r}"


def test_every_mistake_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTBELL_BACKUP__KEEP", "0")
    with pytest.raises(BadConfig) as caught:
        load_settings(config(tmp_path, "timezon = 'UTC'\n[daemon]\nconcurrency = 0\ndrain = 3\n"))
    lines = str(caught.value).splitlines()[1:]
    assert sorted(line.split(":")[0].strip() for line in lines) == [
        "backup.keep",
        "daemon.concurrency",
        "daemon.drain",
        "timezon",
    ]


@pytest.mark.parametrize("content", [b"timezone = ", b"\xff\xfe", b"[log\n"])
def test_a_file_that_is_no_toml_is_told_with_its_place(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(BadConfig, match=str(path)):
        load_settings(path)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="cannot be read"):
        load_settings(tmp_path)  # a folder, because root can read every file


def test_libraries_fill_no_times_that_series_may_still_take(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[series]\nhorizon_days = 1\nfill_ahead_hours = 25\n", "utf-8")
    with pytest.raises(BadConfig, match="fill_ahead_hours reaches beyond horizon_days"):
        load_settings(path)
