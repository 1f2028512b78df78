"""The process in which a picture is made to fit a network: an attacked decoder takes only itself along.

It is given the picture as its standard input, and three arguments: seconds, bytes of memory, and the job in
JSON (`Job`). It answers one line of JSON, and behind it the bytes of what it has made, if it has: `{"mime":
…, "width": …, "height": …}`. `{}` says that the picture fits as it is, `{"problem": …}` why it cannot be made
to fit.
"""

from __future__ import annotations

import io
import json
import math
import mmap
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from postbell.services.media._inspect_child import FORMATS, ONE_PICTURE, careful, guard, orientation_of
from postbell.services.media._picture_parts import shown_parts


if TYPE_CHECKING:
    from PIL import Image

#: The most pixels of a picture that is drawn anew. While it is turned, it is there twice: 104 MB.
MOST_DRAWN = 13_000_000
#: A picture is converted and made smaller in bands of about so many pixels: no step holds it whole once more.
_BAND = 1 << 19
#: So many rows are made beside a band, and cut off: Lanczos looks at three in each direction.
_BESIDE = 4

#: Types that are for photos.
_PHOTOS = ("image/jpeg", "image/avif", "image/heic")
#: What can be written, the best first. JPEG cannot show through.
_WRITTEN = ("image/jpeg", "image/webp", "image/png")
_WRITTEN_WITH_ALPHA = ("image/png", "image/webp")
#: Below this one sees it; then rather fewer pixels.
_BEST, _GOOD, _FAIR, _LEAST = 90, 85, 80, 75
#: So often a picture is made smaller, each time to at most nine tenths of its width.
_ROUNDS = 40

#: How a picture is set upright, by what its file asks for (EXIF 2.32, 4.6.4).
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}

_Made = tuple[str, tuple[int, int], Sequence[bytes | memoryview]]


class CannotFit(Exception):
    """Why a picture cannot be made to fit."""


class Job(NamedTuple):
    """What a picture shall become. No dataclass: to load what makes those takes a tenth of the start."""

    #: What it is.
    mime: str
    #: The types that are taken, and the most bytes of each.
    types: Mapping[str, int]
    #: The most pixels, and the most along either side; None where any number is taken.
    pixels: int | None
    side: int | None

    def scale(self, width: int, height: int) -> float:
        """Return by how much a picture must be made smaller; 1 where it need not be."""
        by_pixels = math.sqrt((self.pixels or math.inf) / (width * height))
        return min(1.0, by_pixels, (self.side or math.inf) / max(width, height))


def fit(file: Any, job: Job) -> _Made | None:
    """Return type, size and bytes of what a picture became; None if it fits as it is. Raises CannotFit."""
    from PIL import Image

    form = FORMATS[job.mime]
    with careful(form), Image.open(file, formats=[form]) as image:
        if form == "TIFF":  # Pillow sets it upright itself while it is loaded
            image.load()
        turn = orientation_of(image)
        if turn == 1 and image.mode != "CMYK" and job.scale(*image.size) == 1:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            parts = _parts(data, job.mime)
            if 0 < (length := sum(map(len, parts))) <= job.types.get(job.mime, 0):
                return None if length == len(data) else (job.mime, image.size, parts)
        if form not in ONE_PICTURE and getattr(image, "n_frames", 1) > 1:
            raise CannotFit("it moves, and what moves is not made to fit; change it, or take a still one.")
        return _drawn(image, turn, job)


def _parts(data: memoryview, mime: str) -> list[bytes | memoryview]:
    """Return what shows the picture; nothing if the file is of no regular form, though it can be opened."""
    try:
        return shown_parts(data, mime)
    except ValueError:
        return []


