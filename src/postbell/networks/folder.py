"""Posts as files: Markdown with TOML front matter, the media beside it, and an Atom feed of the newest.

A static site's content folder works as it is: a post without media is a page, one with media is a page
bundle (gohugo.io/content-management/page-bundles, getzola.org/documentation/content/overview).
"""

from __future__ import annotations

import asyncio
import errno
import html
import re
import shutil
import tempfile
import tomllib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from pydantic import BaseModel, Field, field_validator

from postbell.domain.content import Content
from postbell.domain.limits import Limits, MediaLimit
from postbell.domain.media import SUFFIXES, Media
from postbell.durable import make_durable
from postbell.errors import Gone, Problem, PublishError, Rejected, Unauthorized, Unavailable
from postbell.publishing.files import locked, replacing
from postbell.publishing.folder_page import copies_of, path_of_page, slug_of, stamp, text_of
from postbell.publishing.options import Strict, Words
from postbell.publishing.protocol import (
    Absent,
    Call,
    Outgoing,
    Profile,
    Progress,
    Receipt,
    Resend,
    Target,
    Threads,
    Unknown,
)


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http

#: How many posts the feed holds.
FEED_LENGTH = 20
FEED = "feed.xml"
_LOCK = ".postbell.lock"

_OURS = re.compile(r"\d{4}-\d{2}-\d{2}-(?:[a-z0-9]+-)*[a-z0-9]{20}(?:\.md)?")
# Characters that XML 1.0, 2.2 cannot hold at all.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_FULL = (Unavailable, "its disk is full; make room")
_FORBIDDEN = (Unauthorized, "the user that runs Postbell may not write there; give it the right")
_NO_FOLDER = (Rejected, "it is not a folder; give the account another path")
#: What the system's refusals mean. Nothing here is unsure: a repeat is harmless.
_MENDS: dict[int, tuple[type[PublishError], str]] = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EROFS: _FORBIDDEN,
    # The disk may be on its way back: nobody has to do more than mount it.
    errno.ENOENT: (Unavailable, "it, or the folder above it, is not there; make it, or mount its disk"),
    errno.EEXIST: _NO_FOLDER,
    errno.ENOTDIR: _NO_FOLDER,
}


class Options(Strict):
    """What a post can be told about a folder."""

    lasting = frozenset({"slug"})

    slug: str | None = Field(
        default=None,
        max_length=80,
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        description="Names the post in its address: lower-case letters, digits and hyphens. "
        "Made from the title or the text if not given.",
    )
    tags: Words = Field(default=[], description="Words that the post is filed under.")


class Credentials(Strict):
    """Where the files go."""

    path: str = Field(description="The folder, as an absolute path; `~` is your home.")
    base_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s?#]+$",
        description="The web address under which the folder's posts are found, if there is one: with "
        "https:// or http://, without `?` and `#`.",
    )
    feed_title: str = Field(default="Posts", min_length=1, description="The title of the Atom feed.")

    @field_validator("path")
    @classmethod
    def _absolute(cls, value: str) -> str:
        path = Path(value).expanduser()
        if not path.is_absolute():
            raise ValueError("give an absolute path, for instance /srv/site/content/posts")
        return str(path)


