"""What shows a picture, told from what is only noted in its file."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from postbell.services.media._picture_parts import shown_parts
from support import pictures
from support.gallery import KINDS, notes_in, shown


def parts(data: bytes, mime: str) -> bytes:
    return b"".join(shown_parts(memoryview(data), mime))


FILES = {
    "image/jpeg": pictures.jpeg(),
    "image/png": pictures.png(),
    "image/gif": pictures.gif(frames=3),
    "image/webp": pictures.webp(),
}


@pytest.mark.parametrize("mime", FILES)
def test_of_a_file_without_notes_everything_is_shown(mime: str) -> None:
    assert parts(FILES[mime], mime) == FILES[mime]


@pytest.mark.parametrize("mime", FILES)
def test_what_is_hung_on_behind_a_picture_goes(mime: str) -> None:
    assert parts(FILES[mime] + b"a film", mime) == FILES[mime]


@pytest.mark.parametrize("mime", FILES)
def test_a_file_that_is_cut_off_anywhere_is_never_taken_for_a_whole_one(mime: str) -> None:
    data = FILES[mime]
    for end in range(14, len(data) - 1):  # the last byte of a GIF says nothing but that it ends
        try:
            found = parts(data[:end], mime)
        except ValueError:
            continue
        assert found != data


@pytest.mark.parametrize(("form", "mode"), KINDS)
def test_no_note_is_shown(form: str, mode: str) -> None:
    picture = shown(form, mode, (64, 48))
    assert notes_in(picture.data)
    assert notes_in(parts(picture.data, picture.mime)) == []


def test_the_small_copy_in_the_head_of_a_jpeg_goes() -> None:
    small = struct.pack(">2sH5s7s2B", b"\xff\xe0", 16 + 12, b"JFIF\0", b"\1\1\0\0\1\0\1", 2, 2) + bytes(12)
    data = FILES["image/jpeg"]
    assert parts(data[:2] + small + data[20:], "image/jpeg") == data


def test_bytes_that_only_fill_a_jpeg_up_go() -> None:
    data = FILES["image/jpeg"]
    assert parts(data[:2] + b"\xff\xff" + data[2:], "image/jpeg") == data


def test_a_jpeg_in_many_scans_stays_whole() -> None:
    out = io.BytesIO()
    Image.radial_gradient("L").save(out, "JPEG", progressive=True, restart_marker_blocks=3)
    assert parts(out.getvalue(), "image/jpeg") == out.getvalue()


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (b"\xff\xd8no marker", "image/jpeg"),
        (b"\xff\xd8\xff\xe0\0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 99, b"IDAT"), "image/png"),
        (b"GIF89a" + bytes(7) + b"?", "image/gif"),
        (b"RIFF" + struct.pack("<I", 99) + b"WEBPVP8 " + struct.pack("<I", 99), "image/webp"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_told(data: bytes, mime: str) -> None:
    with pytest.raises(ValueError, match=r"marker|early|cut off|block"):
        parts(data, mime)


def test_a_gif_that_lacks_its_end_is_given_one() -> None:
    assert parts(FILES["image/gif"][:-1], "image/gif") == FILES["image/gif"]
