"""Who asks."""

from __future__ import annotations

import os
import pwd
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from postbell.domain.access import Key, Scope


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks, and what that opens."""

    #: Names it for good: a key, or a user of this machine.
    id: str
    scopes: frozenset[Scope]


def caller_of(key: Key) -> Caller:
    """Return who asks with a key."""
    return Caller(id=f"key:{key.id}", scopes=key.scopes)


def peer_uid(connection: socket.socket | None) -> int | None:
    """Return the number of the user at the other end of a unix socket (unix(7): SO_PEERCRED)."""
    if connection is None or connection.family != socket.AF_UNIX:
        return None
    size = struct.calcsize("3i")
    _pid, uid, _gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(uid)


def peer_caller(uid: int, users: Iterable[str]) -> Caller | None:
    """Return who asks at the unix socket, if that user needs no key: root, our own, and those of `users`."""
    named = {found for name in users if (found := _uid_of(name)) is not None}
    if uid in {0, os.geteuid()} | named:
        return Caller(id=f"user:{uid}", scopes=frozenset({Scope.ADMIN}))
    return None


def _uid_of(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None
