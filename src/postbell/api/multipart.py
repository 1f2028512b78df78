"""Forms with files (RFC 7578), read as they come: nothing of a file is kept here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_string
from email.message import Message


#: The head of a part is not longer.
_LONGEST_HEAD = 8192
_LONGEST_BOUNDARY = 70  # RFC 2046, 5.1.1


class Malformed(Exception):
    """It is no form as RFC 7578 has it. The message is a sentence without its end."""


@dataclass(frozen=True, kw_only=True)
class Begin:
    """A part begins; its bytes come behind."""

    name: str
    #: What the sender calls the file; None of what is no file.
    filename: str | None


def boundary_of(content_type: str) -> bytes | None:
    """Return what stands between the parts, by a request's content type; None if that is no form."""
    told = Message()
    told["content-type"] = content_type
    boundary = told.get_param("boundary")
    if told.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        return None
    return boundary.encode() if boundary.isascii() and 0 < len(boundary) <= _LONGEST_BOUNDARY else None


class Form:
    """Cuts the bytes of a form into its parts."""

    def __init__(self, boundary: bytes) -> None:
        """Take what stands between the parts."""
        self._mark = b"\r\n--" + boundary
        self._left = bytearray(b"\r\n")  # the first boundary may stand at the very beginning
        self._read: Callable[[list[Begin | bytes]], bool] = self._before

    def feed(self, data: bytes) -> list[Begin | bytes]:
        """Take the next bytes; return what they hold: parts that begin, and bytes of the last that began.

        Raises Malformed.
        """
        self._left += data
        found: list[Begin | bytes] = []
        while self._read(found):
            pass
        return found

    def close(self) -> None:
        """Raise Malformed if it did not come to its end."""
        if self._read != self._after:
            raise Malformed("the form is cut off")

    def _before(self, _found: list[Begin | bytes]) -> bool:
        return self._body([])

    def _body(self, found: list[Begin | bytes]) -> bool:
        at = self._left.find(self._mark)
        end = at if at >= 0 else max(0, len(self._left) - len(self._mark) + 1)
        if end:
            found.append(bytes(self._left[:end]))
        del self._left[: end if at < 0 else at + len(self._mark)]
        if at >= 0:
            self._read = self._boundary
        return at >= 0

    def _boundary(self, _found: list[Begin | bytes]) -> bool:
        if len(self._left) < 2:
            return False
        behind = bytes(self._left[:2])
        if behind not in (b"--", b"\r\n"):
            raise Malformed("a boundary is followed by something else")
        self._read = self._after if behind == b"--" else self._head
        return True

    def _head(self, found: list[Begin | bytes]) -> bool:
        end = self._left.find(b"\r\n\r\n")
        if (len(self._left) if end < 0 else end) > _LONGEST_HEAD:
            raise Malformed("the head of a part is too long")
        if end < 0:
            return False
        head = message_from_string(self._left[2:end].decode("utf-8", "replace"))
        name, filename = (head.get_param(each, header="content-disposition") for each in ("name", "filename"))
        if head.get_content_disposition() != "form-data" or not isinstance(name, str):
            raise Malformed("a part has no name")
        found.append(Begin(name=name, filename=filename if isinstance(filename, str) else None))
        del self._left[: end + 4]
        self._read = self._body
        return True

    def _after(self, _found: list[Begin | bytes]) -> bool:
        self._left.clear()
        return False
