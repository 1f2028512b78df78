"""What the user has configured. Nothing else reads the environment or config.toml."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from postbell.domain.notice import NoticeKind, QuietHours, parse_quiet
from postbell.domain.retry import RetryPolicy
from postbell.domain.when import zone_named
from postbell.errors import BadConfig, Invalid
from postbell.sections import (
    ApiSettings,
    BackupSettings,
    HealthSettings,
    HttpSettings,
    MediaSettings,
    MetricsSettings,
    RetentionSettings,
    SecretsSettings,
    Section,
    SeriesSettings,
)


#: How the variables begin that stand for sections with secrets; pydantic takes any case.
_SECRET = ("POSTBELL_NOTIFY", "POSTBELL_HEALTH")


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where everything lies."""

    data_dir: Path
    config: Path
    #: Whether the user has named the configuration: then it must be there.
    config_named: bool = False
    #: A folder that is emptied when the machine starts, if there is one.
    runtime_dir: Path | None = None
    #: Where systemd puts what it hands over to a service, if it does.
    credentials_dir: Path | None = None

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data_dir / "postbell.db"

    @property
    def mark(self) -> Path:
        """The file that tells whether the database has gone back in time."""
        return self.data_dir / "postbell.mark"

    @property
    def media(self) -> Path:
        """The folder of stored files."""
        return self.data_dir / "media"

    @property
    def backups(self) -> Path:
        """The folder of backups."""
        return self.data_dir / "backups"


def find_places(
    data_dir: Path | None, config: Path | None, environ: Mapping[str, str] | None = None
) -> Places:
    """Return where data and configuration lie.

    First what the command line says, then POSTBELL_DATA_DIR and POSTBELL_CONFIG, then the folders that
    systemd gives a service, then the XDG folders of the user.
    """
    env = os.environ if environ is None else environ
    home = Path(env.get("HOME") or "/")
    xdg_data = Path(env.get("XDG_DATA_HOME") or home / ".local/share")
    xdg_config = Path(env.get("XDG_CONFIG_HOME") or home / ".config")
    data = (
        data_dir or _path(env, "POSTBELL_DATA_DIR") or _path(env, "STATE_DIRECTORY") or xdg_data / "postbell"
    )
    return Places(
        data_dir=data.expanduser().absolute(),
        config=(config or _config(env) or xdg_config / "postbell/config.toml").expanduser().absolute(),
        config_named=bool(config or env.get("POSTBELL_CONFIG")),
        runtime_dir=_path(env, "RUNTIME_DIRECTORY") or _path(env, "XDG_RUNTIME_DIR"),
        credentials_dir=_path(env, "CREDENTIALS_DIRECTORY"),
    )


def _path(env: Mapping[str, str], name: str) -> Path | None:
    # systemd separates several folders by colons; the first is ours.
    value = env.get(name, "").split(":")[0]
    return Path(value) if value else None


def _config(env: Mapping[str, str]) -> Path | None:
    if value := env.get("POSTBELL_CONFIG"):
        return Path(value)
    for name in ("CREDENTIALS_DIRECTORY", "CONFIGURATION_DIRECTORY"):
        folder = _path(env, name)
        if folder and (folder / "config.toml").exists():
            return folder / "config.toml"
    return None


def find_remote(url: str | None, key_file: Path | None) -> tuple[str | None, Path | None]:
    """Return where another machine is asked, and the file with the key; else what POSTBELL_… say of these."""
    return url or os.environ.get("POSTBELL_URL") or None, key_file or _path(os.environ, "POSTBELL_KEY_FILE")


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the process was started under."""

    #: Whether standard error is read by the journal (systemd.exec(5)).
    journal: bool = False
    #: Where systemd wants to be told (sd_notify(3)), if it does.
    notify_socket: str | None = None
    #: How often it wants to hear that the daemon is alive, in seconds, if it does.
    watchdog_seconds: float | None = None
    #: Whether colours are unwanted (no-color.org), or the terminal has none.
    no_color: bool = False
    #: The command of the editor that the user likes.
    editor: str = "vi"


def environ_of_others() -> dict[str, str]:
    """Return the environment for programs that are not ours: without addresses, which may hold secrets."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(_SECRET)}


