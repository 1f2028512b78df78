"""What a key must open to hold something back and to let it go on: the same by every route."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from postbell.api.call import Running
from postbell.domain.access import Scope
from postbell.services.accounts import pausing
from postbell.services.accounts.pausing import Target


def require_for_pause(call: Running, targets: Sequence[Target], until: datetime | None) -> None:
    """Raise Refusal if the key does not open what it takes to pause these until an instant (aware).

    What is held back already and would go on sooner is let go on by that.
    """
    _require_accounts(call, targets)
    if pausing.would_shorten(call.ctx, targets, until):
        call.require(Scope.PUBLISH)


def require_for_resume(call: Running, targets: Sequence[Target]) -> None:
    """Raise Refusal if the key does not open what it takes to let these go on: posts become public by it."""
    _require_accounts(call, targets)
    call.require(Scope.PUBLISH)


def _require_accounts(call: Running, targets: Sequence[Target]) -> None:
    if any(each.scope is pausing.Scope.ACCOUNT for each in targets):
        call.require(Scope.ACCOUNTS)
