"""What users tell Postbell about WordPress: of a post, and of an account."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from postbell.publishing.options import Strict, Words


class Credentials(Strict):
    """Who posts."""

    placeless: ClassVar[frozenset[str]] = frozenset({"username"})

    username: str = Field(
        min_length=1, description="The login name or the e-mail address, not the name shown on posts."
    )
    application_password: SecretStr = Field(min_length=1, description="Of that user; spaces do not matter.")

    @field_validator("application_password")
    @classmethod
    def _without_spaces(cls, value: SecretStr) -> SecretStr:
        return SecretStr("".join(value.get_secret_value().split()))


class Options(Strict):
    """What a post can be told about WordPress."""

    first_only: ClassVar[frozenset[str]] = frozenset({"featured", "password", "sticky"})
    lasting: ClassVar[frozenset[str]] = frozenset({"status", "slug"})

    status: Literal["publish", "private"] = Field("publish", description="private: for the site's editors.")
    slug: str = Field(
        "",
        description="The last part of the post's address; made from the title if empty.",
        examples=["a-new-bell"],
    )
    excerpt: str = Field(
        "",
        description="A short summary in plain text, for lists and feeds.",
        examples=["Our tower has a new bell."],
    )
    categories: Words = Field(
        [], description="Names, made where they do not exist; or ids.", examples=["Bells, R&D"]
    )
    tags: Words = Field([], description="Names, made where they do not exist.", examples=["bell, tower"])
    featured: bool = Field(default=False, description="Take the first picture out of the body for it.")
    markup: Literal["text", "markdown", "html"] = Field(
        "text",
        description="markdown: headings, lists, quotes, code, tables, and pictures by their names: "
        "![A harbour](harbour.jpg). html: the text is HTML or blocks already.",
        examples=["markdown"],
    )
    blocks: bool = Field(
        default=True, description="false: plain HTML instead, for sites with the Classic Editor."
    )
    format: Literal[
        "standard", "aside", "chat", "gallery", "link", "image", "quote", "status", "video", "audio"
    ] = Field(
        "standard",
        description="How the theme shows the post, if it knows such formats.",
        examples=["aside"],
    )
    sticky: bool = Field(default=False, description="Keep it above newer posts.")
    password: str = Field(
        "",
        max_length=255,
        description="Readers are asked for it before they see the post.",
        examples=["open sesame"],
    )
    comments: Literal["site", "open", "closed"] = Field(
        "site",
        description="Whether readers may comment; site: as the site has it for new posts.",
        examples=["closed"],
    )
