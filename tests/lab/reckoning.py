"""What a kill loop has shown: the far side's journal held against the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from lab.faults import LIMITS, LOST
from lab.harness import LabHome
from lab.journal import Entry, accepted


#: Deliveries with all that is told of them.
_ENDS = """
SELECT a.name, p.text, d.state, d.result, d.message
FROM delivery d JOIN account a ON a.id = d.account_id JOIN post p ON p.id = d.post_id
"""
_RESULTS = "SELECT result, count(*) FROM attempt WHERE kind = 'publish' GROUP BY result"
_LOOKED_UP = "SELECT result, count(*) FROM attempt WHERE kind = 'find' GROUP BY result"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What was counted."""

    kills: int
    deliveries: int
    #: At the far side.
    accepted: int
    requests: int
    answers_lost: int
    told_to_wait: int
    #: Without an ending that is true: still open, or called published and never accepted.
    lost: int
    #: Accepted more than once for one post and account.
    twice: int
    #: Ended as failed, with the reasons.
    failed: int
    reasons: dict[str, int]
    #: Accepted, and yet not called published.
    denied: int
    #: Under way at a kill, at most and in all; and how many were called interrupted for it.
    under_way_at_most: int
    under_way: int
    interrupted: int
    #: Unsure because of a lost answer.
    unsure_by_answer: int
    #: Look-ups by what they said.
    looked_up: dict[str, int]
    #: What a user had to settle, by network: what nobody can be asked about, and what three kills in a row
    #: have met, which is left alone as if it were their cause.
    by_hand: dict[str, int]
    seconds: int

    def broken(self) -> list[str]:
        """Return the promises that were broken."""
        promises = {
            "nothing is lost": self.lost == 0,
            "nothing is sent twice": self.twice == 0,
            "what is public is called published": self.denied == 0,
            "a kill makes no more unsure than was under way": self.interrupted <= self.under_way,
        }
        return [promise for promise, kept in promises.items() if not kept]

    def __str__(self) -> str:
        lines = [f"{name.replace('_', ' '):>18}  {value}" for name, value in asdict(self).items()]
        return "\n".join([*lines, f"{'broken':>18}  {', '.join(self.broken()) or 'no promise'}"])


def reckon(
    home: LabHome,
    entries: Sequence[Entry],
    *,
    under_way: Sequence[int],
    by_hand: dict[str, int],
    seconds: float,
) -> Figures:
    """Hold what the database says against what the far side has had."""
    public = accepted(list(entries))
    ends = home.ask(_ENDS)
    said = {(name, text) for name, text, _, result, _ in ends if result == "published"}
    failed = [message for *_, result, message in ends if result == "failed"]
    asked = Counter(entry.fault for entry in entries if entry.what == "asked")
    results = dict(home.ask(_RESULTS))
    return Figures(
        kills=len(under_way),
        deliveries=len(ends),
        accepted=public.total(),
        requests=asked.total(),
        answers_lost=sum(asked[fault] for fault in LOST),
        told_to_wait=sum(asked[fault] for fault in LIMITS),
        lost=sum(state != "processed" for _, _, state, _, _ in ends) + len(said - set(public)),
        twice=sum(count > 1 for count in public.values()),
        failed=len(failed),
        reasons=dict(Counter(failed).most_common(5)),
        denied=len(set(public) - said),
        under_way_at_most=max(under_way),
        under_way=sum(under_way),
        interrupted=results.get("interrupted", 0),
        unsure_by_answer=results.get("unsure", 0),
        looked_up=dict(home.ask(_LOOKED_UP)),
        by_hand=dict(by_hand),
        seconds=round(seconds),
    )
