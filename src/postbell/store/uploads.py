"""Files that come in parts, in the database."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from postbell.domain.upload import Upload
from postbell.store.tables.uploads import upload


def add_upload(tx: Connection, new: Upload) -> None:
    """Store that a file will come."""
    tx.execute(insert(upload).values(asdict(new)))


def find_upload(tx: Connection, upload_id: str, now: datetime) -> Upload | None:
    """Return an upload that has not expired."""
    wanted = select(upload).where(upload.c.id == upload_id, upload.c.expires_at > now)
    row = tx.execute(wanted).one_or_none()
    return Upload(**row._asdict()) if row else None


def list_uploads(tx: Connection, now: datetime) -> list[Upload]:
    """Return the uploads that have not expired, the newest first."""
    wanted = select(upload).where(upload.c.expires_at > now)
    rows = tx.execute(wanted.order_by(upload.c.created_at.desc(), upload.c.id))
    return [Upload(**row._asdict()) for row in rows]


def record_offset(tx: Connection, upload_id: str, offset: int, expires_at: datetime) -> bool:
    """Store how much of a file has come; return whether it is still waited for."""
    values = {"offset": offset, "expires_at": expires_at}
    return tx.execute(update(upload).where(upload.c.id == upload_id).values(values)).rowcount > 0


def record_stored(tx: Connection, upload_id: str, sha256: str) -> bool:
    """Store which file an upload became; return whether it was still waited for."""
    values = {"offset": upload.c.length, "sha256": sha256}
    return tx.execute(update(upload).where(upload.c.id == upload_id).values(values)).rowcount > 0


def forget_upload(tx: Connection, upload_id: str) -> bool:
    """Forget an upload; return whether there was one."""
    return tx.execute(delete(upload).where(upload.c.id == upload_id)).rowcount > 0


def forget_expired(tx: Connection, now: datetime) -> list[str]:
    """Forget what has expired; return the ids of what is left."""
    tx.execute(delete(upload).where(upload.c.expires_at <= now))
    return list(tx.execute(select(upload.c.id)).scalars())
