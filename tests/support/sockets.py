"""What stands at the other end of a real socket on this machine, well-behaved or not."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

# Of a machine that there is not: made for these tests, for localhost alone, good until 2126.
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBZjCCAQ2gAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyNjAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMwSB92PoFJKyzbm
t7VEf9m/EujYKw/nX6QcI2OP0Cg9AWaBw/bjpHp9AxLgoKiVi0GiAMw63c4yCKsp
UoqxEs2jTjBMMBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAPBgNVHRMBAf8E
BTADAQH/MB0GA1UdDgQWBBRg/USsVEgsZfpLLjvinw2bwslOzjAKBggqhkjOPQQD
AgNHADBEAiBSL/S0KO6MNfwM2RBw2pSCbhPfkndzQyzZWllY9uY1VAIgA8Gorgiq
YZesVqTrvxFDLG8yaX5qWnFX8tnOQkbrWI4=
-----END CERTIFICATE-----
"""
PRIVATE_KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgNPf+lh9gTYXJ3oKi
Z6iuCUl/7iLaEKvLLYu4lFqeaBahRANCAATMEgfdj6BSSss25re1RH/ZvxLo2CsP
51+kHCNjj9AoPQFmgcP246R6fQMS4KColYtBogDMOt3OMgirKVKKsRLN
-----END PRIVATE KEY-----
"""


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.splitlines()
            if line.lower().startswith(b"content-length")
        ),
        0,
    )
    return head + await reader.readexactly(length)


def answering(data: bytes) -> Handler:
    """Read the request, say `data` and close."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(data)
        await writer.drain()

    return handle


@asynccontextmanager
async def server(
    handler: Handler, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[str]:
    """Serve on a free port of this machine; gives the address."""
    tasks = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        try:
            await handler(reader, writer)
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    running = await asyncio.start_server(handle, host, 0, ssl=tls)
    port = running.sockets[0].getsockname()[1]
    try:
        yield f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
    finally:
        running.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def tls_in(folder: Path) -> tuple[ssl.SSLContext, str]:
    """Return a server's TLS, and the file that says that it can be trusted."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    certificate.write_text(CERTIFICATE)
    key.write_text(PRIVATE_KEY)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, str(certificate)
