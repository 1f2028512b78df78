"""Files and addresses that somebody may send who means no good, each with what is told of it."""

from __future__ import annotations

import gzip
import io
import socketserver
import struct
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from support import pictures
from support.sounds import PDF, archive


BROKEN, TOO_MANY, UNKNOWN = "broken or cut off", "more than 120,000,000 pixels", "Postbell takes JPEG"


def _zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(20_000_000))
    return out.getvalue()


def _jpeg_claiming(width: int, height: int) -> bytes:
    """A JPEG whose frame header claims another size (ITU-T T.81, B.2.2)."""
    data = bytearray(pictures.jpeg())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def _gif_claiming(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + pictures.gif()[10:]


def _box(brand: bytes) -> bytes:
    return struct.pack(">I", 24) + b"ftyp" + brand + bytes(4) + brand + b"mif1" + bytes(200)


PNG = pictures.png()

#: Files that are uploaded.
FILES: Mapping[str, tuple[bytes, str]] = {
    "nothing": (b"", "it is empty"),
    "HTML": (pictures.HTML, "it is an HTML page"),
    "HTML in UTF-16": (b"\xff\xfe" + "<html><script>alert(1)</script>".encode("utf-16-le"), "HTML page"),
    "a script": (b"<script>alert(1)</script>", "it is an HTML page"),
    "SVG": (pictures.SVG, "it is an SVG drawing"),
    "SVG without a head": (b'<svg onload="alert(1)"/>', "it is an SVG drawing"),
    "XML that asks for a file": (
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
        "text file",
    ),
    "a shell script": (b"#!/bin/sh\nrm -rf /\n", "it is a text file"),
    "PHP": (b"<?php system($_GET['x']); ?>", "it is a text file"),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(500), UNKNOWN),
    "a program for Windows": (b"MZ\x90\0\x03" + bytes(500), UNKNOWN),
    "an archive": (b"PK\x03\x04" + bytes(500), BROKEN),
    "an archive that unpacks to much": (_zip_bomb(), "would come out of"),
    "packed zeros": (gzip.compress(bytes(10_000_000)), UNKNOWN),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(200), BROKEN),
    "PDF with an archive behind it": (PDF + archive(), "something else behind its end"),
    "archive with a page behind it": (archive() + pictures.HTML, "something else behind its end"),
    "PostScript": (b"%!PS-Adobe-3.0\n(/etc/passwd) run\n", "it is a text file"),
    "TIFF": (b"II*\0\x08\0\0\0" + bytes(200), BROKEN),
    "BMP": (b"BM" + struct.pack("<IHHI", 500, 0, 0, 54) + bytes(480), BROKEN),
    "PSD": (b"8BPS\0\x01" + bytes(300), UNKNOWN),
    "ICO": (b"\0\0\x01\0\x01\0" + bytes(300), UNKNOWN),
    "HEIC": (_box(b"heic"), BROKEN),
    "AVIF": (_box(b"avif"), BROKEN),
    "sound": (_box(b"M4A "), BROKEN),
    "MP3": (b"ID3\x04\0\0\0\0\0\0" + bytes(300), BROKEN),
    "Matroska": (b"\x1aE\xdf\xa3\x01\0\0\0\0\0\0\x1f" + bytes(300), UNKNOWN),
    "noise": (bytes(range(7, 256)) * 4, "its type is unknown"),
    "only the begin of PNG": (PNG[:8], BROKEN),
    "only the begin of JPEG": (b"\xff\xd8\xff", BROKEN),
    "only the begin of GIF": (b"GIF89a", BROKEN),
    "only the begin of WebP": (b"RIFF\x04\0\0\0WEBP", BROKEN),
    "GIF that is a page": (b"GIF89a" + pictures.HTML, BROKEN),
    "GIF that is a script": (b"GIF89a/*\xff\xff\xff*/=1;alert(1)//", BROKEN),
    "JPEG that is PHP": (b"\xff\xd8\xff\xfe\0\x1e<?php system($_GET[0]); ?>", BROKEN),
    "PNG cut off": (pictures.png(400, 300)[:300], BROKEN),
    "JPEG cut off": (pictures.jpeg(400, 300)[:400], BROKEN),
    "WebP cut off": (pictures.webp(400, 300)[:60], BROKEN),
    "GIF cut off": (pictures.gif(400, 300)[:60], BROKEN),
    "PNG of no size": (pictures.png_claiming(0, 0), BROKEN),
    "PNG that lacks its pixels": (pictures.png_claiming(9_000, 9_000), BROKEN),
    "PNG whose check fails": (PNG[:20] + b"\x01" + PNG[21:], BROKEN),
    "PNG of too many pixels": (pictures.png_claiming(100_000, 100_000), TOO_MANY),
    "PNG of the most that can be said": (pictures.png_claiming(2**31 - 1, 2**31 - 1), ""),
    "PNG bomb": (pictures.png_bomb(11_000, 11_000), TOO_MANY),
    "PNG whose comment is a bomb": (pictures.png_text_bomb(100_000_000), BROKEN),
    "JPEG of too many pixels": (_jpeg_claiming(65_535, 65_535), TOO_MANY),
    "GIF of too many pixels": (_gif_claiming(65_535, 65_535), TOO_MANY),
}

