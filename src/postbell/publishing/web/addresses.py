"""Where secrets may be sent."""

from __future__ import annotations

import re


_SAFE = re.compile(r"https://[^/?#@\s]+(/[^\s]*)?|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/[^\s]*)?")
#: An address that a browser can be sent to, in the signs of RFC 3986.
_BACK = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?"
    r"(?:[/?][a-z0-9\-._~:/?\[\]@!$&'()*+,;=%]*)?",
    re.ASCII | re.IGNORECASE,
)
#: Names of this machine alone (RFC 8252, 7.3; RFC 6761, 6.3).
_HERE = ("127.0.0.1", "[::1]", "localhost")


def keeps_secrets(address: str) -> bool:
    """Whether a password may be sent there: by https, or by http if it does not leave the machine."""
    return _SAFE.fullmatch(address) is not None


def redirect_fault(address: str) -> str | None:
    """Return why no browser may be sent back to an address with a code in it; None if one may.

    It is read by whoever listens there: by https anywhere, by http on the machine of the browser alone
    (RFC 8252, 7.3 and 8.3).
    """
    if "#" in address:
        return "it holds a #: leave that out, with what follows."
    if "@" in re.split(r"[/?]", address.partition("://")[2])[0]:
        return "it holds a name or a password: leave that out."
    found = _BACK.fullmatch(address)
    if found is None or not 0 < int(found["port"] or 443) < 65536:
        return (
            "it is no address of a host, with a port from 1 to 65535 if any: https://…, or http://127.0.0.1…"
        )
    if found["scheme"].lower() == "http" and found["host"].lower() not in _HERE:
        return "a code would be sent there in the clear: take https://, or http:// with 127.0.0.1 or [::1]."
    return None
