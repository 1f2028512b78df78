"""Where a post comes from: words, a file, standard input, an editor, and options over all of them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from postbell.cli.common import State
from postbell.cli.own_times import split_times, with_times
from postbell.cli.times import PlaceOptions
from postbell.domain.content import Override, Split
from postbell.domain.manuscript import SCISSORS, Manuscript, read_manuscript, write_manuscript
from postbell.domain.media import COMMENT, Source
from postbell.domain.media_ref import OF_COMMENT, MediaRef
from postbell.errors import Invalid, PostbellError, Problem


_FILES = (".md", ".markdown", ".txt")
_FIELDS = ("text", "title", "link", "comment")
#: A file of a part of a thread, or of the first comment.
_OF_PART = re.compile(rf"([1-9][0-9]?|{OF_COMMENT}):(.+)", re.DOTALL)


def _when(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command accept the options that say when."""
    options = (
        click.option(
            "--at",
            multiple=True,
            metavar="[NAME,…=]WHEN",
            help='When: "tomorrow 18:00", "24 dec 9am", "in 45 min" …; for sky alone: sky="friday 9am".',
        ),
        click.option("--now", is_flag=True, help="Publish it at once."),
        PlaceOptions.options,
        click.option("--tz", metavar="ZONE", help="The time zone of WHEN, for instance Europe/Berlin."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _terms(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command accept the options that say under which terms."""
    options = (
        click.option("--label", "labels", multiple=True, metavar="LABEL,…", help="What it is filed under."),
        click.option("--late-limit", metavar="SPAN", help='How late it may be published: "6 h".'),
        click.option("--not-after", metavar="WHEN", help="Not published after that, whatever happens."),
        click.option(
            "--delete-after",
            metavar="SPAN",
            help='Taken away again so long after it was published: "7 d".',
        ),
        click.option(
            "--allow-duplicate", is_flag=True, help="It may say what another post of the account says."
        ),
        click.option("--bare", is_flag=True, help="Without what its accounts add: signature, UTM."),
        click.option(
            "--unchecked", is_flag=True, help="Let the networks decide what they take; limits only warn."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True, kw_only=True)
class Given(PlaceOptions):
    """The options with which `add` and `edit` are told what a post says. None was not given."""

    to: tuple[str, ...]
    then: tuple[str, ...]
    at: tuple[str, ...]
    now: bool
    tz: str | None
    title: str | None
    link: str | None
    media: tuple[str, ...]
    external_id: str | None
    labels: tuple[str, ...]
    late_limit: str | None
    not_after: str | None
    delete_after: str | None
    allow_duplicate: bool
    bare: bool
    unchecked: bool
    comment: str | None
    comment_after: str | None
    split: bool
    numbered: bool
    settings: tuple[str, ...]

    @classmethod
    def options(cls, command: Callable[..., Any]) -> Callable[..., Any]:
        """Let a command accept them."""
        options = (
            click.option("--to", multiple=True, metavar="NAME,…", help="The accounts that publish it."),
            click.option(
                "--then", multiple=True, metavar="TEXT", help="What follows as a thread; once for each part."
            ),
            _when,
            click.option("--title", help="A title, for networks that have one."),
            click.option("--link", metavar="URL", help="A web address that the post is about."),
            click.option(
                "--media",
                multiple=True,
                metavar="[N:]FILE[=ALT]",
                help="A picture or video; say what it shows. 2:FILE for the second part of a thread, "
                "comment:FILE for the first comment.",
            ),
            click.option("--external-id", metavar="ID", help="What another program calls it."),
            _terms,
            click.option("--comment", metavar="TEXT", help="What is published below it first."),
            click.option("--comment-after", metavar="SPAN", help='So long after it: "5 min"; else at once.'),
            click.option(
                "--split", is_flag=True, help="Make a thread of a text that is too long for an account."
            ),
            click.option("--numbered", is_flag=True, help="The same, with 1/3 behind each part."),
            click.option(
                "--set",
                "settings",
                multiple=True,
                metavar="NETWORK.OPTION=VALUE",
                help="An option of a network or account, or a text, title or link for it alone.",
            ),
        )
        for option in reversed(options):
            command = option(command)
        return command

    def __bool__(self) -> bool:
        """Whether any of them was given."""
        return any(value not in (None, False, ()) for value in vars(self).values())

    def over(self, base: Manuscript, stored: Mapping[str, Override] | None = None) -> Manuscript:
        """Return `base` with what was given in its place; `stored` is what --set changes besides.

        Raises Invalid, or UsageError for a contradiction.
        """
        at, own = split_times(self.at)
        self.require_one(now=self.now, at=at is not None)
        self._refuse_empty()
        timed = self.placed or self.now or at is not None
        overrides = {
            **base.overrides,
            **_overridden(self.settings, {**(stored or {}), **base.overrides}),
        }
        return replace(
            base,
            segments=self.then or base.segments,
            to=_names(self.to) or base.to,
            at="now" if self.now else at if timed else base.at,
            queue=self.queue if timed else base.queue,
            tz=self.tz or base.tz,
            external_id=base.external_id if self.external_id is None else self.external_id,
            labels=_names(self.labels) if self.labels else base.labels,
            late_limit=base.late_limit if self.late_limit is None else self.late_limit,
            not_after=base.not_after if self.not_after is None else self.not_after,
            delete_after=base.delete_after if self.delete_after is None else self.delete_after,
            allow_duplicate=self.allow_duplicate or base.allow_duplicate,
            bare=self.bare or base.bare,
            unchecked=self.unchecked or base.unchecked,
            comment=base.comment if self.comment is None else self.comment,
            comment_after=base.comment_after if self.comment_after is None else self.comment_after,
            split=Split.NUMBERED if self.numbered else Split.PLAIN if self.split else base.split,
            title=base.title if self.title is None else self.title,
            link=base.link if self.link is None else self.link,
            media=tuple(map(_media_ref, self.media)) or base.media,
            overrides=with_times(overrides, own),
        )

    def _refuse_empty(self) -> None:
        texts = {"--tz": self.tz, "--between": self.between, "--and": self.until}
        given = [("--to", self.to), ("--at", self.at)]
        given += [(option, (text,)) for option, text in texts.items() if text is not None]
        problems = [
            Problem(where=option, message="it is empty; give a value, or leave the option out.")
            for option, values in given
            if any(not value.strip(" ,") for value in values)
        ]
        if problems:
            raise Invalid(problems)


def read_source(source: str | None) -> Manuscript:
    """Return what a text, the file of that name or `-` for standard input says.

    Paths of media in it are made relative to where we are. Raises Invalid.
    """
    if source is None:
        return Manuscript()
    if source == "-":
        return read_manuscript(_decode(sys.stdin.buffer.read(), "standard input"), where="standard input")
    if is_words(source):
        return Manuscript(text=source)
    try:
        data = Path(source).read_bytes()
    except FileNotFoundError:
        message = "there is no such file. To publish these very words, give them on standard input (-)."
        raise Invalid([Problem(where=source, message=message)]) from None
    except OSError as error:
        raise Invalid([Problem(where=source, message=f"it cannot be read: {error.strerror}.")]) from None
    found = read_manuscript(_decode(data, source), where=source)
    folder = Path(source).parent
    return replace(found, media=tuple(replace(ref, file=str(folder / ref.file)) for ref in found.media))


def is_words(source: str | None) -> bool:
    """Whether a source is the text itself, and no file."""
    return source != "-" and (source is None or not source.lower().endswith(_FILES) or "\n" in source)


def media_of(manuscript: Manuscript) -> tuple[Source, ...]:
    """Return the files of a manuscript as the services want them."""
    return tuple((Path(ref.file), ref.alt, ref.part) for ref in manuscript.media)


@contextmanager
def edited(state: State, manuscript: Manuscript, remark: str, *, new: bool = False) -> Iterator[Manuscript]:
    """Let the user write in an editor and yield what came of it: `manuscript` itself if nothing did.

    Raises PostbellError if that is nothing; for a `new` post that has no text yet also if nothing was
    written. If the block raises, the file is kept and the error names it.
    """
    if state.no_input:
        raise click.UsageError("--no-input and an editor exclude each other.")
    if state.surroundings.editor == "vi" and not state.interactive:  # what is left where none is set
        raise click.UsageError("There is no terminal for vi. Set VISUAL or EDITOR, or give options instead.")
    descriptor, name = tempfile.mkstemp(prefix="postbell-", suffix=".md")
    source = write_manuscript(manuscript, remark=remark).encode()
    with os.fdopen(descriptor, "wb") as file:
        file.write(source)
    path = Path(name)
    try:
        _open_editor(state.surroundings.editor, path)
        unchanged = path.read_bytes() == source
        unwritten = unchanged and new and not _has_text(manuscript)
        found = None if unwritten else manuscript if unchanged else _read_edited(path)
        if found:
            yield found
    except PostbellError as error:
        raise _with_place(error, path) from None
    path.unlink()
    if unwritten:
        raise PostbellError("Nothing was written; nothing was stored.")
    if not found:
        raise PostbellError("What the editor left is empty; nothing was stored.")


def _open_editor(editor: str, path: Path) -> None:
    try:
        code = subprocess.run([*shlex.split(editor), str(path)], check=False).returncode  # noqa: S603
    except (OSError, ValueError) as error:
        raise PostbellError(
            f"The editor {editor!r} cannot be started: {error}. Set VISUAL or EDITOR."
        ) from None
    if code:
        raise PostbellError(f"The editor ended with {code}; nothing was stored.")


def _read_edited(path: Path) -> Manuscript | None:
    source = _decode(path.read_bytes(), "the edited file")
    if not source.partition(SCISSORS)[0].strip():
        return None
    found = read_manuscript(source, where="the edited file")
    return found if _has_text(found) or found.title or found.link or found.media else None


def _has_text(manuscript: Manuscript) -> bool:
    return (
        bool(manuscript.text)
        or any(manuscript.segments)
        or any(override.text for override in manuscript.overrides.values())
    )


def _with_place(error: PostbellError, path: Path) -> PostbellError:
    kept = f"what you wrote is kept in {path}"
    if isinstance(error, Invalid):
        return Invalid([*error.problems, Problem(where="editor", message=f"{kept}.")])
    error.args = (f"{error} {kept[0].upper()}{kept[1:]}.",)
    return error


def _decode(data: bytes, where: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = (
            f"it is not UTF-8: byte 0x{data[error.start]:02x} at position {error.start} (line {line}). "
            "Save it as UTF-8."
        )
        raise Invalid([Problem(where=where, message=message)]) from None


def _names(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip() for value in given for name in value.split(",") if name.strip())


def _media_ref(given: str, part: int = 1) -> MediaRef:
    # A name may hold equals signs, and so may an alt text: the longest name that there is.
    ends = [len(given), *(place for place in reversed(range(len(given))) if given[place] == "=")]
    end = next((end for end in ends if os.path.lexists(given[:end])), None)
    if end is None and (named := _OF_PART.fullmatch(given)):
        return _media_ref(named[2], part=COMMENT if named[1] == OF_COMMENT else int(named[1]))
    if end is None:
        end = given.find("=") if "=" in given else len(given)
    return MediaRef(file=given[:end], alt=given[end + 1 :], part=part)


def _overridden(settings: Sequence[str], known: Mapping[str, Override]) -> dict[str, Override]:
    """Return the overrides that --set touches, changed."""
    changed: dict[str, Override] = {}
    for given in settings:
        place, equals, value = given.partition("=")
        # The last dot: names of accounts may have some, options have none.
        key, _, option = place.rpartition(".")
        if not (equals and key and option):
            message = f"{given!r} is not of the form NETWORK.OPTION=VALUE, for instance bluesky.langs=en."
            raise Invalid([Problem(where="--set", message=message)])
        said = changed.get(key) or known.get(key) or Override()
        if option in _FIELDS:
            changed[key] = replace(said, **{option: value})  # type: ignore[arg-type]
        else:
            changed[key] = replace(said, options={**said.options, option: value})
    return changed
