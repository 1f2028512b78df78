"""What users tell Postbell about Telegram: of a post, and of an account."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from postbell.publishing.options import Strict, Words
from postbell.publishing.telegram.message import row_of


_CHAT = re.compile(r"@[A-Za-z]\w{3,31}|-?[0-9]{1,16}", re.ASCII)


class Credentials(Strict):
    """Who posts where."""

    placeless: ClassVar[frozenset[str]] = frozenset({"chat", "topic", "lookup_chat"})

    bot_token: SecretStr = Field(description="The token that @BotFather gave: 123456:ABC…")
    chat: str = Field(description="Where to post: @name, or the number of the chat, such as -1001234567890.")
    topic: int | None = Field(None, gt=0, description="The number of a topic, in a group with topics.")
    lookup_chat: str | None = Field(
        None,
        description="A chat of your own where the bot may read again what may be public; deleted at once.",
    )

    @field_validator("bot_token")
    @classmethod
    def _is_token(cls, value: SecretStr) -> SecretStr:
        token = value.get_secret_value().strip()
        if not re.fullmatch(r"[0-9]{1,20}:[A-Za-z0-9_-]{10,100}", token):
            raise ValueError("that is no token: it is a number, a colon, and letters and digits")
        return SecretStr(token)

    @field_validator("chat", "lookup_chat")
    @classmethod
    def _is_chat(cls, value: str | None) -> str | None:
        if value is None:
            return None
        chat = re.sub(r"^https://t\.me/c/([0-9]+)(/.*)?$", r"-100\1", value.strip())
        chat = re.sub(r"^https://t\.me/(?=\w+$)", "@", chat)
        if not _CHAT.fullmatch(chat):
            raise ValueError("give the @name of the chat, or its number, such as -1001234567890")
        return chat


class Options(Strict):
    """What a post can be told about Telegram."""

    first_only = frozenset(
        {"pin", "buttons", "poll", "poll_public", "poll_multiple", "poll_expires_in", "poll_hide_results"}
        | {"quiz_answer", "quiz_explanation", "audio_performer", "audio_title"}
    )
    lasting = first_only - {"buttons"} | {"spoiler", "as_files", "silent", "protect", "topic"}

    markup: Literal["text", "commonmark", "html", "markdown"] = Field(
        "text",
        description="commonmark: the text is ordinary Markdown, in which nothing need be escaped. "
        "html, markdown: it has Telegram's own markup in HTML, or in MarkdownV2.",
        examples=["commonmark"],
    )
    preview: Literal["auto", "off", "small", "large"] = Field(
        "auto",
        description="Of the link, in a post without files: off, or how large its picture is.",
        examples=["large"],
    )
    preview_above: bool = Field(default=False, description="Show the preview above the text.")
    caption_above: bool = Field(default=False, description="Show the text above photos and videos.")
    spoiler: bool = Field(default=False, description="Cover photos and videos until they are tapped.")
    as_files: bool = Field(
        default=False, description="Send pictures, videos and sounds as files, as they are."
    )
    audio_performer: str = Field("", description="Who is heard in an MP3 or M4A.", examples=["The ringers"])
    audio_title: str = Field("", description="What an MP3 or M4A is called.", examples=["Eight bells"])
    topic: int | None = Field(
        None, gt=0, description="The number of a topic, instead of the account's.", examples=[5]
    )
    silent: bool = Field(default=False, description="Notify without a sound.")
    protect: bool = Field(default=False, description="Nobody can forward or save it.")
    pin: bool = Field(default=False, description="Pin it; the bot needs that right.")
    buttons: Words = Field(
        [],
        description="Buttons below the post: words, then where each leads; `|` parts those of a row.",
        examples=["Our page https://example.org, Tickets https://example.org/tickets | Map https://osm.org"],
    )
    poll: Words = Field(
        [],
        max_length=12,
        description="Makes it a poll: up to 12 answers of at most 100 characters about the text; no files.",
        examples=["Yes, No"],
    )
    poll_public: bool = Field(default=False, description="Show who voted for what; not in channels.")
    poll_multiple: bool = Field(default=False, description="Several answers may be chosen.")
    poll_expires_in: int | None = Field(
        None,
        ge=5,
        le=2_628_000,
        description="Close the poll after so many seconds, 5 to 2,628,000.",
        examples=[86_400],
    )
    poll_hide_results: bool = Field(default=False, description="Show results only once the poll is closed.")
    quiz_answer: int | None = Field(
        None, ge=1, description="Makes it a quiz: the right answer's number.", examples=[1]
    )
    quiz_explanation: str = Field(
        "",
        max_length=200,
        description="Shown to those who chose a wrong answer; at most 200 characters.",
        examples=["It is the oldest one."],
    )

    @field_validator("buttons")
    @classmethod
    def _are_buttons(cls, buttons: list[str]) -> list[str]:
        if wrong := [row for row in buttons if not _is_row(row)]:
            raise ValueError(f"a button is its words and then an address, https://…: {', '.join(wrong)}")
        return buttons

    @field_validator("poll")
    @classmethod
    def _are_answers(cls, answers: list[str]) -> list[str]:
        if wrong := [answer for answer in answers if not 1 <= len(answer.strip()) <= 100]:
            raise ValueError(f"an answer has 1 to 100 characters: {', '.join(wrong)}")
        return answers


def _is_row(said: str) -> bool:
    try:
        row_of(said)
    except ValueError:
        return False
    return True
