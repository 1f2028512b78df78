"""The secrets of accounts, encrypted where a key is given.

AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits for each value. What a value belongs to is bound
to it: moved to another account, or from the session to the credentials, it is not decrypted. Where no key is
given values are stored as they are, in a file that only its owner can read.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from postbell.domain.account import Account, Stored
from postbell.durable import give, make_durable
from postbell.errors import BadConfig, NoKey
from postbell.publishing.web.tokens import Tokens, tokens_of
from postbell.settings import Places, Settings


if TYPE_CHECKING:
    from postbell.domain.hook import Hook

#: How a line with a key begins, and how long a key is.
_PREFIX, _BYTES = "pbkey-", 32
#: How an encrypted value begins: this form, then the id of its key, then nonce and ciphertext in base64.
_FORM = "aesgcm1"
_NONCE = 12
#: The command that gives a secret anew, by whose it is.
_ANEW = {"account": "account reconnect", "hook": "hook rotate"}
_GIVE = (
    "Give the file that holds it: `key_file` under [secrets] in the configuration, or systemd's credential "
    "secrets.key."
)
_HEAD = """\
# With the first key Postbell encrypts the secrets of accounts, with all of them it decrypts: older backups
# need the older ones. Keep a copy of this file, and not where the backups are.
"""


@dataclass(frozen=True, kw_only=True)
class Key:
    """What encrypts."""

    secret: bytes = field(repr=False)

    @functools.cached_property
    def id(self) -> str:
        """What tells keys apart; it gives nothing away."""
        return hashlib.sha256(b"postbell key " + self.secret).hexdigest()[:8]

    @functools.cached_property
    def cipher(self) -> Any:
        """AES-GCM with this key."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self.secret)


@dataclass(frozen=True, kw_only=True)
class Vault:
    """Encrypts and decrypts what accounts keep secret: credentials, session and tokens.

    The keys are read when they are needed for the first time.
    """

    #: The file with the keys; None where none is given.
    path: Path | None = None
    #: Whether systemd has put it there: then who may read it is its affair, and told by an ACL.
    by_systemd: bool = False

    @functools.cached_property
    def keys(self) -> tuple[Key, ...]:
        """The keys that are given; the first encrypts. Raises BadConfig for a file that is not in order."""
        return read_keys(self.path, private=not self.by_systemd) if self.path else ()

    def credentials(self, account: Account) -> Mapping[str, Any]:
        """Return the credentials of an account; raises NoKey."""
        return self.decrypt(account.credentials, account, "credentials")

    def session(self, account: Account) -> Mapping[str, Any]:
        """Return what a network has stored for an account; raises NoKey."""
        return self.decrypt(account.session, account, "session")

    def tokens(self, account: Account) -> Tokens | None:
        """Return what OAuth has given for an account, None if nothing; raises NoKey."""
        return tokens_of(self.decrypt(account.tokens, account, "tokens"))

    def hook_secret(self, hook: Hook) -> Mapping[str, Any]:
        """Return what a hook is signed with; raises NoKey."""
        return self.decrypt(hook.secret, hook, "secret")

    def encrypt(self, values: Mapping[str, Any], owner: Account | Hook, what: str) -> Stored:
        """Return what is secret as it is stored; whose it is and `what` are bound to it."""
        if not self.keys or not values:
            return values
        key, nonce = self.keys[0], os.urandom(_NONCE)
        secret = key.cipher.encrypt(nonce, json.dumps(dict(values)).encode(), _bound(owner, what))
        return f"{_FORM}:{key.id}:{base64.b64encode(nonce + secret).decode()}"

    def decrypt(self, stored: Stored, owner: Account | Hook, what: str) -> Mapping[str, Any]:
        """Return the values that were stored; raises NoKey where they are encrypted with none that is given.

        The same error tells of values that were changed, or belong elsewhere.
        """
        if not isinstance(stored, str):
            return stored
        from cryptography.exceptions import InvalidTag

        key_id = key_of(stored)
        key = next((key for key in self.keys if key.id == key_id), None)
        if key is None:
            raise NoKey(f"The secrets of accounts are encrypted with key {key_id}, and {self._lacks()}")
        try:
            sealed = base64.b64decode(stored.rpartition(":")[2], validate=True)
            found: dict[str, Any] = json.loads(
                key.cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound(owner, what))
            )
        except (ValueError, InvalidTag):
            kind = _kind_of(owner)
            raise NoKey(
                f"The {what} of {kind} {owner.name} cannot be decrypted: what is stored was changed, or "
                f"belongs to another {kind}. Give it anew, `postbell {_ANEW[kind]} {owner.name}`, or restore "
                "a backup."
            ) from None
        return found

    def is_current(self, stored: Stored) -> bool:
        """Whether something is stored as it would be now: encrypted with the first key, or not at all."""
        if not stored or not self.keys:
            return not isinstance(stored, str)
        return isinstance(stored, str) and key_of(stored) == self.keys[0].id

    def _lacks(self) -> str:
        if self.path is None:
            return f"no key is given. {_GIVE}"
        held = ", ".join(key.id for key in self.keys)
        return f"{self.path} holds another ({held}). Put the line with that key back into the file."


