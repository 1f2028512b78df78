"""The process in which pictures are opened: an attacked decoder takes only itself along.

It is started as a script and imports nothing of Postbell, so that it is ready within a tenth of a second.
Arguments: seconds per picture, bytes of memory, then `descriptor:FORMAT` for every picture. It answers one
line of JSON for each: `[width, height]`, or a sentence that says why the picture is refused.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO


if TYPE_CHECKING:
    from PIL import Image

#: The most pixels of a picture: 480 MB once it is opened.
MOST_PIXELS = 120_000_000

#: As the decoders of Pillow are called.
FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/avif": "AVIF",
    "image/heic": "HEIF",
    "image/tiff": "TIFF",
    "image/bmp": "BMP",
}
#: Of several pictures in these everybody sees the first.
ONE_PICTURE = ("JPEG", "TIFF", "HEIF")
_PLUGINS = {"WEBP": "WebPImagePlugin", "AVIF": "AvifImagePlugin", "TIFF": "TiffImagePlugin"}
_ORIENTATION = 0x0112  # EXIF 2.32, 4.6.4; values from 5 on turn the picture by a quarter
_BROKEN = "it cannot be opened: it is broken or cut off. Download or export it again."


def guard(*, seconds: int, memory: int, written: int = 0) -> None:
    """Give up what a decoder does not need: more time and memory, longer files than that, dumping core."""
    # An ignored signal is inherited, and the alarm must kill.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, written),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)  # noqa: PLW2901 - a stricter limit that was there already stays
        resource.setrlimit(what, (most, most))


@contextmanager
def careful(form: str) -> Iterator[None]:
    """Let Pillow know a format, and raise where a picture is too large to be opened."""
    from PIL import Image

    if form == "HEIF":  # not part of Pillow; it is there, or the picture would have been refused
        import_module("pillow_heif").register_heif_opener(thumbnails=False)
    elif form in _PLUGINS:  # the others are loaded by themselves
        import_module(f"PIL.{_PLUGINS[form]}")
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Pillow raises only at twice the limit.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def measure(file: BinaryIO, form: str) -> tuple[int, int] | str:
    """Return width and height as the picture is shown, or why it is refused. It is decoded to its end."""
    from PIL import Image

    with careful(form):
        try:
            with Image.open(file, formats=[form]) as image:
                return _size(image, form)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            return f"it has more than {MOST_PIXELS:,} pixels; make it smaller."
        except MemoryError:
            return "it needs too much memory to open; make it smaller."
        except Exception:  # noqa: BLE001 - decoders raise everything
            return _BROKEN


def _size(image: Image.Image, form: str) -> tuple[int, int]:
    width, height = image.size
    # A JPEG is read to its end all the same, at an eighth of the size: a 60th of the memory.
    image.draft(None, (1, 1))
    image.load()
    turned = orientation_of(image) >= 5
    if form not in ONE_PICTURE:
        for frame in range(1, getattr(image, "n_frames", 1)):
            image.seek(frame)
            image.load()
    return (height, width) if turned else (width, height)


def orientation_of(image: Image.Image) -> int:
    """Return how the file asks for the picture to be turned, 1 to 8; 1 where it does not, or not clearly."""
    try:
        found = int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - damaged notes about a picture do not make the picture unusable
        return 1
    return found if 1 <= found <= 8 else 1


def main(arguments: list[str]) -> None:
    """Answer for every picture, first to last."""
    seconds, memory, *pictures = arguments
    guard(seconds=int(seconds) * len(pictures), memory=int(memory))
    for picture in pictures:
        signal.alarm(int(seconds))
        descriptor, _, form = picture.partition(":")
        with os.fdopen(int(descriptor), "rb") as file:
            answer = measure(file, form)
        print(json.dumps(answer), flush=True)  # noqa: T201 - the answer goes to the parent


if __name__ == "__main__":
    main(sys.argv[1:])
