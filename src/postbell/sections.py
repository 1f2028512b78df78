"""Sections of the configuration: how programs ask, how long things are kept, how far ahead they are made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from postbell.domain.media import MediaKind
from postbell.domain.reach import Allowed


#: What is counted over a month must be there for a month.
_LEAST_DAYS = 40


@dataclass(frozen=True, kw_only=True)
class Listen:
    """Where the HTTP API is asked: at an address and port, or at a unix socket."""

    address: str = ""
    port: int = 0
    path: str = ""

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return bool(self.path) or self.address == "localhost" or ip_address(self.address).is_loopback

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return self.path or f"http://{host}:{self.port}"


def parse_listen(text: str) -> Listen | None:
    """Return what `api.listen` says, None for nowhere; raises ValueError."""
    if not text:
        return None
    if text.startswith("/"):
        return Listen(path=text)
    address, colon, port = text.rpartition(":")
    address = address.removeprefix("[").removesuffix("]")
    try:
        if address != "localhost":
            ip_address(address)
        number = int(port) if colon and port.isascii() and port.isdigit() else -1
    except ValueError:
        number = -1
    if not 0 <= number <= 65535:
        raise ValueError(
            "write ADDRESS:PORT as in 127.0.0.1:2355 or [::1]:2355, or the path of a unix socket"
        )
    return Listen(address=address, port=number)


class Section(BaseModel):
    """A part of the configuration; no other keys than its own are known in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ApiSettings(Section):
    """How programs ask Postbell: the HTTP API. Nothing is answered without a key (`postbell key add`)."""

    listen: str = Field(
        default="127.0.0.1:2355",
        description="ADDRESS:PORT, or the path of a unix socket; empty: there is no API.",
    )
    hosts: tuple[str, ...] = Field(
        default=(),
        description="Names under which it is asked, besides addresses and localhost: those of a proxy.",
        examples=[["postbell.example.org"]],
    )
    socket_users: tuple[str, ...] = Field(
        default=(),
        description="Who needs no key at the unix socket, besides root and the user of the daemon.",
        examples=[["alice"]],
    )
    requests_per_minute: int = Field(
        default=600, ge=0, description="How often one key may ask; 0: as often as it likes."
    )
    body_seconds: float = Field(
        default=30, gt=0, le=3600, description="How long a request may take to arrive."
    )

    public_url: str | None = Field(
        default=None,
        description="Where networks fetch files that they do not take by upload: the address of your proxy.",
        examples=["https://postbell.example.org"],
    )

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str | None) -> str | None:
        found = re.fullmatch(
            r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?/?", value or "http://a"
        )
        if not found:
            raise ValueError("write the address without a path: https://postbell.example.org")
        return value.rstrip("/") if value else None

    @property
    def public_host(self) -> str | None:
        """The name in that address."""
        return urlsplit(self.public_url).hostname if self.public_url else None

    @field_validator("listen")
    @classmethod
    def _place(cls, value: str) -> str:
        parse_listen(value)
        return value


class MediaSettings(Section):
    """Videos that do not fit, and the files that programs upload."""

    fit_videos: bool = Field(
        default=False,
        description="Whether videos that a network does not take are coded anew by FFmpeg, as H.264 and AAC.",
    )
    picture_megabytes: int = Field(default=50, ge=1, le=1000, description="The most of a picture, in MB.")
    video_megabytes: int = Field(default=1000, ge=1, le=100_000, description="The most of a video, in MB.")
    document_megabytes: int = Field(
        default=100, ge=1, le=2000, description="The most of a sound, a PDF or an archive, in MB."
    )
    upload_seconds: float = Field(
        default=3600, gt=0, le=86400, description="How long an upload may take to arrive."
    )
    free_megabytes: int = Field(
        default=500, ge=0, description="So much of the disk is left free, for the database above all, in MB."
    )

    open_uploads: int = Field(
        default=20, ge=1, le=1000, description="How many uploads in parts may be under way,"
    )
    open_megabytes: int = Field(
        default=5000, ge=1, le=1_000_000, description="and how long their files may be together, in MB."
    )
    open_hours: float = Field(
        default=24, gt=0, le=720, description="So long the next part is waited for; then it is forgotten."
    )

    def most(self, kind: MediaKind | None) -> int:
        """Return how many bytes a file of a kind may have, or one of a kind that is not yet known."""
        sizes = {MediaKind.IMAGE: self.picture_megabytes, MediaKind.VIDEO: self.video_megabytes}
        most = max(*sizes.values(), self.document_megabytes)
        return 1_000_000 * (most if kind is None else sizes.get(kind, self.document_megabytes))

    @property
    def most_at_once(self) -> int:
        """How many bytes one request may bring: a video, or twenty pictures."""
        return 1_000_000 + max(self.most(None), 20 * self.most(MediaKind.IMAGE))

    @property
    def most_open(self) -> int:
        """How many bytes the files may have together that come in parts."""
        return self.open_megabytes * 1_000_000

    @property
    def free(self) -> int:
        """How many bytes of the disk are left free."""
        return self.free_megabytes * 1_000_000


