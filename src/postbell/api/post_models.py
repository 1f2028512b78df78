"""What is answered about posts: the shapes of `postbell.shapes.posts`, with what each member means."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from postbell.api.models import Instant, Note, ProblemItem, Shape
from postbell.domain.content import Split
from postbell.domain.post import AttemptKind, PlacedBy
from postbell.domain.states import DeliveryState, Outcome, PostState


class Media(Shape):
    """A file of a post."""

    name: str = Field(description="What the file was called.", examples=["cat.jpg"])
    alt: str = Field(description="What it shows, for people who cannot see it; may be empty.")
    part: int = Field(description="Which part of a thread shows it, from 1; 0: the first comment.")
    mime: str = Field(description="Its type, read from its content.", examples=["image/jpeg"])
    size: int = Field(description="Its length in bytes.")
    width: int | None = Field(description="Pixels; null where they could not be measured.")
    height: int | None = Field(description="Pixels; null where they could not be measured.")
    sha256: str = Field(description="Names the stored file: the SHA-256 of its bytes, in hexadecimal.")


class Added(Shape):
    """What an account adds to a post of its own accord, as it was when the post was written or changed."""

    signature: str = Field(description="The last paragraph; empty for none.")
    utm: dict[str, str] = Field(description="Parameters of links that have none such, by name.")
    sites: list[str] = Field(description="Only links to these hosts get them; empty: all links.")


class Override(Shape):
    """What one network or account says instead of the post; null leaves that to the post."""

    text: str | None = Field(description="The text.")
    segments: list[str] = Field(description="The further parts of a thread that this text begins.")
    comment: str | None = Field(description="The first comment; an empty one for none.")
    title: str | None = Field(description="The title.")
    link: str | None = Field(description="The web address.")
    options: dict[str, Any] = Field(
        description="Options of the network by name, as its schema describes them."
    )
    split: Split = Field(description="Not no: it was made of a text that is too long, and is made anew.")
    added: Added | None = Field(description="What the account adds; made anew with every change of the post.")


class Delivery(Shape):
    """How a post does on one account."""

    account: str = Field(description="The name of the account.")
    network: str = Field(description="The key of its network.")
    state: DeliveryState = Field(description="What happens to it.")
    outcome: Outcome | None = Field(description="How it ended; null while it has not.")
    due_at: Instant | None = Field(
        description="When it is meant to be published there; of a draft its date, null where it has none."
    )
    zone: str | None = Field(description="The zone of a time of its own; null: that of the post.")
    placed_by: PlacedBy | None = Field(description="What has chosen the time; null where the user named it.")
    placed_why: str | None = Field(description="Why that time was chosen.")
    stream: str | None = Field(
        description="The series or library of which it is; of several late ones the newest is sent."
    )
    late_limit_seconds: float | None = Field(
        description="How late it may be published, in seconds; null: as late as any."
    )
    expires_at: Instant | None = Field(description="It is not published after this.")
    try_at: Instant | None = Field(description="When it may be tried next.")
    tries: int = Field(description="How often it was tried.")
    begun_at: Instant | None = Field(description="When the first try began.")
    ended_at: Instant | None = Field(description="When it ended.")
    public_at: Instant | None = Field(
        description="Since when it is public; of what was found there, when its last try began."
    )
    late_seconds: float | None = Field(
        description="How long after its time it became public, or began if it is not, in seconds; null if "
        "on time."
    )
    late_reason: str | None = Field(description="Why it was late: all that kept it, one after the other.")
    receipt_id: str | None = Field(description="What the network calls the post.")
    url: str | None = Field(description="Where the post is, if the network says.")
    delete_at: Instant | None = Field(description="When it is taken away again.")
    deleted_at: Instant | None = Field(description="When it was taken away.")
    edit_at: Instant | None = Field(description="When it is changed where it is public.")
    edited_at: Instant | None = Field(description="When it was last changed there.")
    message: str | None = Field(description="Why it failed, waits or is unsure.")
    warnings: list[str] = Field(description="What went other than asked, without failing it.")


class Comment(Shape):
    """What is published below a post first, with those files of the post whose `part` is 0."""

    text: str = Field(description="The text.")
    after_seconds: float = Field(description="How long after the post.")


class Post(Shape):
    """A post: what it says, for whom and when, and how it does."""

    id: str = Field(description="Names it; 8 characters.", examples=["k7f2m9qx"])
    state: PostState = Field(description="processing from its first account on, processed once all ended.")
    outcome: Outcome | None = Field(
        description="How it ended on all accounts together; null while it has not."
    )
    text: str = Field(description="The text; may be empty where something else says something.")
    segments: list[str] = Field(description="The further parts of a thread; empty where it is none.")
    comment: Comment | None = Field(description="What is published below it first; null for nothing.")
    title: str | None = Field(description="The title, for networks that have one.")
    link: str | None = Field(description="A web address that it is about.")
    at: Instant | None = Field(
        description="When it is meant to be published, the earliest of its times; null without one."
    )
    local: str | None = Field(
        description="The same on the clock on the wall in `zone`, without an offset.",
        examples=["2026-11-27T18:00:00"],
    )
    zone: str | None = Field(description="The IANA name of the time zone.", examples=["Europe/Berlin"])
    external_id: str | None = Field(
        description="What its caller calls it; null where it has no such name.", examples=["cms-4711"]
    )
    labels: list[str] = Field(description="What it is filed under.")
    late_limit_seconds: float | None = Field(
        description="How late it may be published, in seconds; null leaves that to the account."
    )
    not_after: Instant | None = Field(description="It is not published after this.")
    delete_after_seconds: float | None = Field(
        description="So many seconds after its publication it is taken away again; null: it stays."
    )
    allow_duplicate: bool = Field(description="Whether it may say what another post of an account says.")
    bare: bool = Field(description="Whether its accounts add nothing to it.")
    unchecked: bool = Field(
        description="Whether the networks decide about their limits: what is beyond them, as Postbell knows "
        "them, was no problem."
    )
    series: str | None = Field(description="The id of the series that has made it.")
    slot: str | None = Field(description="For which of its times that series has made it.")
    turn: int | None = Field(description="The how-manieth post of that series it is, from 0.")
    touched: bool = Field(
        description="Whether somebody has changed it by hand since; then the series leaves it alone."
    )
    media: list[Media] = Field(description="Its files, in order.")
    overrides: dict[str, Override] = Field(
        description="What single networks or accounts say, by their names."
    )
    deliveries: list[Delivery] = Field(description="How it does on each of its accounts.")
    created_at: Instant = Field(description="When it was written.")
    updated_at: Instant = Field(description="When it was changed last.")
    version: int = Field(description="Counts the changes.")


class SavedPost(Post):
    """A post that was stored, with what came of it."""

    notes: list[str] = Field(description="What is worth knowing about its time.")
    problems: list[Note] = Field(description="What a draft still lacks, and what may come in the way.")
    moved: list[str] = Field(description="The ids of the posts that moved down the queue for it.")


class Attempt(Shape):
    """One try to publish a post on one account, or to look it up, settle or remove it."""

    post: str = Field(description="The id of the post.")
    account: str = Field(description="The name of the account.")
    kind: AttemptKind = Field(description="What was tried.")
    started_at: Instant = Field(description="When it began.")
    ended_at: Instant | None = Field(description="When it ended; null while it is under way.")
    result: str | None = Field(description="How it ended.")
    message: str | None = Field(description="What the network, or the user, said.")


class Attempts(Shape):
    """The tries of a post, the oldest first."""

    attempts: list[Attempt] = Field(description="The tries.")


class Length(Shape):
    """How long a text is."""

    count: int = Field(description="How long it is.")
    limit: int = Field(description="How long it may be.")


class SentCall(Shape):
    """A request that a network would be sent. Nothing secret is in it."""

    method: str = Field(description="Its method.")
    url: str = Field(description="Its address.")
    headers: dict[str, str] = Field(description="Its headers, without those that hold secrets.")
    body: Any = Field(
        description="Its body as JSON; `<…>` stands for files, and for what only an answer can tell."
    )


class Preview(Shape):
    """What one account would be sent, and when."""

    account: str = Field(description="The name of the account.")
    network: str = Field(description="The key of its network.")
    at: Instant | None = Field(description="When; null for a draft without a time.")
    placed_why: str | None = Field(description="Why then, where Postbell has chosen it.")
    lengths: dict[str, Length] = Field(description="Of the longest part as it is sent, by unit.")
    parts: list[dict[str, Length]] = Field(description="Of each part of a thread, by unit.")
    given: list[Media] = Field(description="Its files as they are.")
    media: list[Media] = Field(description="Its files as they are sent.")
    calls: list[SentCall] = Field(description="The requests, in order.")
    problems: list[Note] = Field(description="What it would be refused for.")
    warnings: list[Note] = Field(description="What may come in the way.")


class Previews(Shape):
    """What each account would be sent. Nothing was stored, nothing was sent."""

    previews: list[Preview] = Field(description="One for each account.")


class Judged(Shape):
    """Whether a post would be stored as it is. Nothing was."""

    valid: bool = Field(description="Whether it would be stored.")
    problems: list[ProblemItem] = Field(description="What it would be refused for.")
    warnings: list[Note] = Field(description="What a draft would lack, and what may come in the way.")
    moved: list[str] = Field(description="The ids of the posts that would move down the queue for it.")


class SavedPosts(Shape):
    """Posts that were stored together, in the order in which they came."""

    posts: list[SavedPost] = Field(description="The posts.")


class PostPage(Shape):
    """A part of a list: those without a time first, then from the latest to the earliest."""

    posts: list[Post] = Field(description="The posts.")
    next: str | None = Field(
        description="What to give as `cursor` for the part that follows; null at the end."
    )