def find_surroundings(environ: Mapping[str, str] | None = None, *, stderr: int = 2) -> Surroundings:
    """Return what the process was started under; `stderr` is the number of its standard error."""
    env = os.environ if environ is None else environ
    watchdog = int(env.get("WATCHDOG_USEC") or 0)
    ours = env.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return Surroundings(
        journal=env.get("JOURNAL_STREAM") == _identity(stderr),
        notify_socket=env.get("NOTIFY_SOCKET") or None,
        watchdog_seconds=watchdog / 1e6 if watchdog and ours else None,
        no_color=bool(env.get("NO_COLOR")) or env.get("TERM") == "dumb",
        editor=env.get("VISUAL") or env.get("EDITOR") or "vi",
    )


def _identity(stream: int) -> str:
    """Return what JOURNAL_STREAM says of the journal's end; children with another output inherit it too."""
    try:
        found = os.fstat(stream)
    except OSError:
        return "closed"
    return f"{found.st_dev}:{found.st_ino}"


class DaemonSettings(Section):
    """How the daemon works."""

    concurrency: int = Field(
        default=10, ge=1, le=200, description="How many posts are sent at the same time."
    )
    drain_seconds: float = Field(
        default=20, ge=0, le=600, description="How long a stopping daemon waits for what it is sending."
    )


class RetrySettings(Section):
    """When a network could not be reached, and after an outage."""

    first_wait_seconds: float = Field(
        default=15, gt=0, le=86400, description="The wait after the first try, at most."
    )
    longest_wait_seconds: float = Field(
        default=900, gt=0, le=86400, description="No wait between two tries is longer."
    )
    most_tries: int = Field(default=200, ge=1, description="After that many tries a post has failed.")
    most_per_minute: int = Field(default=60, ge=1, description="Second tries in a minute, of all accounts.")
    catch_up_seconds: float = Field(
        default=3,
        ge=0,
        le=3600,
        description="How far apart an account publishes what is late by more than 5 minutes; 0: at once.",
    )


