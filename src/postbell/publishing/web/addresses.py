"""Where secrets may be sent."""

from __future__ import annotations

import re


_SAFE = re.compile(r"https://[^/?#@\s]+(/[^\s]*)?|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/[^\s]*)?")


def keeps_secrets(address: str) -> bool:
    """Whether a password may be sent there: by https, or by http if it does not leave the machine."""
    return _SAFE.fullmatch(address) is not None
