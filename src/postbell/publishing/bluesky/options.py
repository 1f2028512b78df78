"""What users tell Postbell about Bluesky: of a post, and of an account."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from postbell.domain.text import LONGEST_TAG, is_tag
from postbell.publishing.bluesky.api import POST
from postbell.publishing.bluesky.gates import lists_in
from postbell.publishing.bluesky.refs import LIST, read_ref
from postbell.publishing.bluesky.syntax import is_language
from postbell.publishing.options import Strict, Words


#: What apps act upon, of what a post may call itself (com.atproto.label.defs).
_LABELS = ("porn", "sexual", "nudity", "graphic-media", "!no-unauthenticated")
#: The part of BCP 47 that people use: language, script, region.


class Options(Strict):
    """What a post can be told about Bluesky."""

    langs: Words = Field(
        [], max_length=3, description="Languages of the text, at most three: en, pt-BR.", examples=["en"]
    )
    labels: Words = Field([], description=f"Warnings that the post carries: {', '.join(_LABELS)}.")

    card: Literal["on", "off"] = Field(
        "on", description="Whether the link, or else the first one of the text, is shown as a card."
    )
    card_title: str | None = Field(None, description="The title of the card; else that of the page.")
    card_description: str | None = Field(
        None, description="The description on the card; else that of the page."
    )
    card_picture: Literal["page", "mine", "none"] = Field(
        "page", description="The card's picture: the page's, the one picture of the post, or none."
    )

    quote: str | None = Field(
        None, description="A post to quote: the address of its page, or its at:// address."
    )
    replies: Words = Field(
        [],
        max_length=5,
        description="Who may answer: nobody; or mentioned, followers, following, addresses of lists.",
    )
    quotes: Literal["on", "off"] = Field("on", description="Whether others may quote the post.")
    tags: Words = Field(
        [], max_length=8, description="Hashtags that are not in the text, at most eight, without #."
    )

    captions: Words = Field(
        [],
        description="Languages of the WebVTT files, in their order; else as their names say: talk.en.vtt.",
    )
    presentation: Literal["default", "gif"] = Field(
        "default", description="gif: a video plays in a loop, without a sound."
    )

    first_only: ClassVar[frozenset[str]] = frozenset(
        {"card_title", "card_description", "card_picture", "quote", "replies", "quotes", "tags"}
        | {"captions", "presentation"}
    )

    @field_validator("quote")
    @classmethod
    def _is_a_post(cls, quote: str | None) -> str | None:
        if quote is not None:
            read_ref(quote, POST)
        return quote

    @field_validator("replies")
    @classmethod
    def _are_rules(cls, replies: list[str]) -> list[str]:
        words = list(dict.fromkeys(replies))
        if words == ["everybody"]:
            return []
        if len(words) > 1 and {"nobody", "everybody"} & set(words):
            raise ValueError("nobody and everybody stand alone")
        for word in lists_in(words):
            read_ref(word, LIST)
        return words

    @field_validator("tags")
    @classmethod
    def _are_tags(cls, tags: list[str]) -> list[str]:
        bare = list(dict.fromkeys(tag.removeprefix("#") for tag in tags))
        if wrong := [tag for tag in bare if not is_tag(tag)]:
            raise ValueError(f"no tag of 1 to {LONGEST_TAG} characters: {', '.join(wrong)}")
        return bare

    @field_validator("langs", "captions")
    @classmethod
    def _are_languages(cls, langs: list[str]) -> list[str]:
        if wrong := [lang for lang in langs if not is_language(lang)]:
            raise ValueError(f"not a language tag such as en or pt-BR: {', '.join(wrong)}")
        return langs

    @field_validator("labels")
    @classmethod
    def _are_labels(cls, labels: list[str]) -> list[str]:
        if wrong := [label for label in labels if label not in _LABELS]:
            raise ValueError(f"no such label: {', '.join(wrong)}; there are {', '.join(_LABELS)}")
        return list(dict.fromkeys(labels))


class Credentials(Strict):
    """What an account at Bluesky needs."""

    identifier: str = Field(min_length=1, description="The handle, such as alice.bsky.social, or the DID.")
    app_password: SecretStr = Field(min_length=1, description="An app password: xxxx-xxxx-xxxx-xxxx.")