class LogSettings(Section):
    """What is logged."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least of it."
    )
    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto: console on a terminal, JSON elsewhere."
    )


class NotifySettings(Section):
    """How you are told what you should know. Without urls or a command you are not."""

    urls: tuple[SecretStr, ...] = Field(
        default=(),
        description="Services that Apprise knows: ntfy, mail, Matrix and others. Needs the extra [notify].",
        examples=[["ntfys://ntfy.example.org/my-bell", "mailtos://alice:password@example.org"]],
    )
    urls_file: Path | None = Field(
        default=None,
        description="A file with more of them, one a line, that only its owner can read.",
        examples=["/etc/postbell/notify-urls"],
    )
    command: tuple[str, ...] = Field(
        default=(),
        description="A program with its arguments that is given each message on its standard input.",
        examples=[["/usr/bin/mail", "-s", "Postbell", "alice@example.org"]],
    )
    command_input: Literal["text", "json"] = Field(
        default="text", description="What it is given: text, or one line of JSON."
    )
    about: tuple[NoticeKind, ...] = Field(default=tuple(NoticeKind), description="What you are told.")
    late_minutes: float = Field(
        default=5, ge=0, le=525600, description="So late a post may be without your being told."
    )
    gather_seconds: float = Field(
        default=30, ge=0, le=86400, description="What happens within this time is told in one message."
    )
    quiet: str | None = Field(
        default=None,
        description="When you are not disturbed, on your clocks; what happens then is told afterwards.",
        examples=["22:00-07:00"],
    )
    urgent: tuple[NoticeKind, ...] = Field(
        default=(NoticeKind.TROUBLE,),
        description="What is told even then, besides that the daemon has ended.",
    )
    timeout_seconds: float = Field(
        default=30, gt=0, le=600, description="How long a message may take on its way."
    )

    @field_validator("quiet")
    @classmethod
    def _part_of_a_day(cls, value: str | None) -> str | None:
        if value is not None:
            parse_quiet(value)
        return value

    @property
    def quiet_hours(self) -> QuietHours | None:
        """When the user is not disturbed."""
        return parse_quiet(self.quiet) if self.quiet else None


class Settings(BaseSettings):
    """Everything that can be configured, with its default."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="POSTBELL_", env_nested_delimiter="__"
    )

    timezone: str | None = Field(
        default=None,
        description="The zone of times that name none; the machine's own if left out.",
        examples=["Europe/Berlin"],
    )
    late_limit_hours: float = Field(
        default=24, gt=0, le=8760, description="A post that is overdue for longer is missed, not published."
    )
    duplicate_days: float = Field(
        default=7,
        ge=0,
        le=3660,
        description="For so many days no account publishes the same text again; 0 allows it.",
    )
    alt_text: Literal["warn", "require"] = Field(
        default="warn", description="What comes of a picture without alt text: warn, or require one."
    )
    daemon: DaemonSettings = DaemonSettings()
    series: SeriesSettings = SeriesSettings()
    retry: RetrySettings = RetrySettings()
    http: HttpSettings = HttpSettings()
    api: ApiSettings = ApiSettings()
    media: MediaSettings = MediaSettings()
    log: LogSettings = LogSettings()
    backup: BackupSettings = BackupSettings()
    retention: RetentionSettings = RetentionSettings()
    secrets: SecretsSettings = SecretsSettings()
    metrics: MetricsSettings = MetricsSettings()
    notify: NotifySettings = NotifySettings()
    health: HealthSettings = HealthSettings()

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                zone_named(value)
            except Invalid as error:
                raise ValueError(error.problems[0].message) from None
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the names are pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, whose content comes as arguments."""
        return env_settings, init_settings

    @model_validator(mode="after")
    def _keeps_what_is_compared(self) -> Self:
        if self.retention.posts_days and self.retention.posts_days <= self.duplicate_days:
            raise ValueError("retention.posts_days must be longer than duplicate_days; make it longer, or 0")
        return self

    @property
    def late_limit(self) -> timedelta:
        """How long a post may be overdue and still be published."""
        return timedelta(hours=self.late_limit_hours)

    @property
    def duplicate_window(self) -> timedelta:
        """For how long what was published is not published again; nothing at all where that is allowed."""
        return timedelta(days=self.duplicate_days)

    @property
    def horizon(self) -> timedelta:
        """How far ahead series make their posts."""
        return timedelta(days=self.series.horizon_days)

    @property
    def fill_ahead(self) -> timedelta:
        """How far ahead libraries fill empty posting times."""
        return timedelta(hours=self.series.fill_ahead_hours)

    @property
    def retry_policy(self) -> RetryPolicy:
        """When to try again."""
        return RetryPolicy(
            most_tries=self.retry.most_tries,
            base=timedelta(seconds=self.retry.first_wait_seconds),
            cap=timedelta(seconds=self.retry.longest_wait_seconds),
        )


def require_config(places: Places) -> None:
    """Raise BadConfig if the configuration that the user has named is not there."""
    if places.config_named and not places.config.exists():
        raise BadConfig(
            f"There is no configuration at {places.config}. Check the name, or make it with `postbell init`."
        )


def load_settings(config: Path) -> Settings:
    """Read the configuration; a missing file means defaults. Raises BadConfig with all of its problems."""
    try:
        values = tomllib.loads(config.read_text("utf-8")) if config.exists() else {}
        return Settings(**values)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadConfig(f"{config} cannot be read: {error}.") from None
    except ValidationError as error:
        problems = "\n".join(f"  {_explain(problem)}" for problem in error.errors(include_url=False))
        raise BadConfig(
            f"The configuration is wrong (file {config}, or POSTBELL_… variables):\n{problems}"
        ) from None


def _explain(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] != "extra_forbidden":
        told = problem["msg"].removeprefix("Value error, ").rstrip(".")
        return f"{where}: {told}." if where else f"{told}."
    *sections, key = problem["loc"]
    model: type[BaseModel] = Settings
    for section in sections:
        model = model.model_fields[section].annotation  # type: ignore[assignment]
    known = list(model.model_fields)
    near = difflib.get_close_matches(str(key), known, n=1)
    mend = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}."
    return f"{where}: there is no such setting; {mend}"
