"""Whether what accounts keep secret is encrypted; to see that takes no key."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from postbell.domain.account import Account, Stored
from postbell.domain.hook import Hook
from postbell.services.accounts.vault import Vault, key_of, require_open
from postbell.settings import Places
from postbell.store.engine import file_uri


@dataclass(frozen=True, kw_only=True)
class Encryption:
    """How the secrets of accounts lie in a database."""

    #: The names of the accounts and hooks with secrets that are in the clear.
    clear: tuple[str, ...]
    #: Those of the others, by the id of their key.
    encrypted: Mapping[str, tuple[str, ...]]

    @property
    def word(self) -> Literal["encrypted", "clear", "partly encrypted", "none"]:
        """The same in a word."""
        if self.clear:
            return "partly encrypted" if self.encrypted else "clear"
        return "encrypted" if self.encrypted else "none"


def kept_of(account: Account) -> tuple[Stored, ...]:
    """Return all that an account keeps secret, as it is stored."""
    return account.credentials, account.session, account.tokens


def encryption_of(accounts: Sequence[Account], hooks: Sequence[Hook] = ()) -> Encryption:
    """Return how the secrets of these are stored."""
    clear: list[str] = []
    encrypted: dict[str, tuple[str, ...]] = {}
    found = [(each.name, kept_of(each)) for each in accounts]
    for name, secrets in [*found, *((f"hook {each.name}", (each.secret,)) for each in hooks)]:
        kept = [stored for stored in secrets if stored]
        if any(not isinstance(stored, str) for stored in kept):
            clear.append(name)
        for key in sorted({key_of(stored) for stored in kept if isinstance(stored, str)}):
            encrypted[key] = (*encrypted.get(key, ()), name)
    return Encryption(clear=tuple(clear), encrypted=encrypted)


def clear_copies(places: Places) -> list[Path]:
    """Return the backups and replaced databases in which secrets of accounts are in the clear."""
    copies = [*sorted(places.backups.glob("*.db")), *sorted(places.data_dir.glob("replaced-*.db"))]
    return [path for path in copies if _has_clear(path)]


def encryption_told(
    places: Places, vault: Vault, accounts: Sequence[Account], hooks: Sequence[Hook]
) -> Iterator[tuple[bool, str, str | None]]:
    """Yield what there is to say in sentences: whether it is well, what was found, and what to do.

    Raises NoKey where the secrets cannot be read, and BadConfig for a bad file of keys.
    """
    require_open(vault, accounts, hooks)
    found, mend = (
        encryption_of(accounts, hooks),
        "Stop the daemon, `postbell secrets encrypt`, and start it again.",
    )
    if not vault.keys:
        message = "The secrets of accounts are in the clear, in a database that only its owner can read."
        yield True, message, "`postbell secrets --help` says how to encrypt them."
        return
    first = vault.keys[0].id
    if found.clear:
        yield False, f"A key is given, but in the clear are the secrets of {', '.join(found.clear)}.", mend
    if older := [name for key, names in found.encrypted.items() if key != first for name in names]:
        yield False, f"Encrypted with an older key than {first}: {', '.join(older)}.", mend
    if not (found.clear or older):
        yield True, f"The secrets of accounts are encrypted with key {first}, from {vault.path}.", None
    if vault.path and vault.path.resolve().is_relative_to(places.data_dir.resolve()):
        yield (
            False,
            f"The key {vault.path} lies in the data folder: who copies that has both.",
            "Move it, and name the new place: `key_file` under [secrets].",
        )
    for path in clear_copies(places):
        yield (
            False,
            f"In {path} secrets are in the clear: it was made before they were encrypted.",
            "Remove it, or change those secrets.",
        )


def _has_clear(path: Path) -> bool:
    """Whether a copy holds secrets in the clear; what cannot be read counts as none."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(file_uri(path, "ro"), uri=True)) as copy:
        known = {row[1] for row in copy.execute("PRAGMA table_info(account)")}
        names = [name for name in ("credentials", "session", "tokens") if name in known]
        rows = copy.execute(f"SELECT {', '.join(names)} FROM account").fetchall()  # noqa: S608 - constants
        if copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'hook'").fetchone():
            rows += copy.execute("SELECT secret FROM hook").fetchall()
        return any(text not in (None, "{}") and not text.startswith('"') for row in rows for text in row)
    return False
