"""Holding back what is due, and letting it go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection

from postbell.domain.pause import Pause, PauseScope
from postbell.domain.plain import label_fault
from postbell.errors import Invalid, Problem
from postbell.services.context import Context
from postbell.services.posts.judging import find_accounts
from postbell.store import accounts, overdue, pauses
from postbell.store.labels import is_used
from postbell.store.series import find_series_ids


class Scope(StrEnum):
    """What can be held back."""

    ACCOUNT = "account"
    SERIES = "series"
    LABEL = "label"
    EVERYTHING = "everything"


@dataclass(frozen=True, kw_only=True)
class Target:
    """One thing to hold back, or to let go on."""

    scope: Scope
    #: Of an account its name, of a series its id or the beginning of it, a label; empty for everything.
    name: str = ""

    def told(self) -> str:
        """Return what it is, in words."""
        return "everything" if self.scope is Scope.EVERYTHING else f"{self.scope} {self.name}"


@dataclass(frozen=True, kw_only=True)
class Paused:
    """What is held back now."""

    target: Target
    since: datetime
    #: When it ends by itself (aware UTC); None means when the user says so.
    until: datetime | None
    #: How many deliveries that holds back: those due before the end.
    waiting: int
    #: Whether there is such a label.
    used: bool = True


@dataclass(frozen=True, kw_only=True)
class Resumed:
    """What goes on now."""

    target: Target
    was_paused: bool
    #: How many deliveries became due meanwhile and are published late, and how many are missed.
    late: int
    missed: int


def pause(ctx: Context, targets: Sequence[Target], until: datetime | None = None) -> list[Paused]:
    """Hold back all of these until an instant (aware), or until they are resumed.

    What is under way goes on. Raises Invalid for what there is not.
    """
    now, named = ctx.now(), _find(ctx, targets)
    with ctx.store.write() as tx:
        done = [_pause(tx, target, now, until) for target in named]
    ctx.ring()
    return done


def resume(ctx: Context, targets: Sequence[Target]) -> list[Resumed]:
    """Let all of these go on. What fell due meanwhile is published late, or missed if it is too late.

    What another pause holds back still waits, and is not counted. Raises Invalid for what there is not.
    """
    now, named = ctx.now(), _find(ctx, targets)
    with ctx.store.write() as tx:
        were_paused = [_resume(tx, target, now) for target in named]
        too_late = overdue.list_overdue(tx, before=now - ctx.late_limit, now=now)
        missed = {delivery.id for delivery in too_late}
        done = []
        for target, was_paused in zip(named, were_paused, strict=True):
            freed = pauses.list_freed(tx, _deliveries_of(tx, target), now) if was_paused else []
            lost = [each for each in freed if each in missed or overdue.is_superseded(tx, each, now)]
            late = len(freed) - len(lost)
            done.append(Resumed(target=target, was_paused=was_paused, late=late, missed=len(lost)))
    ctx.ring()
    return done


def would_shorten(ctx: Context, targets: Sequence[Target], until: datetime | None) -> bool:
    """Whether to pause these until an instant (aware) lets one go on before it would now.

    Raises Invalid for what there is not.
    """
    now, named = ctx.now(), _find(ctx, targets)
    with ctx.store.read() as tx:
        ends = {(each.scope.value, each.name): each.until for each in pauses.list_pauses(tx, now)}
        for account in (accounts.get_account(tx, each.name) for each in named if each.scope is Scope.ACCOUNT):
            if account.is_paused(now):
                ends[Scope.ACCOUNT.value, account.name] = account.paused_until
    held = [ends[key] for each in named if (key := (each.scope.value, each.name)) in ends]
    return until is not None and any(end is None or until < end for end in held)


def list_pauses(ctx: Context) -> list[Pause]:
    """Return what is paused now besides single accounts, everything first."""
    with ctx.store.read() as tx:
        return pauses.list_pauses(tx, ctx.now())


def _find(ctx: Context, targets: Sequence[Target]) -> list[Target]:
    """Return the targets with whole names; raises Invalid for every one that there is not."""
    names = tuple(target.name for target in targets if target.scope is Scope.ACCOUNT)
    _, unknown = find_accounts(ctx, names)
    problems = [replace(problem, where="--account") for problem in unknown]
    found = []
    with ctx.store.read() as tx:
        for target in dict.fromkeys(targets):
            if target.scope is Scope.SERIES:
                ids = find_series_ids(tx, target.name) if target.name else []
                if len(ids) != 1 and target.name not in ids:
                    problems.append(Problem(where="--series", message=_no_series(target.name, ids)))
                    continue
                found.append(replace(target, name=target.name if target.name in ids else ids[0]))
            elif target.scope is Scope.LABEL and (wrong := label_fault(target.name)):
                problems.append(Problem(where="--label", message=wrong))
            else:
                found.append(target)
    if problems:
        raise Invalid(problems)
    return list(dict.fromkeys(found))


def _no_series(prefix: str, ids: Sequence[str]) -> str:
    if ids:
        return f"{prefix!r} could be any of {', '.join(ids)}; type more of it."
    return f"there is no series {prefix!r}. `postbell series list` shows those that there are."


def _pause(tx: Connection, target: Target, now: datetime, until: datetime | None) -> Paused:
    if target.scope is Scope.ACCOUNT:
        accounts.pause_account(tx, target.name, now, until)
    else:
        scope = PauseScope(target.scope)
        pauses.pause(tx, Pause(scope=scope, name=target.name, since=now, until=until))
    waiting = pauses.count_waiting(tx, _deliveries_of(tx, target), until)
    used = target.scope is not Scope.LABEL or is_used(tx, target.name)
    return Paused(target=target, since=now, until=until, waiting=waiting, used=used)


def _resume(tx: Connection, target: Target, now: datetime) -> bool:
    if target.scope is not Scope.ACCOUNT:
        return pauses.resume(tx, PauseScope(target.scope), target.name, now)
    was_paused = accounts.get_account(tx, target.name).is_paused(now)
    accounts.resume_account(tx, target.name, now)
    return was_paused


def _deliveries_of(tx: Connection, target: Target) -> ColumnElement[bool]:
    if target.scope is Scope.ACCOUNT:
        return pauses.of_account(accounts.get_account(tx, target.name).id)
    return pauses.of_scope(PauseScope(target.scope), target.name)
