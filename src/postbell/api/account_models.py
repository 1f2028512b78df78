"""What is answered about accounts, and about the networks that they are on."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from postbell.api.models import Instant, Shape
from postbell.domain.account import Health


class Account(Shape):
    """A connected profile on one network."""

    name: str = Field(description="What it is called here.", examples=["sky"])
    network: str = Field(description="The key of its network.", examples=["mastodon"])
    server: str | None = Field(description="The address of its server.")
    handle: str | None = Field(description="What it is called there.")
    health: Health = Field(description="Whether its network accepts it.")
    health_note: str | None = Field(description="Why it does not, in the words of the network.")
    paused_at: Instant | None = Field(description="Since when it is held back.")
    paused_until: Instant | None = Field(description="Until when; null: until it is resumed.")
    rests_until: Instant | None = Field(description="Until when it waits because its network asked for that.")
    rest_reason: str | None = Field(description="Why it waits.")
    next_post_at: Instant | None = Field(description="It publishes nothing before this, to keep its gap.")
    login_ends_at: Instant | None = Field(description="When its login ends, if it is not renewed before.")
    login_renewed_at: Instant | None = Field(description="When its login is renewed by itself.")
    late_limit_seconds: float | None = Field(description="How late its posts may be published, in seconds.")
    min_gap_seconds: float | None = Field(description="The least time between two of its posts, in seconds.")
    cooldown_seconds: float | None = Field(description="The least time between two recycled, in seconds.")
    quotas: dict[str, int | None] = Field(description="How many posts it takes in a day or a month.")
    signature: str | None = Field(description="The last paragraph of each of its posts.")
    utm: dict[str, str] = Field(description="Parameters of the links in its posts: patterns by name.")
    utm_sites: list[str] = Field(description="Only links to these hosts get them; empty: all links.")
    values: dict[str, str] = Field(description="What its network needs; secrets are ***.")
    created_at: Instant = Field(description="When it was connected.")


class Accounts(Shape):
    """Every account, in the order of their names."""

    accounts: list[Account] = Field(description="The accounts.")


class ConnectedAccount(Account):
    """An account that was connected."""

    verified: bool = Field(description="Whether its network was asked, and has accepted it.")
    profile: str | None = Field(description="Where it is public, as its network has said.")
    notes: list[str] = Field(description="What is worth knowing: a missing right, a limit.")


class ResumedAccount(Account):
    """An account that goes on."""

    was_paused: bool = Field(description="Whether it was held back.")
    late: int = Field(description="How many posts are published late, now.")
    missed: int = Field(description="How many fell due meanwhile and are missed.")


class Profile(Shape):
    """What a network says of an account that it accepts."""

    account: str = Field(description="The name of the account.")
    handle: str = Field(description="What it is called there.")
    url: str | None = Field(description="Where it is found there.")
    notes: list[str] = Field(description="What is worth knowing: a missing right, a limit.")


class NetworkField(Shape):
    """A value that a network needs, or an option of a post."""

    name: str = Field(description="Its name.", examples=["visibility"])
    type: str = Field(
        description="What it is, in words; `secret` is never told again.",
        examples=["public, unlisted, private or direct"],
    )
    required: bool = Field(description="Whether it is needed.")
    default: Any = Field(description="What counts where it is left out.")
    description: str = Field(description="What it means.", examples=["Who sees it."])
    example: Any = Field(
        description="How it may look, as the command line takes it; null where that is plain."
    )


class Network(Shape):
    """A supported platform: what it needs, takes and offers."""

    key: str = Field(description="Names it.", examples=["mastodon"])
    label: str = Field(description="The name that people know.", examples=["Mastodon"])
    summary: str = Field(
        description="What it is, in a sentence.", examples=["Publishes on a Mastodon server."]
    )
    server: str = Field(
        description="Whether an account has a server of its own: required, optional or none.",
        examples=["required"],
    )
    default_server: str | None = Field(description="The server where none is given.")
    guide: str = Field(
        description="How to get what it needs, in steps.", examples=["1. Open the settings of your account."]
    )
    credentials: list[NetworkField] = Field(description="What an account needs.")
    options: list[NetworkField] = Field(description="What a post can be told about it.")
    limits: dict[str, Any] = Field(description="What it takes where no options say otherwise.")
    resend: str = Field(
        description="What a repeat does after a lost answer: safe, look_first or never.",
        examples=["look_first"],
    )
    deletes: bool = Field(description="Whether what was published can be taken away.")
    edits: bool = Field(description="Whether what was published can be changed there.")
    threads: str = Field(
        description="What becomes of a thread: chain, joined, whole or none.", examples=["chain"]
    )
    comments: bool = Field(description="Whether it publishes first comments.")
    comment_files: bool = Field(description="Whether it puts files into first comments.")
    example: list[str] = Field(description="Commands that connect an account and post with it.")
    options_schema: dict[str, Any] = Field(description="The options as a JSON Schema.")
    credentials_schema: dict[str, Any] = Field(description="The credentials as a JSON Schema.")


class Networks(Shape):
    """Every network."""

    networks: list[Network] = Field(description="The networks.")