class Folder:
    """A folder on this machine."""

    key: ClassVar[str] = "folder"
    label: ClassVar[str] = "Folder"
    summary: ClassVar[str] = "Markdown files with their media, and an Atom feed: a static site's content."
    limits: ClassVar[Limits] = Limits(media=MediaLimit(most=50, types=dict.fromkeys(SUFFIXES, 4 * 10**9)))
    server: ClassVar[str] = "none"
    default_server: ClassVar[str | None] = None
    guide: ClassVar[str] = (
        "1. Choose a folder on this machine, for instance content/posts of a static site. It is made if the\n"
        "   folder above it exists; the user that runs Postbell must be allowed to write there.\n"
        "2. Under systemd, `systemctl edit postbell` and add ReadWritePaths=/the/folder under [Service].\n"
        "3. Give base_url if the folder becomes a part of a website: posts are then found at base_url/slug/."
    )
    Options: ClassVar[type[BaseModel]] = Options
    Credentials: ClassVar[type[BaseModel]] = Credentials
    resend: ClassVar[Resend] = Resend.SAFE
    finds: ClassVar[bool] = True
    deletes: ClassVar[bool] = True
    threads: ClassVar[Threads] = Threads.JOINED
    comments: ClassVar[bool] = False

    def check(self, content: Content, options: BaseModel, *, account: str) -> list[Problem]:
        """Return no problems: a folder takes everything that is within `limits`."""
        del content, options, account
        return []

    def preview(self, outgoing: Outgoing) -> list[Call]:
        """Return the files that would be written, the page last."""
        folder = Path(outgoing.target.credentials.path)
        page = folder / path_of_page(outgoing)
        copies = [(page.with_name(name), f"<{media.size:,} bytes>") for name, media in copies_of(outgoing)]
        written = [
            (page, text_of(outgoing, slug_of(outgoing))),
            (folder / FEED, f"<the newest {FEED_LENGTH} posts>"),
        ]
        return [Call(method="WRITE", url=path.as_uri(), body=body) for path, body in copies + written]

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        """Write the media and then the page, unless the page is there already; then the feed anew."""
        del progress, http
        return await asyncio.to_thread(_publish, outgoing)

    async def find(
        self, outgoing: Outgoing, progress: Progress | None, http: Http
    ) -> Receipt | Absent | Unknown:
        """Look whether the page is there."""
        del progress, http
        return await asyncio.to_thread(_find, outgoing)

    async def edit(self, outgoing: Outgoing, receipt_id: str, http: Http) -> Receipt:
        """Write the page anew, under the address that it has; then the feed."""
        del receipt_id, http
        return await asyncio.to_thread(_edit, outgoing)

    async def delete(self, outgoing: Outgoing, receipt_id: str, http: Http) -> None:
        """Remove the page and the media beside it, then write the feed without it.

        The key tells which page it is, whatever else of its name somebody has changed.
        """
        del receipt_id, http
        await asyncio.to_thread(_delete, outgoing)

    async def verify(self, target: Target, http: Http) -> Profile:
        """Write an empty file into the folder and remove it."""
        del http
        folder = Path(target.credentials.path)
        await asyncio.to_thread(_try_out, folder)
        return Profile(handle=str(folder), url=target.credentials.base_url or folder.as_uri())


network = Folder()


def _publish(outgoing: Outgoing) -> Receipt:
    account = outgoing.target.credentials
    folder = Path(account.path)
    with _reading_failures(folder):
        folder.mkdir(exist_ok=True)
        path = _path_of(folder, outgoing.key)
        if path is None:
            path = path_of_page(outgoing)
            page = folder / path
            if outgoing.content.media:
                page.parent.mkdir(exist_ok=True)
                page.parent.chmod(0o755)
                for name, media in copies_of(outgoing):
                    _copy(media, page.with_name(name))
            _write(page, text_of(outgoing, slug_of(outgoing)))
    return _with_feed(folder, account, _receipt(outgoing, path, slug_of(outgoing)))


def _with_feed(folder: Path, account: Any, receipt: Receipt) -> Receipt:
    try:
        _write_feed(folder, account)
    except OSError as error:  # the page is public already
        warning = f"{FEED} could not be written ({error.strerror}); the next post tries it again."
        return replace(receipt, warnings=(warning,))
    return receipt


def _edit(outgoing: Outgoing) -> Receipt:
    account = outgoing.target.credentials
    folder = Path(account.path)
    with _reading_failures(folder):
        path = _path_of(folder, outgoing.key)
        if path is None:
            raise Gone
        slug = _slug_there(folder / path) or slug_of(outgoing)
        _write(folder / path, text_of(outgoing, slug))
    return _with_feed(folder, account, _receipt(outgoing, path, slug))


def _slug_there(page: Path) -> str | None:
    """Return the slug of a page; its address shall stay, whatever becomes of its title."""
    try:
        slug = _head_of(page)[0].get("slug")
    except ValueError:
        return None
    return slug if isinstance(slug, str) else None


def _head_of(page: Path) -> tuple[dict[str, Any], str]:
    """Return the front matter and the text of a page; raises ValueError if it is none of ours."""
    _, head, body = page.read_text(encoding="utf-8").split("+++\n", 2)
    return tomllib.loads(head), body


def _find(outgoing: Outgoing) -> Receipt | Absent:
    folder = Path(outgoing.target.credentials.path)
    with _reading_failures(folder):
        path = _path_of(folder, outgoing.key)
        return _receipt(outgoing, path, slug_of(outgoing)) if path else Absent()


def _delete(outgoing: Outgoing) -> None:
    folder, end = Path(outgoing.target.credentials.path), f"-{outgoing.key}"
    with _reading_failures(folder):
        for place in list(folder.iterdir()):
            if place.name.endswith(f"{end}.md"):
                place.unlink(missing_ok=True)
            elif place.name.endswith(end) and place.is_dir():
                # The page first: a site that is built meanwhile shows none without its pictures.
                for name in ("index.md", *(name for name, _ in copies_of(outgoing))):
                    (place / name).unlink(missing_ok=True)
                try:
                    place.rmdir()
                except OSError:  # somebody keeps files of their own there
                    make_durable(place)
        _write_feed(folder, outgoing.target.credentials)