def _drawn(image: Image.Image, turn: int, job: Job) -> _Made:
    """Return a picture drawn anew: upright, as large and as good as it may be."""
    from PIL import Image

    width, height = image.size
    scale, is_photo = job.scale(width, height), job.mime in _PHOTOS
    halving = next(n for n in (1, 2, 4) if width * height <= MOST_DRAWN * n * n)
    wanted = (max(1, int(width * scale)), max(1, int(height * scale)))
    # A JPEG can be opened at a half, a quarter or an eighth of its size: that costs neither time nor memory.
    image.draft(None, (min(wanted[0], max(1, width // halving)), min(wanted[1], max(1, height // halving))))
    profile: bytes = b"" if image.mode == "CMYK" else image.info.get("icc_profile") or b""
    plain = _plain(image, halving if image.size == (width, height) else 1)
    if wanted[0] < plain.width or wanted[1] < plain.height:
        plain = _instead(plain, _resized(plain, wanted))
    if turn > 1:
        plain = _instead(plain, plain.transpose(getattr(Image.Transpose, _TURNS[turn])))
    plain.info.clear()  # whatever is noted there may be written again
    return _searched(plain, job, is_photo=is_photo, profile=profile)


def _instead(image: Image.Image, other: Image.Image) -> Image.Image:
    """Return the second picture, and free what the first one holds."""
    if other is not image:
        image.close()
    return other


def _plain(image: Image.Image, by: int) -> Image.Image:
    """Return a picture in grey, in colours or in colours that show through, that many times smaller."""
    image.load()
    is_plain = image.mode in ("L", "RGB", "RGBA") and "transparency" not in image.info
    plain = image if is_plain and by == 1 else _instead(image, _in_bands(image, by))
    opaque = plain.mode == "RGBA" and plain.getchannel("A").getextrema() == (255, 255)
    return _instead(plain, plain.convert("RGB")) if opaque else plain


def _in_bands(image: Image.Image, by: int) -> Image.Image:
    """Return the same of a picture band by band; colours that show through stay so, where none does too."""
    from PIL import Image

    rows = by * max(1, _BAND // (image.width * by))
    made: Image.Image | None = None
    for top in range(0, image.height, rows):
        band = _coloured(image.crop((0, top, image.width, min(image.height, top + rows)))).reduce(by)
        made = made or Image.new(band.mode, (band.width, -(-image.height // by)))
        made.paste(band, (0, top // by))
    assert made, "a picture has a row"
    return made


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return a picture with fewer pixels."""
    from PIL import Image

    width, height = size
    by = image.height / height
    rows = max(_BESIDE, int(_BAND / (image.width * by)))
    made = Image.new(image.mode, size)
    for top in range(0, height, rows):
        first, last = max(0, top - _BESIDE), min(height, top + rows + _BESIDE)
        begin, end = int(first * by), min(image.height, math.ceil(last * by))
        box = (0, first * by - begin, image.width, min(last * by, end) - begin)
        band = image.crop((0, begin, image.width, end))
        band = band.resize((width, last - first), Image.Resampling.LANCZOS, box)
        made.paste(band.crop((0, top - first, width, min(top + rows, height) - first)), (0, top))
    return made


def _coloured(image: Image.Image) -> Image.Image:
    """Return a picture, or a band of one, in grey, in colours or in colours that show through."""
    if image.mode == "CMYK":
        return _from_ink(image, image.info.get("icc_profile") or b"")
    if image.mode.startswith("I"):  # 16 bits of grey
        return image.convert("I").point([value // 257 for value in range(1 << 16)], "L")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _from_ink(image: Image.Image, profile: bytes) -> Image.Image:
    """Return the colours of a picture that is made to be printed."""
    from PIL import ImageCms

    if profile[16:20] == b"CMYK":
        try:
            screen = ImageCms.createProfile("sRGB")
            ink = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if made := ImageCms.profileToProfile(image, ink, screen, outputMode="RGB"):
                return made
        except (ImageCms.PyCMSError, OSError):
            pass  # a damaged profile; then as if there were none
    return image.convert("RGB")


def _searched(image: Image.Image, job: Job, *, is_photo: bool, profile: bytes) -> _Made:
    """Return the best that is within the bytes: first with less quality, then with fewer pixels."""
    from PIL import Image

    kinds = [mime for mime in _WRITTEN_WITH_ALPHA if mime in job.types] if image.mode == "RGBA" else []
    if image.mode == "RGBA" and not kinds:
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image.getchannel("A"))
        image = _instead(image, white)
    kinds = kinds or [mime for mime in _WRITTEN if mime in job.types]
    if not kinds:
        raise CannotFit(f"there is no way to make one of {', '.join(sorted(job.types)) or 'nothing'} of it.")
    kinds.sort(key=lambda mime: mime != job.mime)  # as it was, if that can be
    tried = image
    for _ in range(_ROUNDS):
        excess = math.inf
        for mime in kinds:
            data = _encoded(tried, mime, job.types[mime], is_photo=is_photo, profile=profile)
            if len(data) <= job.types[mime]:
                return mime, tried.size, [data]
            excess = min(excess, len(data) / job.types[mime])
            too_much = mime != "image/png" and len(data) > 2 * job.types[mime]
            del data
            if too_much:  # another type does not halve it; to try costs seconds, and memory in hundreds of MB
                break
        smaller = min(0.9, 0.9 / math.sqrt(excess))
        size = (max(1, int(tried.width * smaller)), max(1, int(tried.height * smaller)))
        tried = image  # the last one is freed before the next is made
        tried = _resized(image, size)
    raise CannotFit("it cannot be made small enough; take another one.")


def _encoded(image: Image.Image, mime: str, most: int, *, is_photo: bool, profile: bytes) -> bytes:
    """Return a picture as a file of at most so many bytes, or the smallest that is worth looking at."""

    def at(quality: int) -> bytes:
        out = io.BytesIO()
        how: dict[str, Any] = {} if mime == "image/png" else {"quality": quality}
        if mime == "image/jpeg":  # edges and letters need their colours in full
            how["subsampling"] = "4:2:0" if is_photo else "4:4:4"
        if profile[16:20] == (b"GRAY" if image.mode == "L" and mime != "image/webp" else b"RGB "):
            how["icc_profile"] = profile
        image.save(out, FORMATS[mime], **how)
        return out.getvalue()

    best = at(_BEST)
    if len(best) <= most or mime == "image/png":
        return best
    fair = at(_FAIR)
    if len(fair) > most:
        return at(_LEAST)
    good = at(_GOOD)
    return good if len(good) <= most else fair


def main(arguments: list[str]) -> None:
    """Answer for one picture."""
    seconds, memory, job = arguments
    guard(seconds=int(seconds), memory=int(memory))
    signal.alarm(int(seconds))
    made: _Made | None = None
    answer: dict[str, str | int] = {}
    try:
        made = fit(sys.stdin.buffer, Job(**json.loads(job)))
    except CannotFit as error:
        answer = {"problem": str(error)}
    except MemoryError:
        answer = {"problem": "it needs too much memory to be made to fit; make it smaller."}
    except ImportError:
        raise
    except Exception:  # noqa: BLE001 - decoders raise everything
        answer = {"problem": "it cannot be opened: it is broken or cut off. Download or export it again."}
    mime, (width, height), parts = made or ("", (0, 0), ())
    answer |= {"mime": mime, "width": width, "height": height} if made else {}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    for part in parts:
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()
