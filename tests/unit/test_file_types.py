from __future__ import annotations

import sys

import pytest

from postbell.domain.media import STORED
from postbell.errors import Invalid
from postbell.services.media.file_types import HEAD, TYPES, recognise
from support import pictures
from support.gallery import shown
from support.sounds import of_type


def refusal(content: bytes, name: str) -> str:
    with pytest.raises(Invalid) as caught:
        recognise(content[:HEAD], name)
    (problem,) = caught.value.problems
    assert problem.where == f"media {name}"
    return problem.message


def test_what_is_taken_is_what_is_stored() -> None:
    assert set(TYPES) == set(STORED)


@pytest.mark.parametrize("mime", TYPES)
def test_every_type_is_taken_under_each_of_its_endings_and_under_none(mime: str) -> None:
    content = {
        "image/jpeg": pictures.jpeg(),
        "image/png": pictures.png(),
        "image/webp": pictures.webp(),
        "image/gif": pictures.gif(),
        **{f"image/{form.lower()}": shown(form, "RGB", (40, 30)).data for form in ("AVIF", "TIFF", "BMP")},
        "image/heic": shown("HEIF", "RGB", (40, 30)).data,
        "video/mp4": pictures.mp4(),
        "video/quicktime": pictures.mov(),
        **{other: of_type(other) for other in TYPES if other.startswith(("audio/", "application/", "text/"))},
    }[mime]
    for name in (
        "a",
        "a.b" + TYPES[mime].suffixes[0],
        *(f"A{suffix.upper()}" for suffix in TYPES[mime].suffixes),
    ):
        assert recognise(content, name) is TYPES[mime]


def test_a_text_whose_last_character_is_cut_off_by_the_head_is_still_a_text() -> None:
    assert refusal(("x" * (HEAD - 1) + "é").encode(), "a.png").startswith("it is a text file")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jpg", pictures.png(), "it is a PNG picture, but its name ends in .jpg; rename it to a.png."),
        (
            "b.c.PNG",
            pictures.jpeg(),
            "it is a JPEG picture, but its name ends in .PNG; rename it to b.c.jpg.",
        ),
        ("a.mp4", pictures.mov(), "it is a QuickTime video, but its name ends in .mp4; rename it to a.mov."),
        ("a.txt", pictures.webp(), "it is a WebP picture, but its name ends in .txt; rename it to a.webp."),
    ],
)
def test_a_name_that_promises_another_type_is_refused_with_the_right_name(
    name: str, content: bytes, message: str
) -> None:
    assert refusal(content, name) == message


TAKEN = (
    "Postbell takes JPEG, PNG, WebP, GIF, AVIF, HEIC, TIFF, BMP, MP4, MOV, MP3, M4A, Ogg, FLAC, WAV, PDF, "
    "ZIP and WebVTT."
)
NO_PICTURE = "it is an HTML page, not a picture; open the page in a browser and save the picture itself."
NO_SVG = "it is an SVG drawing, which can carry scripts and is not taken. Save it as PNG."


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jpg", pictures.HTML, NO_PICTURE),
        ("a.jpg", b"\xef\xbb\xbf \n<html><svg></svg></html>", NO_PICTURE),
        ("a.jpg", "\ufeff<!doctype html>".encode("utf-16-le"), NO_PICTURE),
        ("a.svg", pictures.SVG, NO_SVG),
        ("a.png", pictures.SVG, NO_SVG),
        ("a.png", b"good morning\n", f"it is a text file, not a picture or a video. {TAKEN}"),
        (
            "a.rar",
            b"Rar!\x1a\x07\x01\0" + bytes(60),
            f"it looks like application/vnd.rar, which is not taken. {TAKEN}",
        ),
        (
            "a.jpg",
            b"PK\x03\x04" + bytes(40),
            "it is a ZIP archive or an office document, but its name ends in .jpg; rename it to a.zip.",
        ),
        (
            "a.ico",
            b"\0\0\x01\0\x01\0" + bytes(60),
            f"it looks like image/x-icon, which is not taken. {TAKEN} Save it as JPEG or PNG.",
        ),
        (
            "a.webm",
            b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm",
            f"it looks like video/webm, which is not taken. {TAKEN} Save it as MP4.",
        ),
        (
            "a.mov",
            b"\0\0\0\x20moov" + bytes(40),
            "it resembles a QuickTime video, but does not begin as one does; export it again.",
        ),
        ("a.exe", b"MZ" + bytes(60), f"its type is unknown. {TAKEN}"),
        ("a.bin", bytes([0x91, 7, 9, 200, 33, 1, 2, 3, 0, 255] * 10), f"its type is unknown. {TAKEN}"),
    ],
)
def test_what_is_neither_picture_nor_video_is_refused_by_what_it_is(
    name: str, content: bytes, message: str
) -> None:
    assert refusal(content, name) == message


def test_a_picture_of_a_telephone_that_says_no_more_than_that_it_is_one_is_known() -> None:
    data = shown("HEIF", "RGB", (40, 30)).data
    assert data[8:12] == b"heic"
    general = data[:8] + b"mif1" + data[12:16] + b"heic" + data[20:]
    assert recognise(general, "a.heic").mime == "image/heic"


def test_without_what_opens_it_a_picture_of_a_telephone_is_refused_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    data = shown("HEIF", "RGB", (40, 30)).data
    assert refusal(data, "a.heic").endswith("Save it as JPEG, or install `postbell[heic]`.")
