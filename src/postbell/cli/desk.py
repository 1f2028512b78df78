"""What commands ask of Postbell: here, of its database; or with --remote of another machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from postbell.shapes.accounts import account_json


if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from postbell.app import App
    from postbell.domain.account import Account
    from postbell.domain.comment import FirstComment
    from postbell.domain.metrics import Reading
    from postbell.domain.pause import Pause
    from postbell.domain.post import Attempt, Delivery, Post, Revision
    from postbell.domain.series import Series
    from postbell.domain.when import When
    from postbell.errors import Problem
    from postbell.remote.desk import RemoteDesk
    from postbell.services.accounts.holds import Held
    from postbell.services.plan.placing import Placing
    from postbell.services.plan.projection import Coming
    from postbell.services.plan.queueing import Roster
    from postbell.services.posts.actions import Verdict
    from postbell.services.posts.wanted import Changes, Preview, Saved, Wanted
    from postbell.services.series.series_view import Upcoming
    from postbell.store.posts import Filter


class Clocks(Protocol):
    """What times are understood and told by."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone of times that name none."""
        ...

    def now(self) -> datetime:
        """Return the present instant (aware UTC)."""
        ...


class LocalDesk:
    """The database of this machine. What it does is what `postbell.services` say of it."""

    #: Seconds between two looks whether a post has ended; readers of the database wait for nobody.
    pace = 0.2
    #: How many files lie elsewhere for what was asked: none.
    left = 0

    def __init__(self, app: App) -> None:
        """Take what was opened."""
        self._app, self._ctx = app, app.ctx
        self.zone = app.ctx.zone

    def now(self) -> datetime:
        """Return the present instant."""
        return self._ctx.now()

    def daemon_runs(self) -> bool:
        """Whether a daemon works on this database."""
        from postbell.store.lock import DaemonLock

        return DaemonLock(self._app.places.data_dir).holder() is not None

    def holds(self) -> dict[str, Held]:
        """Return what holds accounts, by name."""
        from postbell.services.accounts.accounts import list_accounts
        from postbell.services.accounts.holds import hold_of

        found = [hold_of(account, self.now()) for account in list_accounts(self._ctx)]
        return {held.account: held for held in found if held}

    def pauses_of(self, post: Post) -> list[Pause]:
        """Return the pauses that hold a post back, besides those of its accounts."""
        from postbell.services.accounts.holds import pauses_of

        return pauses_of(self._ctx, post)

    def looks_up(self, unsure: Delivery) -> bool:
        """Whether the daemon finds out by itself how an unsure delivery ended."""
        from postbell.services.upkeep.health import looks_up

        return looks_up(self._ctx, unsure)

    def load_post(self, prefix: str) -> Post:
        """Return the one post whose id begins so."""
        from postbell.services.posts.compose import load_post

        return load_post(self._ctx, prefix)

    def list_posts(self, wanted: Filter) -> list[Post]:
        """Return the posts that fit; raises NotFound for an account that there is not."""
        from postbell.store.posts import list_posts

        if wanted.account:
            from postbell.services.accounts.accounts import get_account

            get_account(self._ctx, wanted.account)
        with self._ctx.store.read() as tx:
            return list_posts(tx, wanted, self._ctx.media.path_of)

    def add_post(self, wanted: Wanted) -> Saved:
        """Store a new post."""
        from postbell.services.posts.compose import add_post

        return add_post(self._ctx, wanted)

    def preview(self, wanted: Wanted) -> list[Preview]:
        """Return what every account would be sent."""
        from postbell.services.posts.preview import preview_post

        return preview_post(self._ctx, wanted)

    def edit_post(self, post: Post, changes: Changes) -> Saved:
        """Change a draft or scheduled post, or what is still to come of one."""
        from postbell.services.posts.rest import change_post

        return change_post(self._ctx, post, changes)

    def edit_published(self, post: Post, changes: Changes, accounts: Sequence[str]) -> Saved:
        """Change what is public of a post."""
        from postbell.services.sending.editing import edit_published

        return edit_published(self._ctx, post, changes, accounts)

    def preview_published(
        self, post: Post, changes: Changes, accounts: Sequence[str]
    ) -> tuple[Sequence[Mapping[str, Any]], Sequence[Problem]]:
        """Return how it is told what `edit_published` would change, and what is worth knowing of it."""
        from postbell.services.sending.editing import plan_edit
        from postbell.shapes.edits import edit_json

        edit = plan_edit(self._ctx, post, changes, accounts)
        return edit_json(edit)["edits"], edit.warnings

    def revisions_of(self, post: Post) -> list[Revision]:
        """Return what a published post has said before."""
        from postbell.services.sending.editing import revisions_of

        return revisions_of(self._ctx, post)

    def unpublish(self, post: Post, account: str | None) -> Post:
        """Have what is public of a post taken away."""
        from postbell.services.posts import actions

        return actions.unpublish(self._ctx, post, account)

    def reschedule(
        self,
        post: Post,
        to: When | Placing,
        *,
        accounts: Sequence[str] = (),
        allow_duplicate: bool = False,
    ) -> Saved:
        """Give a post another time, or only some of its accounts."""
        from postbell.services.posts import actions

        return actions.reschedule(self._ctx, post, to, accounts=accounts, allow_duplicate=allow_duplicate)

    def unschedule(self, post: Post) -> Post:
        """Make a scheduled post a draft again."""
        from postbell.services.posts import actions

        return actions.unschedule(self._ctx, post)

    def publish_now(self, post: Post, *, allow_duplicate: bool = False) -> Saved:
        """Publish a post now."""
        from postbell.services.posts import actions

        return actions.publish_now(self._ctx, post, allow_duplicate=allow_duplicate)

    def cancel(self, post: Post) -> Post:
        """Cancel what is not yet published of a post."""
        from postbell.services.posts import actions

        return actions.cancel(self._ctx, post)

    def retry(self, post: Post, account: str | None) -> Post:
        """Try again what failed or was missed."""
        from postbell.services.posts import actions

        return actions.retry(self._ctx, post, account)

    def settle(self, post: Post, verdict: Verdict, *, account: str | None, url: str | None) -> Post:
        """Say how an unsure delivery ended."""
        from postbell.services.posts import actions

        return actions.settle(self._ctx, post, verdict, account=account, url=url)

    def delete(self, post: Post) -> None:
        """Remove a post for good."""
        from postbell.services.posts import actions

        actions.delete(self._ctx, post)

    def log_of(self, post: Post) -> list[tuple[Delivery, Attempt]]:
        """Return every try of a post."""
        from postbell.services.posts.actions import log_of

        return list(log_of(self._ctx, post))

    def readings_of(self, post: Post) -> list[Reading]:
        """Return what was read of a post."""
        from postbell.services.sending.metrics import readings_of

        return readings_of(self._ctx, post)

    def comments_of(self, post: Post) -> dict[str, FirstComment]:
        """Return how the first comments on a post do, by account."""
        from postbell.services.sending.commenting import comments_of

        names = {delivery.id: delivery.account for delivery in post.deliveries}
        return {names[each.delivery_id]: each for each in comments_of(self._ctx, post)}

    def accounts(self) -> list[Account]:
        """Return every account."""
        from postbell.services.accounts.accounts import list_accounts

        return list_accounts(self._ctx)

    def accounts_told(self) -> list[Mapping[str, Any]]:
        """Return how every account is told; secrets may have to be read for it."""
        from postbell.services.accounts.accounts import visible_values

        return [account_json(each, visible_values(self._ctx, each)) for each in self.accounts()]

    def status(self) -> dict[str, Any]:
        """Return how things stand."""
        from postbell.services.telling.ways import find_ways
        from postbell.services.upkeep import health
        from postbell.shapes.status import status_json

        app, settings = self._app, self._app.settings
        ways = find_ways(settings.notify)
        seen = health.status(app.ctx, app.places, backup_every=settings.backup.every, ways=ways)
        return status_json(seen, app.places)

    def list_series(self, *, ended: bool) -> list[tuple[Series, Pause | None, datetime | None]]:
        """Return series, what holds each back, and when its next post is due."""
        from postbell.domain.states import SeriesState
        from postbell.services.series.series import list_series
        from postbell.services.series.series_view import next_times, paused_series

        found = list_series(self._ctx, None if ended else SeriesState.ACTIVE)
        paused, times = paused_series(self._ctx), next_times(self._ctx)
        return [(each, paused.get(each.id), times.get(each.id)) for each in found]

    def load_series(self, prefix: str) -> tuple[Series, Pause | None]:
        """Return the one series whose id begins so, and what holds it back."""
        from postbell.services.series.series import load_series
        from postbell.services.series.series_view import paused_series

        found = load_series(self._ctx, prefix)
        return found, paused_series(self._ctx).get(found.id)

    def look_ahead(self, series: Series, count: int) -> list[Upcoming]:
        """Return the next posts of a series."""
        from postbell.services.series.series_view import look_ahead

        return look_ahead(self._ctx, series, count)

    def queue(self, name: str | None, count: int) -> list[Roster]:
        """Return the queue of an account, or those of all."""
        from postbell.services.accounts.accounts import get_account, list_accounts
        from postbell.services.plan import queueing

        ctx = self._ctx
        names = [get_account(ctx, name).name] if name else [account.name for account in list_accounts(ctx)]
        return [queueing.list_queue(ctx, each, count) for each in names]

    def upcoming(self, *, count: int, until: datetime | None) -> list[Coming]:
        """Return what will be published next."""
        from postbell.services.plan import forecast

        return forecast.upcoming(self._ctx, count=count, until=until)

    def between(self, start: datetime, end: datetime) -> list[Coming]:
        """Return what was and will be published between two instants."""
        from postbell.services.plan import forecast

        return forecast.between(self._ctx, start, end)


if TYPE_CHECKING:
    Desk = LocalDesk | RemoteDesk
