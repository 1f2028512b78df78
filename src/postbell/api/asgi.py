"""The words of ASGI (asgi.readthedocs.io): what servers and applications say to each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any


Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