def find_vault(places: Places, settings: Settings) -> Vault:
    """Return the vault by systemd's credential `secrets.key`, else by `key_file` of the configuration."""
    given = places.credentials_dir and places.credentials_dir / "secrets.key"
    if given and given.exists():
        return Vault(path=given, by_systemd=True)
    return Vault(path=settings.secrets.key_file)


def key_of(stored: str) -> str:
    """Return the id of the key that something was encrypted with."""
    form, _, rest = stored.partition(":")
    return rest.partition(":")[0] if form == _FORM else "of another version of Postbell"


def require_open(vault: Vault, accounts: Iterable[Account], hooks: Iterable[Hook] = ()) -> None:
    """Raise NoKey unless the secrets of all these can be read, BadConfig for a bad file of keys."""
    _ = vault.keys
    for hook in hooks:
        vault.hook_secret(hook)
    for account in accounts:
        vault.credentials(account)
        vault.session(account)
        vault.tokens(account)


def require_key(vault: Vault, accounts: Iterable[Account], hooks: Iterable[Hook] = ()) -> None:
    """Raise NoKey where something would be stored in the clear beside what is encrypted."""
    for stored in (*(account.credentials for account in accounts), *(hook.secret for hook in hooks)):
        if isinstance(stored, str) and not vault.keys:
            raise NoKey(
                f"The secrets of accounts are encrypted with key {key_of(stored)}, and no key is given: "
                f"another one would be stored in the clear beside them. {_GIVE}"
            )


def read_keys(path: Path, *, private: bool = True) -> tuple[Key, ...]:
    """Return the keys in a file, in their order; raises BadConfig where it is not in order."""
    try:
        mode, lines = path.stat().st_mode & 0o777, path.read_text("ascii").splitlines()
    except FileNotFoundError:
        raise BadConfig(
            f"There is no file of keys at {path}. Put it there (it is among neither the data nor the "
            "backups), or make one with `postbell secrets new-key`."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"The file of keys {path} cannot be read: {error}.") from None
    if private and mode & 0o077:
        raise BadConfig(f"Others can read the keys in {path} (mode {mode:04o}). Run `chmod 600 {path}`.")
    keys = [_read_key(line.strip(), path) for line in lines if line.strip() and not line.startswith("#")]
    if not keys:
        raise BadConfig(f"There is no key in {path}. Make one with `postbell secrets new-key {path}`.")
    return tuple(keys)


def add_key(path: Path, now: datetime) -> Key:
    """Put a new key before those in a file, which is made if there is none; durable when it returns.

    Raises BadConfig for a file that is not in order, or cannot be written; then it is as it was.
    """
    if path.exists():
        read_keys(path)
    old = path.read_text("ascii").removeprefix(_HEAD) if path.exists() else ""
    new = Key(secret=secrets.token_bytes(_BYTES))
    text = f"{_HEAD}# {new.id}, made on {now:%Y-%m-%d}:\n{_written(new)}\n{old}"
    part = path.with_name(f".{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        give(part)
        make_durable(part)
        part.replace(path)
        make_durable(path.parent)
    except OSError as error:
        raise BadConfig(f"The key cannot be written to {path}: {error.strerror}.") from None
    return new


def _read_key(line: str, path: Path) -> Key:
    try:
        secret = base64.b64decode(line.removeprefix(_PREFIX), altchars=b"-_", validate=True)
    except ValueError:
        secret = b""
    if not line.startswith(_PREFIX) or len(secret) != _BYTES:  # without what it says: it may be a key
        raise BadConfig(f"A line of {path} is no key; a key begins with {_PREFIX} and has 50 characters.")
    return Key(secret=secret)


def _written(key: Key) -> str:
    return _PREFIX + base64.b64encode(key.secret, altchars=b"-_").decode()


def _bound(owner: Account | Hook, what: str) -> bytes:
    return f"postbell {_kind_of(owner)} {owner.id} {what}".encode()


def _kind_of(owner: Account | Hook) -> str:
    return "account" if isinstance(owner, Account) else "hook"
