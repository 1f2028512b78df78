"""Tells of deliveries of which a fault in Postbell itself has lost the ending."""

from __future__ import annotations

from dataclasses import dataclass, field

from postbell.errors import PostbellError
from postbell.services.telling.troubles import Troubles
from postbell.store.queue import Claim


_FAULT = "fault"
#: So many are named.
_MOST_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Those of this life of the daemon. Only its next start looks them up."""

    troubles: Troubles
    _lost: list[str] = field(default_factory=list)

    def note(self, claim: Claim, error: BaseException) -> None:
        """Tell the user that it is not known how a try ended, or could not be written down."""
        if isinstance(error, PostbellError):
            why = str(error).rstrip(".")
        else:  # what it says may hold values, even secrets
            why = f"a fault in Postbell, {type(error).__name__}"
        self._lost.append(f"post {claim.post.id} to {claim.account.name}")
        these = ", ".join(self._lost[:_MOST_NAMED])
        if more := len(self._lost[_MOST_NAMED:]):
            these += f" and {more} more"
        self.troubles.happen(
            _FAULT,
            f"Postbell has lost how a try ended: {these} may be public, and will stay under way until the "
            f"daemon is started again, and looks ({why}).",
            "Restart the daemon, and please report what it has logged.",
        )

    def end(self) -> None:
        """Note that a daemon has started that looks up what is under way."""
        self.troubles.end(_FAULT, "What a fault had left under way is being looked up.")
