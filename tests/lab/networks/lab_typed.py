"""Like lab_signed, but that it shows a code to the person and sends the browser nowhere."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from lab.networks.lab_signed import network as signed
from postbell.publishing.web.oauth1 import OUT_OF_BAND, OAuth1


class _Network(type(signed)):  # type: ignore[misc]
    key: ClassVar[str] = "lab_typed"
    oauth: ClassVar[OAuth1] = replace(signed.oauth, redirect=OUT_OF_BAND)


network = _Network()
