"""A post as a Markdown file: front matter in TOML between `+++` lines, the text, and what some say instead.

    +++
    to = ["blog", "sky"]
    at = "tomorrow 18:00"            # or queue = true, "next" or "last"
    media = ["a.jpg", {file = "b.jpg", alt = "A bell"}]
    external_id = "cms-4711"         # what another program calls it
    labels = ["news"]
    late_limit = "6 h"               # how late it may be published
    not_after = "friday 12:00"       # not published after that
    delete_after = "7 d"             # taken away again then
    allow_duplicate = true           # although another post says the same
    bare = true                      # without what its accounts add: signatures, parameters of links
    unchecked = true                 # the networks decide what they take; their limits only warn
    comment = "The first comment"    # published below it,
    comment_after = "5 min"          # so long after it
    split = true                     # what is too long becomes a thread; "numbered" with 1/3 behind each part

    [wordpress]
    categories = ["News"]

    [sky]
    at = "saturday 9am"              # a time of its own, as an option of the account
    +++

    The text for all.

    ## @bluesky

    The text for Bluesky, or for the account with this name.

A line `## +` in a text begins the next part of a thread. A file is shown by the part that it names, else by
the first: media = [{file = "c.jpg", part = 2}]; by the first comment with part = "comment".

The front matter may be missing. A line of a text that looks like such a heading, or like the line below
which everything is ignored, is written with a backslash before it.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from postbell.domain.content import Override, Split
from postbell.domain.media_ref import OF_COMMENT, MediaRef, part_of
from postbell.domain.queue_order import QUEUES
from postbell.domain.toml_text import toml_key, toml_value, without_dates
from postbell.errors import Invalid, Problem


@dataclass(frozen=True, kw_only=True)
class Manuscript:
    """What a file says. Its form is right; whether it makes sense is not known here."""

    #: Lines end in a line feed; there are no empty lines before it and no blanks behind it.
    text: str = ""
    #: The same of the texts that follow as a thread.
    segments: tuple[str, ...] = ()
    title: str | None = None
    link: str | None = None
    #: Names of accounts.
    to: tuple[str, ...] = ()
    #: A time in the words of `domain.when`.
    at: str | None = None
    #: The name of a time zone.
    tz: str | None = None
    #: A place in the queue instead of a time, one of QUEUES.
    queue: str | None = None
    media: tuple[MediaRef, ...] = ()
    #: What is published below it first, and how long after it, a span in the words of `domain.spans`.
    comment: str | None = None
    comment_after: str | None = None
    #: What another program calls it.
    external_id: str | None = None
    #: None where nothing is said about them.
    labels: tuple[str, ...] | None = None
    #: A span in the words of `domain.spans`; the same for `delete_after`.
    late_limit: str | None = None
    not_after: str | None = None
    delete_after: str | None = None
    allow_duplicate: bool = False
    #: Whether its accounts add nothing to it; None where nothing is said about that.
    bare: bool | None = None
    #: Whether the networks decide what they take; None where nothing is said about that.
    unchecked: bool | None = None
    #: What becomes of a text that is too long for an account; None where nothing is said about it.
    split: Split | None = None
    #: By network or account.
    overrides: Mapping[str, Override] = field(default_factory=dict)


#: Everything below this line is ignored.
SCISSORS = "<!-- postbell: everything below this line is ignored -->"

_FENCE = "+++"
#: How a file says what becomes of a text that is too long.
_SPLITS = {Split.NO: False, Split.PLAIN: True, Split.NUMBERED: str(Split.NUMBERED)}
_TEXTS = (
    *("at", "tz", "title", "link", "external_id", "late_limit", "not_after", "delete_after"),
    *("comment", "comment_after"),
)
_FIELDS = ("to", *_TEXTS, "queue", "media", "labels", "allow_duplicate", "bare", "unchecked", "split")
_NAME = r"\S+"
_HEADING = re.compile(rf"## @({_NAME})[ \t]*")
#: The line that begins the next part of a thread.
NEXT_PART = "## +"
_PART = re.compile(rf"{re.escape(NEXT_PART)}[ \t]*")
_SPECIAL = re.compile(rf"\\*(?:## @{_NAME}|{re.escape(NEXT_PART)}|{re.escape(SCISSORS)})[ \t]*")


def read_manuscript(source: str, *, where: str) -> Manuscript:
    """Read a post from the text of a file, which messages call `where`.

    Raises Invalid with all that is wrong with its form at once: unknown fields (with the nearest known one),
    values of the wrong type, a text that is given twice. What is not TOML at all is named alone.
    """
    file = _divide(source, where)
    front = _parse(file)
    overrides = {
        name: _read_override(file, name, table)
        for name, table in front.items()
        if isinstance(table, dict) and name not in _FIELDS
    }
    _refuse_unknown(file, front.keys() - overrides.keys(), _FIELDS)
    text, *segments = _read_body(file, overrides)
    manuscript = Manuscript(
        text=text,
        segments=tuple(segments),
        **{key: _text(file, key, front.get(key)) for key in _TEXTS},
        to=_read_names(file, "to", front.get("to", [])),
        queue=_read_queue(file, front),
        media=_read_media(file, front.get("media", [])),
        labels=_read_names(file, "labels", front["labels"]) if "labels" in front else None,
        allow_duplicate=_read_flag(file, "allow_duplicate", front.get("allow_duplicate", False)),
        bare=_read_flag(file, "bare", front["bare"]) if "bare" in front else None,
        unchecked=_read_flag(file, "unchecked", front["unchecked"]) if "unchecked" in front else None,
        split=_read_split(file, front["split"]) if "split" in front else None,
        overrides=overrides,
    )
    if file.problems:
        raise Invalid(file.problems)
    return manuscript


def write_manuscript(manuscript: Manuscript, *, remark: str = "") -> str:
    """Return the text of a file from which `read_manuscript` reads the same again.

    `remark` is for the person who edits it: it stands at the end, where it is ignored.
    """
    values = {name: getattr(manuscript, name) for name in _TEXTS}
    more = {
        "queue": True if manuscript.queue == QUEUES[0] else manuscript.queue,
        "media": [ref.written() for ref in manuscript.media] or None,
        "labels": manuscript.labels,
        "allow_duplicate": manuscript.allow_duplicate or None,
        "bare": manuscript.bare,
        "unchecked": manuscript.unchecked,
        "split": _SPLITS.get(manuscript.split) if manuscript.split else None,
    }
    lines = [_FENCE, *_assignments({"to": manuscript.to or None, **values, **more})]
    sections = []
    for name, override in manuscript.overrides.items():
        fields: dict[str, Any] = {"title": override.title, "link": override.link, "comment": override.comment}
        fields |= override.options
        if override.text is not None and re.fullmatch(_NAME, name):
            sections += ["", f"## @{name}", "", *_body(override.text, override.segments)]
        else:
            fields["text"] = override.text
            fields["then"] = list(override.segments) or None
        if (table := _assignments(fields)) or override.text is None:
            lines += ["", f"[{toml_key(name)}]", *table]
    lines += [_FENCE, "", *_body(manuscript.text, manuscript.segments), *sections]
    if remark:
        lines += ["", SCISSORS, remark]
    return "\n".join(lines) + "\n"


def _assignments(values: Mapping[str, Any]) -> list[str]:
    return [f"{toml_key(name)} = {toml_value(value)}" for name, value in values.items() if value is not None]


def _body(text: str, segments: Sequence[str]) -> list[str]:
    lines = _escaped(text)
    for segment in segments:
        lines += ["", NEXT_PART, "", *_escaped(segment)]
    return lines


def _escaped(text: str) -> list[str]:
    return [f"\\{line}" if _SPECIAL.fullmatch(line) else line for line in text.split("\n")]


@dataclass(frozen=True, kw_only=True)
class _File:
    """A file cut in two, and what is wrong with it."""

    name: str
    front: Sequence[str]
    #: The number of its first line in the file, from 1.
    front_line: int
    body: Sequence[str]
    body_line: int
    problems: list[Problem] = field(default_factory=list)

    def problem(self, where: str, line: int, message: str) -> Problem:
        return Problem(where=where, message=f"{self.name}, line {line}: {message}")

    def note(self, key: str, message: str, *, table: str | None = None) -> None:
        """Note what is wrong with a field of the front matter, or of one of its tables."""
        where = f"front matter [{table}] {key}" if table else f"front matter {key}"
        self.problems.append(self.problem(where, self._line_of(key, table), message))

    def _line_of(self, key: str, table: str | None) -> int:
        """Return the line at which a person would look for `key`: TOML does not tell."""
        row = 0
        for name in (table, key) if table else (key,):
            named = re.compile(rf"\s*\[*\s*[\"']?{re.escape(name)}[\"']?\s*[]=.]")
            row = next((n for n in range(row, len(self.front)) if named.match(self.front[n])), row)
        return self.front_line + row


def _divide(source: str, name: str) -> _File:
    lines = _line_feeds(source.removeprefix("\ufeff")).split("\n")
    begin = next((row for row, line in enumerate(lines) if line.strip()), 0)
    rest = [line.rstrip() for line in lines[begin + 1 :]]
    fence = lines[begin].rstrip()
    if fence == "---" and fence in rest and re.match(r"[\w-]+\s*:", rest[0]):
        message = f"{name}, line {begin + 1}: front matter is TOML between {_FENCE} lines here, not YAML."
        raise Invalid([Problem(where="front matter", message=message)])
    if fence != _FENCE:
        return _File(name=name, front=(), front_line=1, body=lines, body_line=1)
    if fence not in rest:
        message = f"{name}, line {begin + 1}: it does not end; close it with another line {_FENCE}."
        raise Invalid([Problem(where="front matter", message=message)])
    end = begin + 1 + rest.index(fence)
    front, body = lines[begin + 1 : end], lines[end + 1 :]
    return _File(name=name, front=front, front_line=begin + 2, body=body, body_line=end + 2)


def _parse(file: _File) -> dict[str, Any]:
    try:
        return without_dates(tomllib.loads("\n".join(file.front)))  # type: ignore[no-any-return]
    except (ValueError, RecursionError) as error:
        found = re.fullmatch(r"(.*) \(at line (\d+), column \d+\)", str(error), re.DOTALL)
        reason, row = (found[1], int(found[2])) if found else (str(error), len(file.front))
        message = f'this is not TOML: {reason}. Texts stand in quotes: at = "tomorrow 18:00".'
        raise Invalid([file.problem("front matter", file.front_line + row - 1, message)]) from None


def _refuse_unknown(file: _File, keys: set[str], known: Sequence[str], *, within: str | None = None) -> None:
    for key in sorted(keys - set(known)):
        # Closer than usual: `text` is not a slip of the pen for `to`.
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.7)
        mend = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
        file.note(within or key, f"there is no field named {key!r}. {mend}")


def _text(file: _File, key: str, value: Any, *, table: str | None = None) -> str | None:
    if value is None or isinstance(value, str):
        return value
    file.note(key, f'it must be a text in quotes: {key} = "…".', table=table)
    return None


def _read_names(file: _File, key: str, value: Any) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return tuple(name.strip() for name in names if name.strip())
    example = '["blog", "sky"]' if key == "to" else '["news"]'
    file.note(key, f"it must be names in quotes: {key} = {example}.")
    return ()


def _read_flag(file: _File, key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        file.note(key, f"it must be true or false: {key} = true.")
    return value is True


def _read_queue(file: _File, front: Mapping[str, Any]) -> str | None:
    value = front.get("queue", False)
    if value and "at" in front:
        file.note("queue", "a post has a time or a place in the queue; leave out `at` or `queue`.")
    if value is False:
        return None
    if value is True:
        return QUEUES[0]
    if value not in QUEUES:
        file.note("queue", 'it must be queue = true, "next" or "last".')
    return str(value)


def _read_split(file: _File, value: Any) -> Split:
    for how, said in _SPLITS.items():
        if type(value) is type(said) and value == said:
            return how
    file.note("split", 'it must be split = true, false or "numbered".')
    return Split.NO


def _read_media(file: _File, value: Any) -> tuple[MediaRef, ...]:
    found = []
    for item in value if isinstance(value, list) else [None]:
        entry = {"file": item} if isinstance(item, str) else item
        part = part_of(entry.pop("part", 1)) if isinstance(entry, dict) else 1
        if (
            isinstance(entry, dict)
            and "file" in entry
            and all(isinstance(said, str) for said in entry.values())
        ):
            _refuse_unknown(file, set(entry), ("file", "alt", "part"), within="media")
            shown = {} if part is None else {"part": part}
            found.append(MediaRef(file=entry["file"], alt=entry.get("alt", ""), **shown))
        else:
            file.note(
                "media", 'it must be a list of files: media = ["a.jpg", {file = "b.jpg", alt = "A bell"}].'
            )
        if part is None:
            other = f'the first comment has part = "{OF_COMMENT}"'
            file.note("media", f"the parts of a thread are counted from 1: part = 2; {other}.")
    return tuple(found)


def _read_override(file: _File, name: str, table: dict[str, Any]) -> Override:
    said = {key: _text(file, key, table.get(key), table=name) for key in ("text", "title", "link", "comment")}
    options = {key: value for key, value in table.items() if key not in (*said, "then")}
    return Override(
        text=None if said["text"] is None else _tidy(_line_feeds(said["text"])),
        segments=_read_segments(file, name, table),
        title=said["title"],
        link=said["link"],
        comment=said["comment"],
        options=options,
    )


def _read_segments(file: _File, name: str, table: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what follows the text of a table as a thread."""
    segments = table.get("then", [])
    if not isinstance(segments, list) or not all(isinstance(segment, str) for segment in segments):
        file.note("then", 'it must be a list of texts: then = ["The second part"].', table=name)
        return ()
    if segments and "text" not in table:
        file.note("then", "a thread begins with a text; give the table a text, too.", table=name)
    return tuple(_tidy(_line_feeds(segment)) for segment in segments)


