"""It may publish twice, and cannot be asked."""

from __future__ import annotations

from typing import ClassVar

from lab.dialect import LabNetwork
from postbell.publishing.protocol import Resend


class _Network(LabNetwork):
    key: ClassVar[str] = "lab_blind"
    resend: ClassVar[Resend] = Resend.NEVER


network = _Network()
