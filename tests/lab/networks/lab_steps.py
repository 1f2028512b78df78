"""It publishes in two steps; it may publish twice, and can be asked."""

from __future__ import annotations

from typing import ClassVar

from lab.dialect import Stepped
from postbell.publishing.protocol import Resend


class _Network(Stepped):
    key: ClassVar[str] = "lab_steps"
    resend: ClassVar[Resend] = Resend.LOOK_FIRST


network = _Network()
