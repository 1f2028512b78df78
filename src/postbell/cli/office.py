"""What commands ask besides posts: accounts, queues, pauses, hooks; here, or with --remote elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from postbell.cli.desk import LocalDesk
from postbell.shapes.accounts import account_json
from postbell.shapes.hooks import hook_call_json, hook_json


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from postbell.app import App
    from postbell.domain.account import Account
    from postbell.domain.additions import Additions
    from postbell.domain.pause import Pause
    from postbell.domain.post import Post
    from postbell.domain.series import Series
    from postbell.domain.weekly import WeeklySlots
    from postbell.publishing.protocol import Profile
    from postbell.remote.office import RemoteOffice
    from postbell.services.accounts.pausing import Paused, Resumed, Target


class LocalOffice(LocalDesk):
    """The same of this machine. What is told is told as `--json` has it."""

    def __init__(self, app: App) -> None:
        """Take what was opened."""
        super().__init__(app)
        self.late_limit: timedelta = app.ctx.late_limit

    def account(self, name: str) -> Account:
        """Return an account; raises NotFound."""
        from postbell.services.accounts.accounts import get_account

        return get_account(self._ctx, name)

    def account_told(self, name: str) -> Mapping[str, Any]:
        """Return how an account is told; raises NotFound."""
        from postbell.services.accounts.accounts import visible_values

        found = self.account(name)
        return account_json(found, visible_values(self._ctx, found))

    def verify(self, name: str) -> Profile:
        """Ask its network whether it accepts an account; raises PublishError."""
        from postbell.services.accounts.accounts import verify_account

        return verify_account(self._ctx, name)

    def rename(self, name: str, new: str) -> None:
        """Give an account another name."""
        from postbell.services.accounts.accounts import rename_account

        rename_account(self._ctx, name, new)

    def set_limits(self, name: str, spans: Mapping[str, str], quotas: Sequence[str]) -> None:
        """Change what bounds the posts of an account."""
        from postbell.services.accounts.accounts import set_limits

        set_limits(self._ctx, name, spans, quotas)

    def set_additions(self, name: str, additions: Additions) -> None:
        """Let an account add this to its posts."""
        from postbell.services.posts.adding import set_additions

        set_additions(self._ctx, name, additions)

    def remove_account(self, name: str) -> None:
        """Forget an account and its secrets."""
        from postbell.services.accounts.accounts import remove_account

        remove_account(self._ctx, name)

    def slots_told(self, name: str) -> Mapping[str, Any]:
        """Return how the posting times of an account are told."""
        from postbell.services.plan.queueing import list_outside
        from postbell.shapes.plan import slots_json

        return slots_json(name, self.slots(name), list_outside(self._ctx, name))

    def slots(self, name: str) -> WeeklySlots | None:
        """Return the posting times of an account."""
        return self.account(name).slots

    def set_slots(self, name: str, wanted: WeeklySlots | None) -> None:
        """Give an account other posting times, or none."""
        from postbell.services.plan.queueing import set_slots

        set_slots(self._ctx, name, wanted)

    def reorder(self, name: str, post_ids: Sequence[str]) -> Sequence[str]:
        """Put posts first in a queue; return those that moved."""
        from postbell.services.plan import queueing

        return queueing.reorder(self._ctx, name, post_ids)

    def shuffle(self, name: str, seed: int | None) -> Sequence[str]:
        """Put a queue in any order; return the posts that moved."""
        from postbell.services.plan import queueing

        return queueing.shuffle(self._ctx, name, seed)

    def pause(self, targets: Sequence[Target], until: datetime | None) -> list[Paused]:
        """Hold back all of these."""
        from postbell.services.accounts import pausing

        return pausing.pause(self._ctx, targets, until)

    def resume(self, targets: Sequence[Target]) -> list[Resumed]:
        """Let all of these go on."""
        from postbell.services.accounts import pausing

        return pausing.resume(self._ctx, targets)

    def pauses(self) -> list[Pause]:
        """Return what is held back, besides single accounts."""
        from postbell.services.accounts import pausing

        return pausing.list_pauses(self._ctx)

    def hours(self) -> list[Mapping[str, Any]]:
        """Return what came back at each hour of the week, as it is told."""
        from postbell.services.plan.engagement import best_hours

        return [asdict(hour) for hour in best_hours(self._ctx)]

    def count_responses(self, post: Post, responses: int, account: str | None) -> tuple[str, str]:
        """Count who responded to a post; return its id and the account."""
        from postbell.services.plan.engagement import record

        counted = record(self._ctx, post, responses, account)
        return counted.post_id, counted.account

    def end_series(self, series: Series, *, touched: bool) -> tuple[Series, int]:
        """End a series; return it as it is then, and how many posts to come were cancelled."""
        from postbell.services.series.series import end_series, load_series

        count = end_series(self._ctx, series, touched=touched)
        return load_series(self._ctx, series.id), count

    def delete_series(self, series: Series, *, touched: bool) -> tuple[int, int]:
        """Remove a series; return how many of its posts went with it, and how many stay."""
        from postbell.services.series.series import delete_series

        gone = delete_series(self._ctx, series, touched=touched)
        return gone.removed, gone.kept

    def hooks_told(self) -> list[Mapping[str, Any]]:
        """Return how every hook is told, with how much it was not told."""
        from postbell.services.telling.hooks import see_hooks

        return [
            {**hook_json(each.hook), "waiting": each.waiting, "given_up": each.given_up}
            for each in see_hooks(self._ctx)
        ]

    def hook_told(self, name: str) -> Mapping[str, Any]:
        """Return how a hook is told; raises NotFound."""
        from postbell.services.telling.hooks import get_hook

        return hook_json(get_hook(self._ctx, name))

    def add_hook(self, *, name: str, url: str, events: Sequence[str], allow_local: bool) -> Mapping[str, Any]:
        """Add a hook; return how it is told, with its secret."""
        from postbell.services.telling.hooks import add_hook

        made, secret = add_hook(self._ctx, name=name, url=url, events=events, allow_local=allow_local)
        return {**hook_json(made), "secret": secret}

    def try_hook(self, name: str) -> Mapping[str, Any]:
        """Send a ping to a hook; return how that is told."""
        from postbell.services.telling.hooks import try_hook

        told = try_hook(self._ctx, name)
        taken = {"hook": name, "taken": told.error is None}
        return {**taken, "status": told.status, "took_ms": told.took_ms, "error": told.error}

    def rotate_hook(self, name: str) -> Mapping[str, Any]:
        """Give a hook another secret; return how it is told, with that."""
        from postbell.services.telling.hooks import rotate_hook

        changed, secret = rotate_hook(self._ctx, name)
        return {**hook_json(changed), "secret": secret}

    def remove_hook(self, name: str) -> None:
        """Forget a hook and its log."""
        from postbell.services.telling.hooks import remove_hook

        remove_hook(self._ctx, name)

    def hook_log(self, name: str, limit: int) -> list[Mapping[str, Any]]:
        """Return how the last events were told to a hook."""
        from postbell.services.telling.hooks import log_of

        return [hook_call_json(each) for each in log_of(self._ctx, name, limit)]

    def notices_told(self, limit: int) -> list[Mapping[str, Any]]:
        """Return how the newest notices are told."""
        from postbell.services.telling.message import notice_json
        from postbell.services.telling.notifying import list_notices

        return [notice_json(each) for each in list_notices(self._ctx, limit)]

    def try_ways(self) -> Mapping[str, str | None]:
        """Send a test by every way that is configured; return why those failed that did."""
        from postbell.services.telling.notifying import send_trial
        from postbell.services.telling.ways import find_ways

        app = self._app
        return send_trial(app.ctx, app.places, find_ways(app.settings.notify))


if TYPE_CHECKING:
    Office = LocalOffice | RemoteOffice
