"""What commands ask, asked at another machine: see `postbell.cli.desk`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from postbell.domain.account import Account
from postbell.domain.comment import FirstComment
from postbell.domain.media import Media, Source
from postbell.domain.metrics import Reading
from postbell.domain.pause import Pause
from postbell.domain.post import Attempt, Delivery, Post, Revision
from postbell.domain.series import Series
from postbell.domain.when import When
from postbell.errors import Invalid, Problem, Stale
from postbell.remote import reading
from postbell.remote.asking import change_asked, post_asked, time_asked
from postbell.remote.client import Client
from postbell.remote.sending import Progress, Sent, send_files
from postbell.services.accounts.holds import Held, matching
from postbell.services.plan.placing import Placing
from postbell.services.plan.projection import Coming
from postbell.services.plan.queueing import Roster
from postbell.services.posts.actions import Verdict
from postbell.services.posts.wanted import Changes, Preview, Saved, Wanted, with_clocks
from postbell.services.series.series import SeriesChanges, WantedSeries
from postbell.services.series.series_view import Upcoming
from postbell.shapes.base import stamp
from postbell.store.posts import Filter, stale_post
from postbell.store.series import stale_series


W = TypeVar("W", Wanted, WantedSeries)
C = TypeVar("C", Changes, SeriesChanges)

#: So many posts are read at once.
_PAGE = 200
#: So often it is looked whether something is as it was read, before it is changed.
_LOOKS = 3


class RemoteDesk:
    """Another machine. Its clock and its time zone count, as if the command was run there."""

    #: Seconds between two looks whether a post has ended.
    pace = 1.0

    def __init__(self, client: Client, progress: Progress) -> None:
        """Take the connection, and what shows how far something is."""
        self._client, self._progress = client, progress
        #: How many files were sent there.
        self.left = 0
        self.zone = ZoneInfo(client.get("here")["timezone"])

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def now(self) -> datetime:
        """Return what the clock there shows, in whole seconds, as it was told last."""
        return self._client.clock or datetime.min.replace(tzinfo=UTC)

    def daemon_runs(self) -> bool:
        """Return that it does: it has answered."""
        return True

    def holds(self) -> dict[str, Held]:
        """Return what holds accounts, by name."""
        found = map(reading.held_of, self._client.get("here")["held"])
        return {held.account: held for held in found}

    def pauses_of(self, post: Post) -> list[Pause]:
        """Return the pauses that hold a post back, besides those of its accounts."""
        found = map(reading.pause_of, self._client.get("here")["pauses"])
        return matching(found, post.series_id, post.labels)

    def looks_up(self, unsure: Delivery) -> bool:
        """Whether the daemon finds out by itself how an unsure delivery ended."""
        accounts = {account.name: account for account in self.accounts()}
        found = accounts.get(unsure.account)
        if found is None or found.health != "ok":
            return False
        return bool(self._client.get(f"networks/{unsure.network}")["resend"] != "never")

    def load_post(self, prefix: str) -> Post:
        """Return the one post whose id begins so."""
        told = self._client.get("find/post", begins=prefix)
        return reading.post_of(told)

    def list_posts(self, wanted: Filter) -> list[Post]:
        """Return the posts that fit, by time, those without one last; of too many the latest."""
        found: list[Post] = []
        asked = {
            "state": wanted.state,
            "outcome": wanted.outcome,
            "account": wanted.account,
            "label": wanted.label,
            "external_id": wanted.external_id,
            "since": stamp(wanted.since),
            "until": stamp(wanted.until),
        }
        cursor = None
        while len(found) < wanted.limit:
            most = min(_PAGE, wanted.limit - len(found))
            part = self._client.get("posts", **asked, limit=most, cursor=cursor)
            found += map(reading.post_of, part["posts"])
            if (cursor := part["next"]) is None:
                break
        return found[::-1]

    def add_post(self, wanted: Wanted) -> Saved:
        """Store a new post; raises Invalid with what is wrong there, and what could not be understood."""
        wanted = self.with_files(wanted)
        asked = post_asked(wanted, self.now())
        if wanted.problems:
            judged = self._client.send("POST", "posts/validate", asked)
            raise all_of(wanted.problems, map(reading.problem_of, judged["problems"]))
        return reading.saved_of(self._client.send("POST", "posts", asked))

    def preview(self, wanted: Wanted) -> list[Preview]:
        """Return what every account would be sent."""
        wanted = self.with_files(wanted)
        try:
            told = self._client.send("POST", "posts/preview", post_asked(wanted, self.now()))
        except Invalid as error:
            raise all_of(wanted.problems, error.problems) from None
        if wanted.problems:
            raise Invalid(wanted.problems)
        # What was typed is known here alone: there it is asked for by what it means.
        return [with_clocks(reading.preview_of(each), wanted) for each in told["previews"]]

    def edit_post(self, post: Post, changes: Changes) -> Saved:
        """Change a draft or scheduled post, or what is still to come of one."""
        return self._change(post, change_asked(self.understood(changes), post, self.now()))

    def edit_published(self, post: Post, changes: Changes, accounts: Sequence[str]) -> Saved:
        """Change what is public of a post."""
        asked = self._edit_asked(post, changes, accounts)
        return reading.saved_of(self._overwrite(post, "POST", f"posts/{post.id}", asked, "/edit"))

    def preview_published(
        self, post: Post, changes: Changes, accounts: Sequence[str]
    ) -> tuple[Sequence[Mapping[str, Any]], Sequence[Problem]]:
        """Return how it is told what `edit_published` would change, and what is worth knowing of it."""
        asked = self._edit_asked(post, changes, accounts)
        told = self._client.send("POST", f"posts/{post.id}/edit/preview", asked)
        return told["edits"], list(map(reading.problem_of, told["problems"]))

    def revisions_of(self, post: Post) -> list[Revision]:
        """Return what a published post has said before."""
        told = self._client.get(f"posts/{post.id}/revisions")["revisions"]
        return list(map(reading.revision_of, told))

    def unpublish(self, post: Post, account: str | None) -> Post:
        """Have what is public of a post taken away."""
        return self._act(post, "unpublish", {"account": account}).post

    def reschedule(
        self,
        post: Post,
        to: When | Placing,
        *,
        accounts: Sequence[str] = (),
        allow_duplicate: bool = False,
    ) -> Saved:
        """Give a post another time, or only some of its accounts."""
        times = dict.fromkeys(accounts, to) if isinstance(to, When) else {}
        asked = time_asked(None if times else to, self.now(), times=times)
        return self._change(post, asked | ({"allow_duplicate": True} if allow_duplicate else {}))

    def unschedule(self, post: Post) -> Post:
        """Make a scheduled post a draft again."""
        return self._change(post, {"draft": True}).post

    def publish_now(self, post: Post, *, allow_duplicate: bool = False) -> Saved:
        """Publish a post now."""
        return self._act(post, "publish", {"allow_duplicate": allow_duplicate})

    def cancel(self, post: Post) -> Post:
        """Cancel what is not yet published of a post."""
        return self._act(post, "cancel").post

    def retry(self, post: Post, account: str | None) -> Post:
        """Try again what failed or was missed."""
        return self._act(post, "retry", {"account": account}).post

    def settle(self, post: Post, verdict: Verdict, *, account: str | None, url: str | None) -> Post:
        """Say how an unsure delivery ended."""
        return self._act(post, "settle", {"verdict": verdict, "account": account, "url": url}).post

    def delete(self, post: Post) -> None:
        """Remove a post for good."""
        self._client.send("DELETE", f"posts/{post.id}")

    def log_of(self, post: Post) -> list[tuple[Delivery, Attempt]]:
        """Return every try of a post."""
        by_name = {delivery.account: delivery for delivery in post.deliveries}
        told = self._client.get(f"posts/{post.id}/attempts")["attempts"]
        return [
            (by_name[each["account"]], reading.attempt_of(each, by_name[each["account"]])) for each in told
        ]

    def readings_of(self, post: Post) -> list[Reading]:
        """Return what was read of a post."""
        return list(map(reading.reading_of, self._client.get(f"posts/{post.id}/readings")["readings"]))

    def comments_of(self, post: Post) -> dict[str, FirstComment]:
        """Return how the first comments on a post do, by account."""
        told = self._client.get(f"posts/{post.id}/comments")["comments"]
        return {each["account"]: reading.first_comment_of(each) for each in told}

    def accounts(self) -> list[Account]:
        """Return every account."""
        return list(map(reading.account_of, self.accounts_told()))

    def accounts_told(self) -> list[Mapping[str, Any]]:
        """Return how every account is told."""
        told: list[Mapping[str, Any]] = self._client.get("accounts")["accounts"]
        return told

    def status(self) -> dict[str, Any]:
        """Return how things stand."""
        told: dict[str, Any] = self._client.get("status")
        return told

    def list_series(self, *, ended: bool) -> list[tuple[Series, Pause | None, datetime | None]]:
        """Return series, what holds each back, and when its next post is due."""
        found = self._client.get("series", ended=str(ended).lower())["series"]
        return [(*reading.series_of(each), reading.instant_of(each["next_at"])) for each in found]

    def load_series(self, prefix: str) -> tuple[Series, Pause | None]:
        """Return the one series whose id begins so, and what holds it back."""
        return reading.series_of(self._client.get("find/series", begins=prefix))

    def look_ahead(self, series: Series, count: int) -> list[Upcoming]:
        """Return the next posts of a series."""
        told = self._client.get(f"series/{series.id}/next", count=count)["next"]
        return list(map(reading.upcoming_of, told))

    def queue(self, name: str | None, count: int) -> list[Roster]:
        """Return the queue of an account, or those of all."""
        names = [name] if name else [account.name for account in self.accounts()]
        return [reading.roster_of(self._client.get(f"accounts/{each}/queue", count=count)) for each in names]

    def upcoming(self, *, count: int, until: datetime | None) -> list[Coming]:
        """Return what will be published next."""
        told = self._client.get("next", count=count, until=stamp(until))["coming"]
        return list(map(reading.coming_of, told))

    def between(self, start: datetime, end: datetime) -> list[Coming]:
        """Return what was and will be published between two instants."""
        told = self._client.get("agenda", since=stamp(start), until=stamp(end))["coming"]
        return list(map(reading.coming_of, told))

    def with_files(self, wanted: W) -> W:
        """Return a wish with its files as they lie there, and with what is wrong with them."""
        sent: Sent = self._send(wanted.media)
        return replace(wanted, media=sent.media, problems=(*wanted.problems, *sent.problems))

    def understood(self, changes: C) -> C:
        """Return changes with their files as they lie there; raises Invalid with what is wrong with them."""
        sent: Sent = self._send(changes.media or ())
        if problems := (*changes.problems, *sent.problems):
            raise Invalid(problems)
        return changes if changes.media is None else replace(changes, media=sent.media)

    def _edit_asked(self, post: Post, changes: Changes, accounts: Sequence[str]) -> dict[str, Any]:
        from postbell.services.sending.editing import settled

        if problems := settled(post, changes):
            raise Invalid([*changes.problems, *problems])
        return {**change_asked(self.understood(changes), post, self.now()), "accounts": list(accounts)}

    def _send(self, media: Sequence[Source | Media]) -> Sent:
        sent = send_files(self._client, media, self._progress)
        self.left += sent.count
        return sent

    def _change(self, post: Post, asked: dict[str, Any]) -> Saved:
        return reading.saved_of(self._overwrite(post, "PATCH", f"posts/{post.id}", asked))

    def _overwrite(
        self, known: Post | Series, method: str, path: str, asked: dict[str, Any], then: str = ""
    ) -> Any:
        """Change what is at a path; raises Stale if somebody has changed it since it was read."""
        for _ in range(_LOOKS):
            told, tag = self._client.tagged(path)
            if told["version"] != known.version:
                break
            with suppress(Stale):  # the ETag tells also how far it has come: that is no reason to refuse
                return self._client.send(method, path + then, asked, match=tag)
        raise stale_post(known.id) if isinstance(known, Post) else stale_series(known.id)

    def _act(self, post: Post, action: str, asked: dict[str, Any] | None = None) -> Saved:
        return reading.saved_of(self._client.send("POST", f"posts/{post.id}/{action}", asked))


def all_of(here: Iterable[Problem], there: Iterable[Problem]) -> Invalid:
    """Return what could not be understood here together with what is wrong there, as it is told there."""
    wrong = list(there)
    of_accounts = [each for each in wrong if each.where == "--to"]  # they are told first
    return Invalid(dict.fromkeys([*of_accounts, *here, *wrong]))
