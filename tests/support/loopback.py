"""No test, and no Python process that a test starts, reaches another machine."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any


#: Where this variable is set, `sitecustomize.py` beside this package guards a Python process as it starts.
VARIABLE = "LOOPBACK_ONLY"

_TESTS = str(Path(__file__).parents[1])


class OutsideLoopback(AssertionError):
    """A test tried to reach a machine other than this one."""


def guard() -> None:
    """Refuse connections, datagrams and look-ups outside loopback in this process; files (AF_UNIX) are free.

    Names below `invalid`, and the name of this machine, are answered at once as unknown.
    """
    if getattr(socket, "_loopback_only", False):
        return
    socket._loopback_only = True  # type: ignore[attr-defined]
    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, _sending(getattr(socket.socket, name), at=-1))
    # sendmsg takes the address last too, but only where there are three arguments before it.
    socket.socket.sendmsg = _sending(socket.socket.sendmsg, at=3)  # type: ignore[method-assign]
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        setattr(socket, name, _asking(getattr(socket, name)))


def guard_children() -> None:
    """Let every Python process be guarded that this one starts with its environment."""
    os.environ[VARIABLE] = "1"
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != _TESTS]
    os.environ["PYTHONPATH"] = os.pathsep.join([_TESTS, *others])


def _sending(real: Callable[..., Any], *, at: int) -> Callable[..., Any]:
    def call(self: socket.socket, *arguments: Any) -> Any:
        address = arguments[at] if at < len(arguments) else None
        if address is not None and self.family in (socket.AF_INET, socket.AF_INET6):
            _check(address[0])
        return real(self, *arguments)

    return call


def _asking(real: Callable[..., Any]) -> Callable[..., Any]:
    def look_up(host: Any, *arguments: Any, **more: Any) -> Any:
        _check(host or "")
        return real(host, *arguments, **more)

    return look_up


def _check(host: object) -> None:
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name.endswith(".invalid"):  # RFC 6761: never resolves, so nobody need be asked
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    try:
        inside = name in ("", "localhost") or ipaddress.ip_address(name).is_loopback
    except ValueError:
        inside = False
    if not inside and name == socket.gethostname():  # who greets a mail server asks for its own full name
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    if not inside:
        raise OutsideLoopback(f"a test tried to reach {name}: only addresses of this machine are allowed")
