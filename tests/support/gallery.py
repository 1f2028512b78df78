"""Pictures of every form, mode, size and orientation, with notes in them; and how alike two are."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from PIL import Image, ImageDraw, ImageMath, ImageOps, PngImagePlugin
from pillow_heif import register_heif_opener


register_heif_opener()

#: Stands in every note of every picture.
SECRET = "The garden behind the house"

#: Formats with the modes in which their files can be.
KINDS = (
    *(("JPEG", mode) for mode in ("L", "RGB", "CMYK", "progressive", "4:4:4", "low", "comment only")),
    *(
        ("PNG", mode)
        for mode in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16", "RGBA opaque", "L see-through")
    ),
    *(("GIF", mode) for mode in ("1", "L", "P", "PA")),
    *(("WEBP", mode) for mode in ("RGB", "RGBA", "L", "lossless")),
)
#: The same of formats of which something else is made for every network.
DRAWN = (
    *(("AVIF", mode) for mode in ("RGB", "RGBA")),
    *(("HEIF", mode) for mode in ("RGB", "RGBA", "L")),
    *(("TIFF", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16")),
    *(("BMP", mode) for mode in ("1", "L", "P", "RGB")),
)
SIZES = ((1, 1), (1, 300), (333, 7), (320, 240), (641, 479), (700, 900), (1200, 800))

_XMP = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a>{SECRET}</a></x:xmpmeta>'.encode()


@dataclass(frozen=True)
class Shown:
    """A picture as a file, and as everybody should see it."""

    name: str
    mime: str
    data: bytes
    #: In colours, upright, on white where it shows through.
    seen: Image.Image


def gallery() -> Iterator[Shown]:
    """Yield 217 pictures: each kind that is sent with each orientation, the others with one."""
    turned = [(index, *KINDS[index % len(KINDS)], index // len(KINDS) + 1) for index in range(len(KINDS) * 8)]
    drawn = [(index, *kind, index % 8 + 1) for index, kind in enumerate(DRAWN)]
    for index, form, mode, orientation in (*turned, *drawn):
        yield shown(form, mode, SIZES[(index + orientation) % len(SIZES)], orientation)


def shown(form: str, mode: str, size: tuple[int, int], orientation: int = 1) -> Shown:
    """Return one picture with every note that its format can have."""
    out = io.BytesIO()
    _in_mode(motif(size), mode).save(out, form, **_HOW.get(mode, {}), **_notes(form, mode, orientation))
    seen = Image.open(io.BytesIO(out.getvalue()))
    name = f"{form} {mode} {size[0]}x{size[1]} {orientation}"
    mime = "image/heic" if form == "HEIF" else f"image/{form.lower()}"
    return Shown(name, mime, out.getvalue(), on_white(ImageOps.exif_transpose(seen)))


@cache
def motif(size: tuple[int, int]) -> Image.Image:
    """Something to look at that is not the same when it is turned or mirrored."""
    large = Image.merge(
        "RGB", (Image.linear_gradient("L"), Image.radial_gradient("L"), Image.new("L", (256, 256), 90))
    )
    draw = ImageDraw.Draw(large)
    draw.ellipse((20, 30, 90, 80), fill="orange")
    draw.polygon(((140, 20), (240, 40), (150, 110)), fill="navy")
    draw.line((0, 255, 120, 140), fill="white", width=9)
    return large.resize(size, Image.Resampling.BICUBIC)


def on_white(image: Image.Image) -> Image.Image:
    """A picture as it is seen on a white page."""
    if image.mode.startswith("I"):
        image = image.convert("I").point([value // 257 for value in range(1 << 16)], "L")
    if not image.has_transparency_data:
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


def likeness(one: Image.Image, other: Image.Image) -> float:
    """The structural similarity (SSIM) of two pictures of one size, of their brightness in windows of 8 x 8.

    Wang, Bovik, Sheikh, Simoncelli: Image Quality Assessment, IEEE Trans. Image Processing 13.4, 2004.
    """
    small = (min(8, one.width), min(8, one.height))
    x, y = (image.convert("L").convert("F") for image in (one, other))

    def mean(of: Any, **images: Image.Image) -> Image.Image:
        return ImageMath.lambda_eval(of, **images).reduce(small)  # type: ignore[no-any-return]

    mx, my = x.reduce(small), y.reduce(small)
    squares = mean(lambda at: at["x"] * at["x"], x=x), mean(lambda at: at["y"] * at["y"], y=y)
    both = mean(lambda at: at["x"] * at["y"], x=x, y=y)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

    def index(at: Any) -> Any:
        mxy, mxx, myy = at["mx"] * at["my"], at["mx"] * at["mx"], at["my"] * at["my"]
        varied = at["xx"] - mxx + at["yy"] - myy + c2
        return (mxy * 2 + c1) * ((at["xy"] - mxy) * 2 + c2) / ((mxx + myy + c1) * varied)

    found = ImageMath.lambda_eval(index, mx=mx, my=my, xx=squares[0], yy=squares[1], xy=both)
    value = found.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    assert isinstance(value, float)
    return value


def notes_in(data: bytes) -> list[str]:
    """Which notes are in a picture: by what is read of it, and by its bytes."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        found = [
            key for key in ("exif", "xmp", "XML:com.adobe.xmp", "comment", "Comment") if key in image.info
        ]
        found += ["exif"] if image.getexif() else []
    return found + [word for word in (SECRET, "Exif\0", "eXIf", "ns.adobe.com") if word.encode() in data]


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    if mode in ("RGB", "L", "1", "P", "CMYK"):
        return image.convert(mode)
    if mode == "I;16":
        return image.convert("I").point(lambda value: value * 257, "I").convert("I;16")
    if mode in ("LA", "PA", "RGBA", "RGBA opaque"):
        colours = image.convert("RGBA")
        if mode != "RGBA opaque":
            colours.putalpha(ImageOps.invert(Image.radial_gradient("L")).resize(image.size))
        return {"LA": colours.convert("LA"), "PA": colours.quantize(64)}.get(mode, colours)
    return image.convert("L") if mode == "L see-through" else image.copy()


#: What tells Pillow how to write some of the kinds.
_HOW: dict[str, dict[str, Any]] = {
    "progressive": {"progressive": True},
    "4:4:4": {"subsampling": "4:4:4", "quality": 95},
    "low": {"quality": 40},
    "lossless": {"lossless": True},
    "L see-through": {"transparency": 90},
}


def _notes(form: str, mode: str, orientation: int) -> dict[str, Any]:
    """Return how Pillow writes a picture with notes in every place that there is."""
    if form == "GIF":
        return {"comment": SECRET}
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = orientation, SECRET
    exif.get_ifd(0x8825)[29] = SECRET  # GPSDateStamp: a place goes with it
    if form == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", SECRET)
        text.add_itxt("XML:com.adobe.xmp", _XMP.decode())
        return {"exif": exif, "pnginfo": text, "dpi": (72, 72)}
    if form == "BMP":
        return {}
    if form == "TIFF":
        return {"exif": exif, "description": SECRET, "software": SECRET}
    if mode == "comment only":
        return {"comment": SECRET}
    # HEIF is given bytes, so that it turns the picture by its own means, as telephones do.
    noted: dict[str, Any] = {"exif": exif.tobytes() if form == "HEIF" else exif, "xmp": _XMP}
    more: dict[str, dict[str, Any]] = {"JPEG": {"comment": SECRET}, "HEIF": {"quality": 95}}
    return noted | more.get(form, {})
