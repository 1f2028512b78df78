"""What answers about series, queues, pauses and what is to come look like, for the contract."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from postbell.api.models import Instant, Note, Shape
from postbell.api.post_models import Comment, Media, Override, Post
from postbell.domain.comment import CommentState
from postbell.domain.notice import NoticeKind
from postbell.domain.states import Outcome, PostState, SeriesState
from postbell.services.accounts.holds import Hold
from postbell.services.accounts.pausing import Scope


class Rule(Shape):
    """When a series comes again."""

    kind: str = Field(
        description="recurrence: by the calendar; recycling: after a gap.", examples=["recurrence"]
    )
    words: dict[str, Any] = Field(description="The rule, in the words in which it is asked for.")
    says: str = Field(description="The same for people.", examples=["every day at 09:00 Europe/Berlin"])
    rrule: str | None = Field(description="The same as an RRULE (RFC 5545); null where that cannot say it.")


class PauseSpan(Shape):
    """Since when, and until when, something is held back."""

    since: Instant = Field(description="Since when.")
    until: Instant | None = Field(description="Until when; null: until it is resumed.")


class Series(Shape):
    """What is written once and published again and again."""

    id: str = Field(description="Names it; 8 characters.", examples=["k7f2m9qx"])
    state: SeriesState = Field(description="active, or ended: it makes no more posts.")
    paused: PauseSpan | None = Field(description="Whether it is held back.")
    rule: Rule = Field(description="When it comes again.")
    library: str | None = Field(description="The library that it is a piece of.")
    to: list[str] = Field(description="The names of its accounts.")
    text: str = Field(description="Its text, with its choices.")
    segments: list[str] = Field(description="The further parts of a thread.")
    comment: Comment | None = Field(description="What is published below each of its posts first.")
    variants: list[str] = Field(description="Other texts, taken in turn with the first.")
    title: str | None = Field(description="The title, for networks that have one.")
    link: str | None = Field(description="A web address that it is about.")
    media: list[Media] = Field(description="Its files, in order.")
    overrides: dict[str, Override] = Field(
        description="What single networks or accounts say, by their names."
    )
    labels: list[str] = Field(description="What its posts are filed under.")
    late_limit_seconds: float | None = Field(description="How late its posts may be published, in seconds.")
    delete_after_seconds: float | None = Field(
        description="So many seconds after its publication a post is taken away."
    )
    made: int = Field(description="How many posts it has made.")
    created_at: Instant = Field(description="When it was written.")
    updated_at: Instant = Field(description="When it was changed last.")
    version: int = Field(description="Counts the changes.")


class ListedSeries(Series):
    """A series in a list."""

    next_at: Instant | None = Field(description="When its next post is due; null where none is made.")


class SeriesList(Shape):
    """Series, the oldest first."""

    series: list[ListedSeries] = Field(description="The series.")


class ChangedPosts(Shape):
    """What became of the posts to come of a series."""

    changed: list[str] = Field(description="The ids of those that were changed.")
    removed: list[str] = Field(description="The ids of those that were removed.")
    made: int = Field(description="How many are new.")


class SavedSeries(Series):
    """A series that was stored, with what came of it."""

    posts: ChangedPosts = Field(description="What became of its posts to come.")
    notes: list[str] = Field(description="What is worth knowing.")
    problems: list[Note] = Field(description="What may come in the way of its posts.")


class EndedSeries(Series):
    """A series that was ended."""

    cancelled: int = Field(description="How many of its posts to come were cancelled.")


class DeletedSeries(Shape):
    """A series that was deleted, and what became of its posts."""

    id: str = Field(description="The id that it had.")
    removed: int = Field(description="How many of its posts to come went with it.")
    kept: int = Field(description="How many stay, as posts like others.")


class Upcoming(Shape):
    """One of the next posts of a series."""

    at: Instant = Field(description="When it is published.")
    local: str = Field(description="What clocks in `zone` show then.", examples=["2026-11-27T18:00:00"])
    zone: str = Field(description="The IANA name of the time zone.")
    slot: str = Field(description="Names the time for which it is; to skip it.")
    note: str | None = Field(description="What a change of the clocks does to it.")
    post: str | None = Field(description="The id of its post; null where it is not made yet.")
    state: PostState | None = Field(description="The state of that post.")
    touched: bool = Field(description="Whether somebody has changed it by hand.")
    text: str = Field(description="What it says.")


class UpcomingList(Shape):
    """The next posts of a series, in order of time."""

    next: list[Upcoming] = Field(
        description="Those that are made, skipped or moved, and those still to be made."
    )


class PreviewedSeries(Shape):
    """What a series would publish. Nothing was stored."""

    series: dict[str, Any] = Field(description="The series, as it would be stored, without an id.")
    next: list[Upcoming] = Field(description="Its next posts.")
    problems: list[Note] = Field(description="What may come in the way.")


class Slots(Shape):
    """The weekly posting times of an account."""

    account: str = Field(description="The name of the account.")
    zone: str | None = Field(description="The zone whose clocks count; null without posting times.")
    times: list[str] = Field(description="Lines of days and times.", examples=[["mon-fri 09:00,17:30"]])
    days_off: list[str] = Field(
        description="Days without posts, both ends included.", examples=[["2026-12-24..2026-12-26"]]
    )
    outside: list[str] = Field(description="The ids of what is queued at other times, which they keep.")


class Seat(Shape):
    """A time in the queue of an account, and who has it."""

    account: str = Field(description="The name of the account.")
    at: Instant = Field(description="The time.")
    local: str = Field(description="What clocks in `zone` show then.")
    zone: str = Field(description="The IANA name of the time zone.")
    slot: bool = Field(description="Whether it is a posting time, and not one that there was before.")
    posts: list[Post] = Field(description="What is published then; empty: it is free.")


class Queue(Shape):
    """The next posting times of an account, and what is queued in between."""

    account: str = Field(description="The name of the account.")
    zone: str | None = Field(description="The zone of its posting times; null without any.")
    seats: list[Seat] = Field(description="The times, in order.")
    next_free: Instant | None = Field(description="The first of them that is free.")
    later: int = Field(description="How many posts are queued after the last of these.")


class Moved(Shape):
    """Which queued posts have other times now."""

    account: str = Field(description="The name of the account.")
    moved: list[str] = Field(description="The ids of those that were moved.")


class Pause(Shape):
    """Something that is held back."""

    scope: Scope = Field(description="What: an account, a series, a label or everything.")
    name: str = Field(description="Its name, its id, or the label; empty for everything.")
    since: Instant = Field(description="Since when.")
    until: Instant | None = Field(description="Until when; null: until it is resumed.")


class Pauses(Shape):
    """What is held back, everything first."""

    pauses: list[Pause] = Field(description="The pauses.")


class NewPause(Pause):
    """Something that was held back just now."""

    waiting: int = Field(description="How many deliveries that holds back.")
    used: bool = Field(description="Of a label: whether a post that is to come has it; else true.")


class NewPauses(Shape):
    """What was held back just now."""

    paused: list[NewPause] = Field(description="In the order in which it was asked for.")


class Resumed(Shape):
    """Something that was let go on."""

    scope: Scope = Field(description="What: an account, a series, a label or everything.")
    name: str = Field(description="Its name, its id, or the label; empty for everything.")
    was_paused: bool = Field(description="Whether it was held back.")
    late: int = Field(description="How many deliveries are published late, now.")
    missed: int = Field(description="How many fell due meanwhile and are missed.")


class ResumedList(Shape):
    """What was let go on."""

    resumed: list[Resumed] = Field(description="In the order in which it was asked for.")


class Label(Shape):
    """What posts and series are filed under."""

    name: str = Field(description="The label.", examples=["news"])
    posts: int = Field(description="How many posts have it.")
    scheduled: int = Field(description="How many of these are still to be published.")
    series: int = Field(description="How many series have it that still make posts.")
    paused: bool = Field(description="Whether what has it is held back.")


class Labels(Shape):
    """Every label, by name."""

    labels: list[Label] = Field(description="The labels.")


class Coming(Shape):
    """A delivery that was, or is to be, published; or a dated draft."""

    at: Instant = Field(description="When.")
    local: str = Field(description="What clocks in `zone` show then.")
    zone: str = Field(description="The time zone of the configuration.")
    account: str | None = Field(description="The name of the account; null for a draft without one.")
    network: str | None = Field(description="The key of its network.")
    post: str | None = Field(description="The id of the post; null where a series will make it later.")
    series: str | None = Field(description="The id of the series that has made it, or will.")
    outcome: Outcome | None = Field(description="How it ended; null while it has not.")
    draft: bool = Field(description="Whether it is a dated draft, which is never published by its date.")
    held: str | None = Field(description="What will hold it back then, in words.")
    text: str = Field(description="What it says.")


class ComingList(Shape):
    """What was and will be published, in order of time."""

    coming: list[Coming] = Field(description="A line for each delivery.")


class Rehearsal(Shape):
    """What a span of time would bring. Nothing was sent, nothing was stored."""

    deliveries: list[dict[str, Any]] = Field(
        description="Each delivery, in order of time: {due_at, began_at, late_seconds, late_reason, account, "
        "network, post, series, outcome, message, warnings, excerpt, text}; outcome is null where it still "
        "waits, text is what its account says, excerpt what that begins with."
    )
    empty_slots: list[dict[str, Any]] = Field(description="Posting times that nothing fills: {at, account}.")
    repeats: list[dict[str, Any]] = Field(
        description="Series that say on an account what they said shortly before: {series, account, count}."
    )
    summary: dict[str, Any] = Field(
        description="{from, to, published, failed, missed, unsure, waiting, empty_slots, warnings, "
        "latest_seconds}."
    )


class Reading(Shape):
    """How people had responded to a post when its network was asked."""

    post: str = Field(description="The id of the post.")
    account: str = Field(description="The name of the account.")
    read_at: Instant = Field(description="When the network was asked.")
    counts: dict[str, int] = Field(
        description="likes, reposts, replies, quotes and comments, as far as the network tells."
    )


class Readings(Shape):
    """What was ever read of a post, the oldest first."""

    readings: list[Reading] = Field(description="The readings.")


class Responses(Shape):
    """How many people responded to a post, as somebody has counted."""

    post: str = Field(description="The id of the post.")
    account: str = Field(description="The name of the account.")
    responses: int = Field(description="How many.")


class Hour(Shape):
    """What came back on the posts of one account at one hour of the week."""

    account: str = Field(description="The name of the account.")
    weekday: int = Field(description="0 is Monday.")
    hour: int = Field(description="The hour of the day, from 0.")
    zone: str = Field(description="The zone whose clocks count.")
    mean: float = Field(description="How many people responded to a post, on average.")
    posts: int = Field(description="How many posts that is known of.")


class Hours(Shape):
    """What came back at each hour of the week that is known of, by account, the best first."""

    hours: list[Hour] = Field(description="The hours.")


class Notice(Shape):
    """Something that the user should know."""

    kind: NoticeKind = Field(description="What it is about.")
    at: Instant = Field(description="When it happened, or was first seen.")
    post: str | None = Field(description="The id of the post.")
    account: str | None = Field(description="The name of the account.")
    text: str | None = Field(description="The first words of the post.")
    message: str = Field(
        description="What happened. Whole sentences.", examples=["The first comment was not published."]
    )
    mend: str | None = Field(description="What to do about it.")
    told_at: Instant | None = Field(description="When the user was told; null: not, or not yet.")
    over_at: Instant | None = Field(description="Since when nothing of it is left to tell.")


class Notices(Shape):
    """Notices, the newest first."""

    notices: list[Notice] = Field(description="The notices.")


class Trial(Shape):
    """How one way of telling the user took a test."""

    way: str = Field(description="The name of the way; nothing secret is in it.", examples=["desktop"])
    told: bool = Field(description="Whether it took the message.")
    error: str | None = Field(description="Why not.")


class Trials(Shape):
    """How every way of telling the user took a test."""

    ways: list[Trial] = Field(description="The ways.")


class HeldAccount(Shape):
    """An account with which nothing is published now."""

    account: str = Field(description="The name of the account.")
    hold: Hold = Field(description="paused, unauthorized or resting.")
    reason: str | None = Field(description="What its network said.")
    until: Instant | None = Field(description="When that ends by itself.")


class Here(Shape):
    """The time and the time zone of this Postbell, and what is held back."""

    now: Instant = Field(description="What its clock shows.")
    timezone: str = Field(description="The IANA name of the zone of times that name none.")
    late_limit_seconds: float = Field(description="How late posts may be published, in seconds.")
    held: list[HeldAccount] = Field(description="Accounts with which nothing is published now.")
    pauses: list[Pause] = Field(description="What else is held back.")


class FirstComment(Shape):
    """How the first comment of an account on a post does."""

    account: str = Field(description="The name of the account.")
    state: CommentState = Field(description="What became of it.")
    due_at: Instant = Field(description="When it is meant to be published.")
    url: str | None = Field(description="Where it is, if the network says.")
    message: str | None = Field(description="Why it is as it is.")


class FirstComments(Shape):
    """How the first comments on a post do."""

    comments: list[FirstComment] = Field(description="One for each account.")