class HttpSettings(Section):
    """How networks are asked."""

    deadline_seconds: float = Field(
        default=60, gt=0, le=600, description="How long one request may take in all."
    )
    ca_file: Path | None = Field(
        default=None,
        description="Certificates to trust besides the usual ones (a PEM file).",
        examples=["/etc/ssl/certs/our-own.pem"],
    )
    local_targets: tuple[str, ...] = Field(
        default=(),
        description="What links may lead to though it is not public: hosts, addresses, networks.",
        examples=[["wiki.lan", "192.168.1.20:8080"]],
    )

    @field_validator("local_targets")
    @classmethod
    def _targets(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        Allowed.parse(value)
        return value


class BackupSettings(Section):
    """Copies of the database."""

    every_hours: float = Field(
        default=24, ge=0, le=8760, description="How often the daemon makes one; 0: never by itself."
    )
    keep: int = Field(default=7, ge=1, description="How many backups are kept, the newest,")
    keep_weeks: int = Field(
        default=4, ge=0, description="and for how many weeks the newest of each week besides."
    )

    @property
    def every(self) -> timedelta | None:
        """How often the daemon makes a backup; None if never."""
        return timedelta(hours=self.every_hours) if self.every_hours else None


class MetricsSettings(Section):
    """How people respond to what was published: likes, reposts, replies, comments, where a network tells."""

    days: float = Field(
        default=30,
        ge=0,
        le=30,
        description="For how long after its publication that is read, ever more seldom; 0: never.",
    )


class RetentionSettings(Section):
    """For how long the database remembers what is over. How many there were is kept for ever."""

    attempts_days: float = Field(
        default=90, ge=0, le=36500, description="Each try of what was published; 0: for ever."
    )
    posts_days: float = Field(
        default=730,
        ge=0,
        le=36500,
        description="Posts of which nothing is left to do; 0: for ever, else at least 40.",
    )
    events_days: float = Field(
        default=30,
        ge=2,
        le=36500,
        description="What happened, for programs that read on from where they were; at least 2.",
    )

    @field_validator("posts_days")
    @classmethod
    def _longer_than_a_month(cls, value: float) -> float:
        if 0 < value < _LEAST_DAYS:
            raise ValueError(f"quotas count the posts of a month; at least {_LEAST_DAYS} days, or 0")
        return value


class SeriesSettings(Section):
    """What makes posts by itself."""

    horizon_days: float = Field(
        default=60, ge=1, le=3660, description="How far ahead posts are made; the next one always is."
    )
    fill_ahead_hours: float = Field(
        default=24, ge=1, le=8760, description="How far ahead a library fills empty posting times."
    )

    @model_validator(mode="after")
    def _fills_what_is_known(self) -> Self:
        if self.fill_ahead_hours > self.horizon_days * 24:
            raise ValueError("fill_ahead_hours reaches beyond horizon_days; make it shorter")
        return self


class SecretsSettings(Section):
    """How the secrets of accounts lie in the database: encrypted, once `postbell secrets encrypt` was run."""

    key_file: Path | None = Field(
        default=None,
        description="The file of keys; systemd's credential secrets.key, if there is one, is read instead.",
        examples=["/etc/postbell/secrets.key"],
    )


class HealthSettings(Section):
    """Another machine that notices when this one says nothing any more."""

    ping_url: SecretStr | None = Field(
        default=None,
        description="Asked (POST) as long as all is well: healthchecks.io, Uptime Kuma and their like.",
        examples=["https://hc-ping.com/your-uuid-here"],
    )
    ping_seconds: float = Field(
        default=60, ge=30, le=86400, description="How often; give the other side a few minutes of grace."
    )