def _read_body(file: _File, overrides: dict[str, Override]) -> list[str]:
    """Return the texts for all, part by part; put those of the sections into `overrides`."""
    sections: dict[str, list[list[str]]] = {}
    base: list[list[str]] = [[]]
    parts = base
    for row, line in enumerate(file.body):
        if line.rstrip(" \t") == SCISSORS:
            break
        if heading := _HEADING.fullmatch(line):
            name = heading[1]
            if name in sections or overrides.get(name, Override()).text is not None:
                message = f"the text for {name} is given twice."
                file.problems.append(file.problem(f"section @{name}", file.body_line + row, message))
            parts = sections.setdefault(name, [[]])
        elif _PART.fullmatch(line):
            parts.append([])
        else:
            parts[-1].append(line[1:] if _SPECIAL.fullmatch(line) else line)
    for name, section in sections.items():
        text, *segments = (_tidy("\n".join(lines)) for lines in section)
        said = overrides.get(name, Override())
        overrides[name] = replace(said, text=text, segments=tuple(segments))
    return [_tidy("\n".join(lines)) for lines in base]


def _line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _tidy(text: str) -> str:
    lines = text.rstrip(" \t\n").split("\n")
    first = next((row for row, line in enumerate(lines) if line.strip(" \t")), 0)
    return "\n".join(lines[first:])
