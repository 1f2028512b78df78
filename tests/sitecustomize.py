"""Python imports this as it starts: the children of the tests reach no other machine either."""

from __future__ import annotations

import os


if os.environ.get("LOOPBACK_ONLY"):  # set by the tests alone; see support/loopback.py
    from support.loopback import guard

    guard()
