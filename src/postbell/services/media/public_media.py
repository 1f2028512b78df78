"""What strangers may fetch: single files of single deliveries, for a time, by signed links."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from postbell.clock import Clock
from postbell.domain.media import SUFFIXES, Media, kind_of
from postbell.domain.public_link import PublicLink, read_link, sign
from postbell.durable import make_durable
from postbell.errors import BadConfig
from postbell.publishing.public_links import Links


#: So long a link is good: networks fetch at once, or while they work on a film.
LASTS = timedelta(hours=6)
#: How the paths of links begin.
PATH = "/public/"
_MIMES = {suffix: mime for mime, suffix in SUFFIXES.items()}
_KEY_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class PublicMedia:
    """Makes links, and knows what they open."""

    #: What they begin with, as the world sees it: `https://postbell.example.org`.
    base: str
    #: The folder of stored files.
    folder: Path
    #: The file of the key that links are signed with; made when it is first needed.
    key_file: Path
    clock: Clock

    def links(self, number: int) -> Links:
        """Return what makes the links of a delivery."""

        def link(item: Media) -> str:
            expires_at = (self.clock.now() + LASTS).replace(microsecond=0)
            file = item.path.relative_to(self.folder).as_posix()
            word = sign(PublicLink(number=number, file=file, expires_at=expires_at), self._key())
            return f"{self.base}{PATH}{word}/file{item.path.suffix}"

        return link

    def open(self, path: str) -> tuple[PublicLink, Media] | None:
        """Return what the path of a link opens now; None for all others."""
        word, _, name = path.removeprefix(PATH).partition("/")
        link = read_link(word, self._key(), self.clock.now())
        if link is None or not name.startswith("file."):
            return None
        found = self.folder / link.file
        if not found.is_file():
            return None
        mime = _MIMES[found.suffix]
        kind = kind_of(mime)
        media = Media(
            sha256=found.stem.rpartition(".")[0] or found.stem,
            kind=kind,
            mime=mime,
            size=found.stat().st_size,
            name=f"file{found.suffix}",
            path=found,
        )
        return link, media

    def _key(self) -> bytes:
        try:
            return _read_key(self.key_file) or _make_key(self.key_file)
        except OSError as error:
            raise BadConfig(
                f"The key of public links, {self.key_file}, cannot be read: {error.strerror}."
            ) from None


def _read_key(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _make_key(path: Path) -> bytes:
    """Make the key, for the owner of the folder; of two who do so at once one is heard."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    owner = path.parent.stat()
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            if os.geteuid() == 0 and owner.st_uid != 0:
                os.chown(file.fileno(), owner.st_uid, owner.st_gid)
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        if not path.exists():
            part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    make_durable(path.parent)
    return path.read_bytes()
