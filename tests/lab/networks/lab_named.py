"""A repeat is harmless, and it can be asked."""

from __future__ import annotations

from typing import ClassVar

from lab.dialect import Named
from postbell.publishing.protocol import Resend


class _Network(Named):
    key: ClassVar[str] = "lab_named"
    resend: ClassVar[Resend] = Resend.SAFE


network = _Network()
