"""Files to post, and files that must be refused: small, and the same bytes at every call."""

from __future__ import annotations

import base64
import hashlib
import io
import random
import struct
import zlib
from pathlib import Path
from typing import Any

from PIL import Image

from postbell.domain.media import Media, MediaKind


Colour = tuple[int, int, int]

ORANGE: Colour = (220, 120, 40)

SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"></svg>\n'
HTML = b"<!DOCTYPE html>\n<html><body><p>404: there is no such picture</p></body></html>\n"


#: As FFmpeg has made it (libx264), packed.
_ORANGE_FILM = (
    "c-muNU{FXasVvAW&d+6FU}6B#Kx~v)mTZ_?U}DI?z-*nHpI^qnz>t$$mXX4M0+?R_i3$cr1`t93MpRYkd<O=+fC-4YN{SM*f"
    "$W%)Y_OfoSWK(H&`FHF8bB-u=BlKoloSJLnbe%(5+of!b6KEznV51@G82Ieh1?W$zZ(HD8$;+3Fh@5dC8r1`Q<j;MimWmW$j"
    "|pk%uC5h1*u_No12-J24sko<$?`GcBV=SL{289C^ZeqQ9PwZISLRqV{UOtQVx)Pu(+f+1xd|DP^94q3XsR;7(9Tq2TTQz4^X"
    "{APG(Ytk(mj$h>-aIA4r-5RXH=JFmU~U$RL#tq}LR&_*P~!3V>n-L@+CSRElt8WMIp9;oPs&{rATYkY<5`#Nq;|LqJ$0siX)"
    "R%KTCg%pg%*0*(QggPFmR4^#{E7_vABYa}DoGDE~zpz>@`8mw0as5co+FH}8)0#L3BIr)ObfS3;yzz}<r^AUQPK`GF-G^GTT"
    "0!(vL!88acBF8o`g%l+g6yzX>97iT3NpYkVrGk=zQ*KIP2{@^BG%~Q&|GRJWL*x`MyHoL*@U6m}g*Uc-H_x&K%5yo+;_&SV|"
    "Nk%O07y6EJOOpZc<Y4#{iuD5"
)


def png(
    width: int = 40, height: int = 30, colour: Colour = ORANGE, *, orientation: int | None = None
) -> bytes:
    """A PNG picture; with an EXIF orientation if asked."""
    return _saved(width, height, colour, "PNG", orientation=orientation)


def jpeg(
    width: int = 40, height: int = 30, colour: Colour = ORANGE, *, orientation: int | None = None
) -> bytes:
    """A JPEG picture; with an EXIF orientation if asked."""
    return _saved(width, height, colour, "JPEG", orientation=orientation)


def webp(
    width: int = 40, height: int = 30, colour: Colour = ORANGE, *, orientation: int | None = None
) -> bytes:
    """A WebP picture; with an EXIF orientation if asked."""
    return _saved(width, height, colour, "WEBP", orientation=orientation)


def gif(width: int = 40, height: int = 30, colour: Colour = ORANGE, *, frames: int = 1) -> bytes:
    """A GIF picture that moves if it has more than one frame."""
    others = [Image.new("RGB", (width, height), (index % 256, 0, 255)) for index in range(1, frames)]
    return _saved(width, height, colour, "GIF", save_all=True, append_images=others)


def mp4(brand: bytes = b"isom") -> bytes:
    """An MP4 of three orange pictures, 40 x 30 pixels, H.264, without a sound and without notes."""
    data = zlib.decompress(base64.b85decode(_ORANGE_FILM))
    return data[:8] + brand + data[12:]


def long_mp4(size: int) -> bytes:
    """An MP4 of so many bytes, no part of which is like another; most are a box that nobody reads."""
    begin = mp4()
    rest = size - len(begin)
    assert rest >= 8
    return begin + struct.pack(">I", rest) + b"free" + random.Random(size).randbytes(rest - 8)


def mov() -> bytes:
    """The same for QuickTime."""
    return mp4(b"qt  ")


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header claims `width` x `height` pixels."""
    return _png(width, height, zlib.compress(b"\0" * 1000))


def png_bomb(width: int, height: int) -> bytes:
    """A PNG of grey pixels that are all there, packed about a thousand to one."""
    packer = zlib.compressobj(9)
    row = bytes(1 + width)
    return _png(width, height, b"".join(packer.compress(row) for _ in range(height)) + packer.flush())


def png_text_bomb(unpacked: int) -> bytes:
    """A PNG of one pixel with a packed comment of `unpacked` bytes."""
    comment = _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(unpacked), 9))
    return _png(1, 1, zlib.compress(b"\0\0"), comment)


def written(folder: Path, name: str, content: bytes) -> Path:
    """The path of a new file with that content."""
    path = folder / name
    path.write_bytes(content)
    return path


def stored(folder: Path) -> list[Path]:
    """Every file in a store, half-done ones too."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _png(width: int, height: int, packed: bytes, between: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + between + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def picture(
    folder: Path, name: str = "cat.png", alt: str = "A cat", data: bytes | None = None, **more: Any
) -> Media:
    """Write a small picture of a cat into a folder, and return it as the store has it."""
    data = data or png()
    path = folder / name
    path.write_bytes(data)
    values: dict[str, Any] = {"mime": "image/png", "width": 40, "height": 30} | more
    digest = hashlib.sha256(data).hexdigest()
    return Media(sha256=digest, kind=MediaKind.IMAGE, size=len(data), name=name, path=path, alt=alt, **values)


def _saved(
    width: int, height: int, colour: Colour, form: str, *, orientation: int | None = None, **how: Any
) -> bytes:
    if orientation is not None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        how["exif"] = exif
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, form, **how)
    return out.getvalue()
