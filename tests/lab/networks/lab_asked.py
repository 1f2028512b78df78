"""It may publish twice, and can be asked."""

from __future__ import annotations

from typing import ClassVar

from lab.dialect import Asked
from postbell.publishing.protocol import Resend


class _Network(Asked):
    key: ClassVar[str] = "lab_asked"
    resend: ClassVar[Resend] = Resend.LOOK_FIRST


network = _Network()
