"""What commands ask besides posts, asked at another machine: see `postbell.cli.office`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from postbell.domain.account import Account
from postbell.domain.additions import Additions
from postbell.domain.pause import Pause
from postbell.domain.post import Post
from postbell.domain.quota import parse_quotas
from postbell.domain.series import Series
from postbell.domain.weekly import WeeklySlots, parse_days_off, parse_weekly
from postbell.errors import Invalid
from postbell.publishing.protocol import Profile
from postbell.remote import reading
from postbell.remote.desk import RemoteDesk
from postbell.services.accounts.accounts import read_spans
from postbell.services.accounts.pausing import Paused, Resumed, Target
from postbell.shapes.base import stamp


Told = Mapping[str, Any]


class RemoteOffice(RemoteDesk):
    """The same of another machine."""

    @property
    def late_limit(self) -> timedelta:
        """How late posts may be published there."""
        return timedelta(seconds=self._client.get("here")["late_limit_seconds"])

    def account(self, name: str) -> Account:
        """Return an account, without what it keeps secret."""
        return reading.account_of(self.account_told(name))

    def account_told(self, name: str) -> Told:
        """Return how an account is told."""
        told: Told = self._client.get(at("accounts", name))
        return told

    def verify(self, name: str) -> Profile:
        """Ask its network whether it accepts an account."""
        return reading.profile_of(self._client.send("POST", at("accounts", name, "verify")))

    def rename(self, name: str, new: str) -> None:
        """Give an account another name."""
        self._client.send("PATCH", at("accounts", name), {"name": new})

    def set_limits(self, name: str, spans: Mapping[str, str], quotas: Sequence[str]) -> None:
        """Change what bounds the posts of an account."""
        read, problems = read_spans(spans)
        asked: dict[str, Any] = {
            f"{key}_seconds": None if span is None else int(span.total_seconds())
            for key, span in read.items()
        }
        if [text.strip().lower() for text in quotas] == ["default"]:
            asked["quotas"] = None
        elif quotas:
            try:
                asked["quotas"] = {quota.per: quota.most for quota in parse_quotas(quotas)}
            except Invalid as error:
                problems += error.problems
        if problems:
            raise Invalid(problems)
        self._client.send("PATCH", at("accounts", name), asked)

    def set_additions(self, name: str, additions: Additions) -> None:
        """Let an account add this to its posts."""
        asked = {"signature": additions.signature or None, "utm": dict(additions.utm)}
        self._client.send("PATCH", at("accounts", name), {**asked, "utm_sites": list(additions.sites)})

    def remove_account(self, name: str) -> None:
        """Forget an account and its secrets."""
        self._client.send("DELETE", at("accounts", name))

    def slots_told(self, name: str) -> Told:
        """Return how the posting times of an account are told."""
        told: Told = self._client.get(at("accounts", name, "slots"))
        return told

    def slots(self, name: str) -> WeeklySlots | None:
        """Return the posting times of an account."""
        told = self.slots_told(name)
        if not told["times"]:
            return None
        days = parse_days_off(told["days_off"], where="--off")
        return WeeklySlots(zone=told["zone"], times=parse_weekly(told["times"], where="TIMES"), days_off=days)

    def set_slots(self, name: str, wanted: WeeklySlots | None) -> None:
        """Give an account other posting times, or none."""
        from postbell.shapes.plan import slots_json

        told = slots_json(name, wanted, ())
        asked = {key: told[key] for key in ("times", "zone", "days_off") if wanted or key == "times"}
        self._client.send("PUT", at("accounts", name, "slots"), asked)

    def reorder(self, name: str, post_ids: Sequence[str]) -> Sequence[str]:
        """Put posts first in a queue."""
        asked = {"posts": list(post_ids)}
        moved: list[str] = self._client.send("POST", at("accounts", name, "queue/reorder"), asked)["moved"]
        return moved

    def shuffle(self, name: str, seed: int | None) -> Sequence[str]:
        """Put a queue in any order."""
        asked = {"seed": seed}
        moved: list[str] = self._client.send("POST", at("accounts", name, "queue/shuffle"), asked)["moved"]
        return moved

    def pause(self, targets: Sequence[Target], until: datetime | None) -> list[Paused]:
        """Hold back all of these."""
        asked = {"targets": _targets(targets), "until": stamp(until)}
        return list(map(reading.paused_of, self._client.send("POST", "pauses", asked)["paused"]))

    def resume(self, targets: Sequence[Target]) -> list[Resumed]:
        """Let all of these go on."""
        told = self._client.send("POST", "pauses/resume", {"targets": _targets(targets)})
        return list(map(reading.resumed_of, told["resumed"]))

    def pauses(self) -> list[Pause]:
        """Return what is held back, besides single accounts."""
        return list(map(reading.pause_of, self._client.get("here")["pauses"]))

    def hours(self) -> list[Told]:
        """Return what came back at each hour of the week, as it is told."""
        told: list[Told] = self._client.get("engagement")["hours"]
        return told

    def count_responses(self, post: Post, responses: int, account: str | None) -> tuple[str, str]:
        """Count who responded to a post."""
        asked = {"responses": responses, "account": account}
        told = self._client.send("PUT", f"posts/{post.id}/responses", asked)
        return told["post"], told["account"]

    def end_series(self, series: Series, *, touched: bool) -> tuple[Series, int]:
        """End a series."""
        told = self._client.send("POST", f"series/{series.id}/end", {"touched": touched})
        return reading.series_of(told)[0], told["cancelled"]

    def delete_series(self, series: Series, *, touched: bool) -> tuple[int, int]:
        """Remove a series."""
        told = self._client.send("DELETE", f"series/{series.id}?touched={str(touched).lower()}")
        return told["removed"], told["kept"]

    def hooks_told(self) -> list[Told]:
        """Return how every hook is told."""
        told: list[Told] = self._client.get("hooks")["hooks"]
        return told

    def hook_told(self, name: str) -> Told:
        """Return how a hook is told."""
        told: Told = self._client.get(at("hooks", name))
        return told

    def add_hook(self, *, name: str, url: str, events: Sequence[str], allow_local: bool) -> Told:
        """Add a hook."""
        asked = {"name": name, "url": url, "events": list(events), "allow_local": allow_local}
        told: Told = self._client.send("POST", "hooks", asked)
        return told

    def try_hook(self, name: str) -> Told:
        """Have a ping sent to a hook from there."""
        told: Told = self._client.send("POST", at("hooks", name, "test"))
        return told

    def rotate_hook(self, name: str) -> Told:
        """Give a hook another secret."""
        told: Told = self._client.send("POST", at("hooks", name, "rotate"))
        return told

    def remove_hook(self, name: str) -> None:
        """Forget a hook and its log."""
        self._client.send("DELETE", at("hooks", name))

    def hook_log(self, name: str, limit: int) -> list[Told]:
        """Return how the last events were told to a hook."""
        told: list[Told] = self._client.get(at("hooks", name, "log"), limit=limit)["calls"]
        return told

    def notices_told(self, limit: int) -> list[Told]:
        """Return how the newest notices are told."""
        told: list[Told] = self._client.get("notices", limit=limit)["notices"]
        return told

    def try_ways(self) -> Mapping[str, str | None]:
        """Have a test sent from there by every way that is configured there."""
        return {each["way"]: each["error"] for each in self._client.send("POST", "notices/test")["ways"]}


def at(kind: str, name: str, then: str = "") -> str:
    """Return the path of a thing with a name that the user has chosen."""
    return f"{kind}/{quote(name, safe='')}{f'/{then}' if then else ''}"


def _targets(targets: Sequence[Target]) -> list[dict[str, str]]:
    return [{"scope": target.scope, "name": target.name} for target in targets]