#: Addresses that are refused when they are asked for.
ADDRESSES = (
    "file:///etc/passwd",
    "ftp://files.example/cat.png",
    "gopher://127.0.0.1:6379/_INFO",
    "data:image/png;base64,AAAA",
    "http://alice:secret@files.example/cat.png",
    "http://files.example\\@127.0.0.1/cat.png",
    "http://0x7f.1/cat.png",
    "http://0x7f000001/cat.png",
    "http://2130706433/cat.png",
    "http://0177.0.0.1/cat.png",
    "http://127.1/cat.png",
    "http://files.example:0/cat.png",
    "http://xn--a.invalid/cat.png",
    "http://",
)

#: What is told of those.
NOT_PUBLIC = "not on the public internet"
#: Addresses that lead where only this machine shall go; where they are refused when they are fetched.
INSIDE = (
    "http://127.0.0.2/cat.png",
    "http://localhost/cat.png",
    "http://[::1]/cat.png",
    "http://[::]/cat.png",
    "http://[::ffff:127.0.0.2]/cat.png",
    "http://[::ffff:7f00:2]/cat.png",
    "http://[64:ff9b::7f00:2]/cat.png",
    "http://[2002:7f00:2::]/cat.png",
    "http://[fe80::1]/cat.png",
    "http://[fd00::1]/cat.png",
    "http://0.0.0.0/cat.png",
    "http://10.0.0.1/cat.png",
    "http://100.64.0.1/cat.png",
    "http://169.254.169.254/latest/meta-data/",
    "http://192.168.0.1/cat.png",
    "http://224.0.0.1/cat.png",
)


def _said(body: bytes, kind: str = "image/png", more: str = "", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n"
    return f"{head}Connection: close\r\n{more}\r\n".encode() + body


def _leads_to(url: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


#: What a server answers at a path, and what is told of that.
ANSWERS: Mapping[str, tuple[bytes, str]] = {
    "/page": (_said(pictures.HTML, "text/html"), "It is text/html"),
    "/svg": (_said(pictures.SVG, "image/svg+xml"), "It is image/svg+xml"),
    "/page.png": (_said(pictures.HTML), "It is an HTML page"),
    "/missing": (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "answered 404"),
    "/short": (_said(PNG, length=len(PNG) + 100), "It could not be read"),
    "/cut": (_said(pictures.png(400, 300)[:300]), BROKEN),
    "/bomb.png": (_said(pictures.png_bomb(11_000, 11_000)), TOO_MANY),
    "/packed": (_said(gzip.compress(PNG + bytes(200_000_000)), more="Content-Encoding: gzip\r\n"), "at most"),
    "/badly-packed": (_said(b"nonsense", more="Content-Encoding: gzip\r\n"), "It could not be read"),
    "/nonsense": (b"nonsense\r\n\r\n", "It could not be read"),
    "/long-head": (_said(PNG, more="X: " + "x" * 200_000 + "\r\n"), "It could not be read"),
    "/round": (_leads_to("/round"), "more than 5 times"),
    "/to-inside": (_leads_to("http://127.0.0.2/"), "127.0.0.2"),
    "/to-metadata": (_leads_to("http://169.254.169.254/"), "169.254.169.254"),
    "/to-odd": (_leads_to("http://0x7f.1/"), "0x7f.1"),
    "/to-6": (_leads_to("http://[::ffff:127.0.0.2]/"), ""),
    "/to-file": (_leads_to("file:///etc/passwd"), "http:// or https://"),
    "/to-nothing": (_leads_to("http://["), "names no host"),
}


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        path = self.rfile.readline().split(b" ")[1].decode()
        while self.rfile.readline().strip():
            pass
        self.wfile.write(_said(PNG) if path == "/cat.png" else ANSWERS[path][0])


@contextmanager
def hostile_server() -> Iterator[str]:
    """Answer as ANSWERS says, and with a good picture at /cat.png; gives the place: `127.0.0.1:1234`."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
