"""The real Bluesky PDS with a did:plc directory, both on 127.0.0.1 with fresh data."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from support import servers
from support.children import ServerFailed, child, free_port


# Both servers give a bare port to listen(), which means every interface of the machine.
_LOOPBACK = """\
'use strict'
const { Server } = require('node:net')
const { listen } = Server.prototype
Server.prototype.listen = function (where, ...rest) {
  const bare = typeof where === 'number' || typeof where === 'string' && /^[0-9]+$/.test(where)
  if (!bare) return listen.call(this, where, ...rest)
  const callbacks = rest.filter((it) => typeof it === 'function')
  return listen.call(this, { port: Number(where), host: '127.0.0.1' }, ...callbacks)
}
"""
_START_PDS = "import { PDS } from '@atproto/pds'; await PDS.run({})"


class Account(NamedTuple):
    """An account on the PDS that may post with its app password."""

    did: str
    handle: str
    app_password: str


@dataclass(frozen=True, kw_only=True)
class Pds:
    """A running PDS, and what its public interface says about what was posted there."""

    url: str
    #: The directory in which the accounts' identities are registered.
    plc_url: str

    def create_account(self, handle: str) -> Account:
        """Make an account with an app password; `alice` becomes alice.test."""
        handle = handle if "." in handle else f"{handle}.test"
        password = secrets.token_hex(8)
        made = self._call(
            "com.atproto.server.createAccount",
            body={"handle": handle, "email": f"{handle}@example.com", "password": password},
        )
        app = self._call(
            "com.atproto.server.createAppPassword", body={"name": "postbell"}, token=made["accessJwt"]
        )
        return Account(made["did"], handle, app["password"])

    def login(self, account: Account) -> str:
        """Return an access token that was got with the app password."""
        body = {"identifier": account.handle, "password": account.app_password}
        return str(self._call("com.atproto.server.createSession", body=body)["accessJwt"])

    def get_record(
        self, did: str, rkey: str, collection: str = "app.bsky.feed.post"
    ) -> dict[str, Any] | None:
        """Return one record with its uri, cid and value, or None where there is none."""
        params = {"repo": did, "collection": collection, "rkey": rkey}
        answer = self._get("com.atproto.repo.getRecord", params)
        if answer.status_code == 400 and answer.json().get("error") == "RecordNotFound":
            return None
        return dict(_ok(answer).json())

    def list_records(self, did: str) -> list[dict[str, Any]]:
        """Return the account's posts, the highest record key first, at most a hundred."""
        params = {"repo": did, "collection": "app.bsky.feed.post", "limit": "100"}
        return list(_ok(self._get("com.atproto.repo.listRecords", params)).json()["records"])

    def get_blob(self, did: str, cid: str) -> bytes:
        """Return the bytes of a stored picture."""
        return _ok(self._get("com.atproto.sync.getBlob", {"did": did, "cid": cid})).content

    def call(self, method: str, body: dict[str, Any], token: str) -> dict[str, Any]:
        """Call a procedure of the PDS as an account, and return its answer."""
        return self._call(method, body=body, token=token)

    def _call(self, method: str, *, body: dict[str, Any], token: str | None = None) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        with httpx.Client(trust_env=False, timeout=30) as client:
            return dict(_ok(client.post(f"{self.url}/xrpc/{method}", json=body, headers=headers)).json())

    def _get(self, method: str, params: dict[str, str]) -> httpx.Response:
        with httpx.Client(trust_env=False, timeout=30) as client:
            return client.get(f"{self.url}/xrpc/{method}", params=params)


#: better-sqlite3 aborts Node 24 when the garbage collector meets a statement that nobody uses any more, which
#: it does in a server that was idle for a minute. Tests are over before their garbage needs collecting.
_NO_COLLECTION = ("--no-memory-reducer", "--min-semi-space-size=256", "--max-semi-space-size=256")


@contextmanager
def pds_server(folder: Path, *, limited: bool = False) -> Iterator[Pds]:
    """Run a PDS and its did:plc directory with fresh data and their logs in `folder`, on free ports.

    Its own rate limiter is on if it shall be `limited`.
    """
    servers.check_pds()
    loopback = folder / "loopback.cjs"
    loopback.write_text(_LOOPBACK)
    plc, pds = free_port(), free_port()
    node: list[str | Path] = [servers.node(), *_NO_COLLECTION, "--require", loopback]
    with ExitStack() as stack:
        stack.enter_context(
            child(
                [*node, servers.pds_home() / "node_modules/@did-plc/server/dist/bin.js"],
                folder / "plc.log",
                env={"PORT": str(plc), "LOG_ENABLED": "0"},
                ready=lambda: _answers(f"http://127.0.0.1:{plc}/_health"),
            )
        )
        stack.enter_context(
            child(
                [*node, "--input-type=module", "--eval", _START_PDS],
                folder / "pds.log",
                env=_environment(folder, plc=plc, pds=pds)
                | ({"PDS_RATE_LIMITS_ENABLED": "1"} if limited else {}),
                cwd=servers.pds_home(),  # where the code given above finds its packages
                ready=lambda: _answers(f"http://127.0.0.1:{pds}/xrpc/_health"),
            )
        )
        yield Pds(url=f"http://127.0.0.1:{pds}", plc_url=f"http://127.0.0.1:{plc}")


def _environment(folder: Path, *, plc: int, pds: int) -> dict[str, str]:
    blobs, temporary = folder / "data/blobs", folder / "data/tmp"
    blobs.mkdir(parents=True)
    temporary.mkdir()
    return {
        "PDS_PORT": str(pds),
        "PDS_HOSTNAME": "localhost",  # makes handles end in .test
        "PDS_DEV_MODE": "1",
        "PDS_INVITE_REQUIRED": "0",
        "PDS_DID_PLC_URL": f"http://127.0.0.1:{plc}",
        "PDS_DATA_DIRECTORY": str(folder / "data"),
        "PDS_BLOBSTORE_DISK_LOCATION": str(blobs),
        "PDS_BLOBSTORE_DISK_TMP_LOCATION": str(temporary),
        "PDS_JWT_SECRET": secrets.token_hex(16),
        "PDS_DPOP_SECRET": secrets.token_hex(32),
        "PDS_ADMIN_PASSWORD": secrets.token_hex(16),
        "PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX": secrets.token_hex(32),
        "LOG_ENABLED": "0",
    }


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=5).is_success
    except httpx.TransportError:
        return False


def _ok(answer: httpx.Response) -> httpx.Response:
    if not answer.is_success:
        raise ServerFailed(f"{answer.request.url} answered {answer.status_code}: {answer.text[:500]}")
    return answer
