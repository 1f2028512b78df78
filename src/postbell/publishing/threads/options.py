"""What users tell Postbell about Threads: of a post, and of an account."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from postbell.publishing.options import Strict, Words


_HTTPS = re.compile(r"https://[^/?#\s]+[^#\s]*")


class Options(Strict):
    """What a post can be told about Threads."""

    reply_control: (
        Literal[
            "everyone", "accounts_you_follow", "mentioned_only", "parent_post_author_only", "followers_only"
        ]
        | None
    ) = Field(
        None,
        description="Who may answer: everyone, accounts_you_follow, mentioned_only, followers_only, or "
        "parent_post_author_only.",
        examples=["followers_only"],
    )
    topic_tag: str = Field(
        "",
        pattern=r"^([^.&]{1,50})?$",
        description="The topic, at most 50 characters, no . or &; else the first #tag of the text.",
    )
    location_id: str = Field(
        "",
        pattern=r"^\d*$",
        description="The number of a place, as the search for places of the API tells it.",
    )
    quote_post_id: str = Field(
        "",
        pattern=r"^\d*$",
        description="A post to quote, by its number: the receipt_id of one of your own.",
    )

    poll: Words = Field(
        [],
        description="Two to four answers of a poll, at most 25 characters each; no files beside it.",
    )
    spoilers: Words = Field(
        [], max_length=10, description="Passages of the text that are hidden at first; in a file, a list."
    )
    spoiler_media: bool = Field(default=False, description="Hide the pictures and videos at first.")
    gif: str = Field(
        "",
        pattern=r"^((giphy|tenor):[A-Za-z0-9_-]{1,64})?$",
        description="A moving picture by its provider and number there: giphy:NUMBER or tenor:NUMBER.",
    )
    text_attachment: str = Field(
        "", description="A long text below the post, at most 10,000 characters; no files or poll beside it."
    )
    text_attachment_link: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="A link below the long text, where the post has none.",
    )

    first_only: ClassVar[frozenset[str]] = frozenset(
        {
            *("reply_control", "topic_tag", "location_id", "quote_post_id", "poll", "spoilers"),
            *("gif", "text_attachment", "text_attachment_link"),
        }
    )

    @field_validator("topic_tag", mode="before")
    @classmethod
    def _is_bare(cls, tag: object) -> object:
        return tag.removeprefix("#") if isinstance(tag, str) else tag


class Credentials(Strict):
    """What an account at Threads needs: a token, or an app of one's own by which a person consents."""

    placeless: ClassVar[frozenset[str]] = frozenset({"client_id"})

    access_token: SecretStr | None = Field(
        None, min_length=1, description="A token of 60 days, made by the User Token Generator of your app."
    )
    client_id: str | None = Field(None, pattern=r"^\d+$", description="The Threads app ID of your app.")
    client_secret: SecretStr | None = Field(
        None, min_length=1, description="The Threads app secret of your app."
    )
    redirect_uri: str | None = Field(
        None, description="One of the Redirect Callback URLs of your app, with https://."
    )

    @field_validator("redirect_uri")
    @classmethod
    def _is_https(cls, address: str | None) -> str | None:
        if address is not None and not _HTTPS.fullmatch(address):
            raise ValueError("it must begin with https://, as Threads has it")
        return address
