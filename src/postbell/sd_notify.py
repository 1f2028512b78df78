"""Telling systemd how the daemon is, by the protocol of sd_notify(3)."""

from __future__ import annotations

import socket
from contextlib import suppress


class Notifier:
    """Sends to systemd's socket; does nothing where there is none."""

    def __init__(self, address: str | None) -> None:
        # An address that begins with @ lies in the abstract namespace, whose names begin with a zero byte.
        self._address = "\0" + address[1:] if address and address.startswith("@") else address

    def tell(self, **states: str) -> None:
        """Send states, READY="1" for one."""
        if self._address is None:
            return
        message = "\n".join(f"{name}={value}" for name, value in states.items())
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        with sender, suppress(OSError):  # posts go out whether systemd listens or not
            sender.sendto(message.encode(), self._address)
