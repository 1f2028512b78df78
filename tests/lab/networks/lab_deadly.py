"""Like lab_named, but some posts end the process: before they are sent, after that, or when looked up."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar

from lab.dialect import Named
from postbell.publishing.protocol import Absent, Outgoing, Progress, Receipt, Resend, Unknown


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http

#: How such a process ends: as by the kernel when its memory is full, without a word.
EXIT = 137


class _Network(Named):
    key: ClassVar[str] = "lab_deadly"
    resend: ClassVar[Resend] = Resend.SAFE

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        """Publish, unless the text says that the process ends before."""
        if outgoing.content.text == "deadly before":
            os._exit(EXIT)
        receipt = await super().publish(outgoing, progress, http)
        if outgoing.content.text == "deadly after":
            os._exit(EXIT)
        return receipt

    async def find(
        self, outgoing: Outgoing, progress: Progress | None, http: Http
    ) -> Receipt | Absent | Unknown:
        """Ask, unless the text says that the process ends before."""
        if outgoing.content.text == "deadly to find":
            os._exit(EXIT)
        return await super().find(outgoing, progress, http)


network = _Network()
