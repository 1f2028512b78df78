"""Encrypting what accounts keep secret in a database, with another key too, and going back."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime

from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.errors import BadConfig
from postbell.services.accounts.encrypted import kept_of
from postbell.services.accounts.vault import Vault
from postbell.services.sending.kept import keep_tokens
from postbell.services.upkeep.upkeep import locked, require_plausible
from postbell.settings import Places
from postbell.store import accounts, hooks, schema
from postbell.store.engine import Store
from postbell.store.mark import MarkFile
from postbell.store.scrub import scrub


def encrypt(places: Places, vault: Vault, *, now: datetime) -> int:
    """Encrypt with the first key what is in the clear, or encrypted with another one.

    Return of how many accounts and hooks that was. Nothing of what was there before is left in the database's
    files, even if it was encrypted already. No daemon may run. Raises DaemonRunning, BadConfig without a key,
    NoKey where what is there cannot be read, and what `scrub` raises; but for the last, nothing was changed
    then.
    """
    if not vault.keys:
        raise BadConfig(
            "No key is given. Make one with `postbell secrets new-key FILE`, then name that file: `key_file` "
            "under [secrets] in the configuration."
        )
    return _store_anew(places, vault, vault, now)


def decrypt(places: Places, vault: Vault, *, now: datetime) -> int:
    """Store everything in the clear again; as `encrypt` otherwise."""
    return _store_anew(places, vault, Vault(), now)


def _store_anew(places: Places, before: Vault, after: Vault, now: datetime) -> int:
    require_plausible(places, now)
    with locked(places):
        with closing(Store(places.database, mark=MarkFile(places.mark, by_user=True))) as store:
            schema.require_current(store)
            with store.read() as tx:
                clear = [each for each in accounts.list_accounts(tx) if not _is_current(after, each)]
                told = [each for each in hooks.list_hooks(tx) if not after.is_current(each.secret)]
            if clear or told:
                with store.write() as tx:
                    for account in clear:
                        _keep(tx, account, before, after)
                    for hook in told:
                        secret = after.encrypt(before.hook_secret(hook), hook, "secret")
                        hooks.keep_secret(tx, hook.id, secret)
        scrub(places.database)
    return len(clear) + len(told)


def _is_current(vault: Vault, account: Account) -> bool:
    return all(map(vault.is_current, kept_of(account)))


def _keep(tx: Connection, account: Account, before: Vault, after: Vault) -> None:
    credentials, session, tokens = (
        before.credentials(account),
        before.session(account),
        before.tokens(account),
    )
    stored = after.encrypt(credentials, account, "credentials")
    accounts.replace_credentials(tx, account.id, server=account.server, credentials=stored)
    accounts.save_session(tx, account.id, after.encrypt(session, account, "session"))
    keep_tokens(tx, account, after, tokens)
