"""Signatures as Standard Webhooks has them: HMAC-SHA256 over id, timestamp and the exact bytes of the body.

github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets


#: How a secret begins that is written in base64.
PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> str:
    """Return a secret of 256 random bits."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def signature(secret: str, *, name: str, seconds: str, body: bytes) -> str:
    """Return what a request with this id, timestamp and body is signed with."""
    mac = hmac.digest(key_of(secret), f"{name}.{seconds}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(mac).decode()}"


def key_of(secret: str) -> bytes:
    """Return the bytes that sign; empty if the secret is of no use."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        return b""
