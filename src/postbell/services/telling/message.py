"""From notices to the message that carries them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from postbell.domain.notice import Notice, NoticeKind


#: So many notices of a message are told in full; the others are counted.
MOST_DETAILED = 20
#: A sentence of a notice is cut to so many characters.
_LONGEST = 400

_ORDER = {kind: place for place, kind in enumerate(NoticeKind)}
_COUNTED = {
    NoticeKind.TROUBLE: ("about the daemon", "about the daemon"),
    NoticeKind.ACCOUNT: ("account to reconnect", "accounts to reconnect"),
    NoticeKind.UNSURE: ("unsure", "unsure"),
    NoticeKind.FAILED: ("failed", "failed"),
    NoticeKind.MISSED: ("missed", "missed"),
    NoticeKind.REMAINS: ("not removed", "not removed"),
    NoticeKind.UNEDITED: ("not edited", "not edited"),
    NoticeKind.OVERDUE: ("account behind its time", "accounts behind their time"),
    NoticeKind.LATE: ("late", "late"),
}


@dataclass(frozen=True, kw_only=True)
class Message:
    """What one message says."""

    #: One line.
    title: str
    #: Plain text.
    body: str
    #: What is told in full.
    notices: tuple[Notice, ...] = ()
    #: How many there are of each kind in all.
    counts: tuple[tuple[NoticeKind, int], ...] = ()

    @property
    def text(self) -> str:
        """Everything as plain text."""
        return f"{self.title}\n\n{self.body}\n"

    @property
    def json(self) -> str:
        """Everything as one line of JSON, in the shape that `postbell.cli.notify` tells."""
        return json.dumps(
            {
                "schema_version": 1,
                "title": self.title,
                "body": self.body,
                "counts": dict(self.counts),
                "notices": [notice_json(each) for each in self.notices],
            },
            ensure_ascii=False,
        )


def compose(notices: Iterable[Notice]) -> Message:
    """Return the message that tells these notices, the most pressing first."""
    ordered = sorted(notices, key=lambda each: (_ORDER[each.kind], each.at))
    counted = Counter(each.kind for each in ordered)
    counts = tuple((kind, counted[kind]) for kind in NoticeKind if counted[kind])
    summary = ", ".join(f"{count} {_COUNTED[kind][count > 1]}" for kind, count in counts)
    detailed = ordered[:MOST_DETAILED]
    parts = ["\n".join(_lines(each)) for each in detailed]
    if more := len(ordered) - len(detailed):
        parts.append(f"There is more, {more} in number: `postbell notify list --limit {len(ordered)}`.")
    return Message(
        title=f"Postbell: {summary}", body="\n\n".join(parts), notices=tuple(detailed), counts=counts
    )


def trial_message(now: datetime) -> Message:
    """Return a message that says that messages arrive; `now` is aware."""
    return Message(
        title="Postbell: a test",
        body=f"This is how Postbell tells you what you should know. It was sent at {now:%Y-%m-%d %H:%M:%S}Z.",
    )


def notice_json(notice: Notice) -> dict[str, Any]:
    """Return a notice for JSON."""
    return {
        "kind": notice.kind,
        "at": _stamp(notice.at),
        "post": notice.post_id,
        "account": notice.account,
        "text": notice.excerpt,
        "message": notice.message,
        "mend": notice.mend,
        "told_at": _stamp(notice.told_at),
        "over_at": _stamp(notice.over_at),
    }


def _lines(notice: Notice) -> Sequence[str]:
    excerpt = f"  “{notice.excerpt}”" if notice.excerpt else None
    mend = f"  {notice.mend}" if notice.mend else None
    return [line for line in (_cut(notice.message), excerpt, mend) if line]


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _stamp(instant: datetime | None) -> str | None:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z") if instant else None
