"""`postbell secrets`.

With `--json` each command prints one object:

    show      {encrypted: {key: [account]}, clear: [account], keys: [key], key_file, clear_copies: [path]};
              keys are the ids of those that are given, the first one encrypts
    new-key   {key, key_file}
    encrypt   {accounts, clear_copies: [path]}; accounts is of how many accounts and hooks it was done
    rotate    {key, key_file, accounts, clear_copies: [path]}
    decrypt   {accounts}
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from postbell.cli.common import SentenceGroup, State, json_option, pass_state
from postbell.errors import Invalid, Problem


if TYPE_CHECKING:
    from postbell.services.accounts.vault import Key, Vault


@click.group(cls=SentenceGroup)
@json_option
def secrets() -> None:
    """Encrypt what accounts and hooks keep secret in the database.

    First `new-key FILE`; then name that file in the configuration, `key_file` under [secrets]; then
    `encrypt`.
    """


@secrets.command()
@pass_state
def show(state: State) -> None:
    """Show whether the secrets of accounts are encrypted, and with which keys."""
    from postbell.services.accounts.accounts import list_accounts
    from postbell.services.accounts.encrypted import clear_copies, encryption_of
    from postbell.services.telling.hooks import list_hooks

    app = state.open_app()
    vault, found = app.ctx.vault, encryption_of(list_accounts(app.ctx), list_hooks(app.ctx))
    copies, keys = clear_copies(state.places), [key.id for key in vault.keys]
    if state.json:
        state.emit(
            {
                "encrypted": {key: list(names) for key, names in found.encrypted.items()},
                "clear": list(found.clear),
                "keys": keys,
                "key_file": str(vault.path) if vault.path else None,
                "clear_copies": [str(path) for path in copies],
            }
        )
        return
    state.fields(
        [
            ("keys", f"{', '.join(keys)} in {vault.path}" if vault.path else "none given"),
            *((f"encrypted with {key}", ", ".join(names)) for key, names in found.encrypted.items()),
            ("in the clear", ", ".join(found.clear)),
            ("copies in the clear", "\n".join(map(str, copies))),
        ]
    )


@secrets.command("new-key")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@pass_state
def new_key(state: State, *, file: Path | None) -> None:
    """Make a key: in FILE, or in the one that the configuration names.

    A file that is there keeps its keys behind the new one: older backups need them.
    """
    state.require_here()  # before there is a file that another machine knows nothing of
    key, path = _make_key(state, file)
    if state.json:
        state.emit({"key": key.id, "key_file": str(path)})
        return
    state.say(f"Made key {key.id} in {path}.")
    state.note("keep a copy of that file, but not where backups are; without it accounts need new secrets.")
    if _vault(state).path != path:
        state.note(f'under [secrets] in {state.places.config} say: key_file = "{path}"')
    state.note("then stop the daemon, `postbell secrets encrypt`, and start it again.")


@secrets.command()
@pass_state
def encrypt(state: State) -> None:
    """Encrypt with the first key what is in the clear, or encrypted with another.

    The daemon must not run. Nothing of what was in the clear is left in the database.
    """
    from postbell.clock import SystemClock
    from postbell.services.accounts import encrypted, encryption

    count = encryption.encrypt(state.places, _vault(state), now=SystemClock().now())
    copies = encrypted.clear_copies(state.places)
    if state.json:
        state.emit({"accounts": count, "clear_copies": [str(path) for path in copies]})
    _tell_encrypted(state, count, copies)


@secrets.command()
@pass_state
def rotate(state: State) -> None:
    """Make a new key in the file of keys, and encrypt everything with it.

    The daemon must not run. The old keys stay in the file, for older backups.
    """
    from postbell.clock import SystemClock
    from postbell.services.accounts import encrypted, encryption
    from postbell.services.upkeep import upkeep

    with upkeep.locked(state.places):  # before there is a key that a daemon does not know
        key, path = _make_key(state, None)
    count = encryption.encrypt(state.places, _vault(state), now=SystemClock().now())
    copies = encrypted.clear_copies(state.places)
    if state.json:
        shown = {"key": key.id, "key_file": str(path), "accounts": count}
        state.emit({**shown, "clear_copies": [str(path) for path in copies]})
    state.say(f"Made key {key.id} in {path}.")
    _tell_encrypted(state, count, copies)


@secrets.command()
@click.option("-y", "--yes", is_flag=True, help="Do not ask first.")
@pass_state
def decrypt(state: State, *, yes: bool) -> None:
    """Store the secrets of accounts in the clear again.

    The daemon must not run. Take the key out of the configuration afterwards: with one, whatever is stored
    later is encrypted.
    """
    from postbell.clock import SystemClock
    from postbell.services.accounts import encryption

    if not yes:
        state.confirm("Store the secrets of all accounts and hooks in the clear?")
    count = encryption.decrypt(state.places, _vault(state), now=SystemClock().now())
    if state.json:
        state.emit({"accounts": count})
    state.say(f"Decrypted the secrets of {_accounts(count)}.")
    state.note(
        f"now take `key_file` out of {state.places.config}, and keep the file of keys for older backups."
    )


def _vault(state: State) -> Vault:
    from postbell.services.accounts.vault import find_vault
    from postbell.settings import load_settings

    return find_vault(state.places, load_settings(state.places.config))


def _make_key(state: State, file: Path | None) -> tuple[Key, Path]:
    from postbell.clock import SystemClock
    from postbell.services.accounts.vault import add_key

    path = file.expanduser().absolute() if file else _vault(state).path
    if path is None:
        message = "name one: `key_file` under [secrets] in the configuration names none."
        raise Invalid([Problem(where="FILE", message=message)])
    return add_key(path, SystemClock().now()), path


def _tell_encrypted(state: State, count: int, copies: Sequence[Path]) -> None:
    if count:
        state.say(f"Encrypted the secrets of {_accounts(count)}.")
    else:
        state.say("Nothing to do: every secret is encrypted with the first key.")
    for path in copies:
        state.note(f"{path} is from before, with secrets in the clear: remove it, or change those secrets.")


def _accounts(count: int) -> str:
    return "1 account or hook" if count == 1 else f"{count} accounts and hooks"