def _try_out(folder: Path) -> None:
    with _reading_failures(folder):
        folder.mkdir(exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()


def _path_of(folder: Path, key: str) -> str | None:
    """Return where the page of a delivery lies; the key alone says, whatever else of the name is changed."""
    for place in folder.iterdir():
        if place.name.endswith(f"-{key}.md"):
            return place.name
        if place.name.endswith(f"-{key}") and (place / "index.md").exists():
            return f"{place.name}/index.md"
    return None


def _receipt(outgoing: Outgoing, path: str, slug: str) -> Receipt:
    return Receipt(id=path, url=_address(outgoing.target.credentials, path, slug))


def _address(account: Any, path: str, slug: str) -> str:
    """Return where a page is found: a static site generator puts it below its section, under its slug."""
    if account.base_url:
        return f"{account.base_url.rstrip('/')}/{quote(slug)}/"
    return (Path(account.path) / path).as_uri()


def _write_feed(folder: Path, account: Any) -> None:
    with locked(folder / _LOCK):
        _write(folder / FEED, _feed(folder, account))


def _feed(folder: Path, account: Any) -> str:
    """Return the Atom feed (RFC 4287) of the newest pages of ours, as their files say now."""
    names = sorted((place.name for place in folder.iterdir() if _OURS.fullmatch(place.name)), reverse=True)
    # A name begins with its day: only what shares a day with the last one that fits is opened as well.
    edge = names[:FEED_LENGTH][-1][:10] if names else ""
    found = [entry for name in names if name[:10] >= edge and (entry := _entry(folder, name, account))]
    entries = sorted(found, reverse=True)[:FEED_LENGTH]
    base = _xml((account.base_url or folder.as_uri()).rstrip("/") + "/")
    title = _xml(account.feed_title)
    head = [
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">',
        f"<id>{base}</id>\n<title>{title}</title>\n<author><name>{title}</name></author>",
        f"<updated>{stamp(entries[0][0] if entries else datetime.fromtimestamp(0, UTC))}</updated>",
        f'<link rel="self" type="application/atom+xml" href="{base}{FEED}"/>',
    ]
    return "\n".join([*head, *(entry for _, entry in entries), "</feed>\n"])


def _entry(folder: Path, name: str, account: Any) -> tuple[datetime, str] | None:
    """Return a page's instant and entry; None if somebody made it a draft, or something that is not ours."""
    path = name if name.endswith(".md") else f"{name}/index.md"
    try:
        page, body = _head_of(folder / path)
        if page.get("draft"):
            return None
        at, address = page["date"].astimezone(UTC), _address(account, path, page["slug"])
        beside = address if account.base_url else address.removesuffix("index.md")
        # The name must never change, whatever becomes of the address (RFC 4287, 4.2.6).
        lines = [f"<id>{uuid.uuid5(uuid.NAMESPACE_OID, name.removesuffix('.md')[-20:]).urn}</id>"]
        lines += [f"<title>{_xml(page['title'])}</title>", f'<link rel="alternate" href="{_xml(address)}"/>']
        lines += [f"<published>{stamp(at)}</published>", f"<updated>{stamp(at)}</updated>"]
        lines += [
            f'<link rel="enclosure" type="{_xml(item["type"])}" length="{int(item["size"])}"'
            f' href="{_xml(beside + quote(item["file"]))}"/>'
            for item in page.get("media", [])
        ]
    except (AttributeError, FileNotFoundError, NotADirectoryError, KeyError, TypeError, ValueError):
        return None
    content = f'<content type="text">{_xml(body.strip())}</content>'
    return at, "\n".join(["<entry>", *lines, content, "</entry>"])


def _xml(text: str) -> str:
    return html.escape(_NOT_XML.sub("", text))


def _copy(media: Media, path: Path) -> None:
    try:
        source = media.path.open("rb")
    except FileNotFoundError:
        raise Rejected(f"The stored file of {media.name} is gone; give it to the post again.") from None
    with source, replacing(path) as target:
        shutil.copyfileobj(source, target, 1 << 20)


def _write(path: Path, text: str) -> None:
    with replacing(path) as target:
        target.write(text.encode())


@contextmanager
def _reading_failures(folder: Path) -> Iterator[None]:
    """Turn what the system says into what is to be done now."""
    try:
        yield
    except OSError as error:
        kind, mend = _MENDS.get(
            error.errno or 0, (Unavailable, f"it could not be written to: {error.strerror}")
        )
        raise kind(f"{folder}: {mend}.") from None
