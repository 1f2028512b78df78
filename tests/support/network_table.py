"""The README's table of networks, made of what each says of itself.

`python -m support.network_table`, in the folder of the tests, writes it.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from postbell.publishing import registry
from postbell.publishing.protocol import Network, Resend, Threads, counter_of, editor_of, shows_in_comments


README = Path(__file__).parents[2] / "README.md"
_BEGIN, _END = "<!-- networks -->\n", "<!-- /networks -->\n"

_HEAD = (
    *("text", "files", "threads", "first comments", "a lost answer"),
    *("taken away", "changed there", "responses counted"),
)
_THREADS = {
    Threads.CHAIN: "a post for each part",
    Threads.JOINED: "as one text",
    Threads.WHOLE: "handed on whole",
    Threads.NONE: "no",
}
_COMMENTS = {(True, True): "with files", (True, False): "texts", (False, False): "no"}
_LOST = {
    Resend.SAFE: "sent again, once there",
    Resend.LOOK_FIRST: "looked up",
    Resend.NEVER: "you settle it",
}


def table() -> str:
    """Return the networks in Markdown, a row for each."""
    rows = [("", *_HEAD), ("---",) * (len(_HEAD) + 1)]
    rows += [_row(registry.get(key)) for key in registry.keys()]  # noqa: SIM118
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def put_into(readme: str) -> str:
    """Return the README with the table in its place."""
    head, begin, rest = readme.partition(_BEGIN)
    _, end, tail = rest.partition(_END)
    assert begin, f"no place for the table: {_BEGIN.strip()}"
    assert end, f"no place for the table: {_END.strip()}"
    return f"{head}{begin}{table()}{end}{tail}"


def _row(network: Network) -> tuple[str, ...]:
    text = " and ".join(f"{limit.most:,} {limit.unit}" for limit in network.limits.text) or "any length"
    return (
        f"`{network.key}`",
        text,
        _files(network),
        _THREADS[network.threads],
        _COMMENTS[network.comments, shows_in_comments(network)],
        _LOST[network.resend],
        "yes" if network.deletes else "no",
        "yes" if editor_of(network) else "no",
        "yes" if counter_of(network) else "no",
    )


def _files(network: Network) -> str:
    kinds = Counter(mime.partition("/")[0] for mime in network.limits.media.types)
    names = {"image": "pictures", "video": "videos", "audio": "sounds", "application": "documents"}
    told = ", ".join(name for kind, name in names.items() if kinds[kind])
    return f"{network.limits.media.most}: {told}" if told else "none"


if __name__ == "__main__":
    README.write_text(put_into(README.read_text("utf-8")), "utf-8")
