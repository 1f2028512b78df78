"""What answers look like, for the contract: what all of them share, and how things stand."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """A part of an answer. New members may be added at any time."""

    model_config = ConfigDict(extra="allow")


Instant = Annotated[str, Field(examples=["2026-11-27T17:00:00Z"], json_schema_extra={"format": "date-time"})]


class ProblemItem(Shape):
    """One thing that is wrong with what was asked for."""

    pointer: str | None = Field(
        description="JSON pointer to its place in the body; null where it is elsewhere."
    )
    where: str = Field(description="What it is about, in words.")
    message: str = Field(description="What is wrong, and what to do about it. A whole sentence.")
    account: str | None = Field(description="The account that it concerns, if only one does.")
    option: str | None = Field(description="What the command line calls its place.")
    said: str | None = Field(description="The message in the words of the command line, if it has them.")


class ProblemDocument(Shape):
    """Why something was refused (RFC 9457)."""

    type: str = Field(description="Always `about:blank`: `code` says what kind it is.")
    title: str = Field(description="The words of the status.")
    status: int = Field(description="The status of the answer.")
    code: str = Field(description="The kind of problem as one word.", examples=["invalid"])
    detail: str = Field(description="What is wrong, and what to do about it.")
    said: str | None = Field(description="The same in the words of the command line, if it has them.")
    problems: list[ProblemItem] = Field(description="Every single thing that is wrong, if several can be.")


class Ready(Shape):
    """That everything is as it should be."""

    ready: bool = Field(description="Always true; where it is not so the answer is 503.")


class Note(Shape):
    """Something that may come in the way of a post, or that a draft still lacks."""

    where: str = Field(description="What it is about, in words.")
    message: str = Field(description="What may happen, or is lacking. A whole sentence.")
    account: str | None = Field(description="The account that it concerns, if only one does.")


class Status(Shape):
    """How things stand."""

    daemon: dict[str, int] | None = Field(description="The daemon that runs: {pid}.")
    next_due: list[dict[str, Any]] = Field(description="What each account publishes next, the soonest first.")
    overdue: dict[str, Any] = Field(description="What should have been published: {count, oldest, held}.")
    deliveries: dict[str, int] = Field(description="How many deliveries are in each state.")
    results: dict[str, int] = Field(description="How many of the processed ones ended how.")
    unsure: list[dict[str, Any]] = Field(description="What may be public or not, and somebody must look.")
    lost: dict[str, Any] = Field(
        description="What failed or was missed within a day: {count, newest, superseded}."
    )
    held: list[dict[str, Any]] = Field(description="Accounts that are held back, and why.")
    pauses: list[dict[str, Any]] = Field(description="What else is held back.")
    caution: dict[str, Any] | None = Field(description="Why what is overdue is looked up before it is sent.")
    foreseen: str | None = Field(description="What the next daemon will be cautious of.")
    database: dict[str, Any] = Field(description="The database: {path, bytes, log_bytes, schema, secrets}.")
    last_backup: Instant | None = Field(description="When the last backup was made.")
    notices: dict[str, Any] = Field(description="How the user is told: {untold, ways}.")
    troubles: list[str] = Field(description="What somebody must look at, in sentences; empty: all is well.")
