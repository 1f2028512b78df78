"""What it takes to make pictures fit a network, against a program that does the same with Pillow alone."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from benchmarks.measuring import Figure, Options, median
from postbell.domain.limits import MediaLimit
from postbell.domain.media import Media
from postbell.networks import bluesky, wordpress
from postbell.services.media.media_store import MediaStore
from support.gallery import shown


#: What one writes who knows Pillow: upright, without notes, and less quality until the bytes are few enough.
_PEER = """
import io, sys
from PIL import Image, ImageOps
source, target, form, most = sys.argv[1:]
with Image.open(source) as image:
    upright = ImageOps.exif_transpose(image)
    upright.info.clear()
    quality = 90
    while True:
        out = io.BytesIO()
        upright.save(out, form, quality=quality)
        if out.tell() <= int(most):
            break
        quality -= 5
with open(target, "wb") as file:
    file.write(out.getvalue())
"""

_CASES = (
    ("a photo of 12 megapixels that lies on its side", ("JPEG", "RGB", (4000, 3000), 6), wordpress),
    ("a photo of 3 megapixels that lies on its side", ("JPEG", "4:4:4", (2000, 1500), 6), bluesky),
    ("a PNG of 3 megapixels that lies on its side", ("PNG", "RGB", (2000, 1500), 6), wordpress),
)


def run(options: Options) -> list[Figure]:
    """Measure each of the cases."""
    store = MediaStore(options.folder / "media")
    figures = []
    for number, (told, picture, network) in enumerate(_CASES):
        made, limit = shown(*picture), network.network.limits.media
        path = options.folder / f"{number}.{made.mime.removeprefix('image/')}"
        path.write_bytes(made.data)
        item = store.put(path)
        runs = _runs(store, item, limit, options)
        value = median(runs["postbell s"]) / median(runs["pillow s"])
        row = f"the time to make {told} fit {network.network.label}, against Pillow alone"
        figures.append(Figure(name=f"fit_{number}", told=row, value=value, gate=1.2, less=True, runs=runs))
    return figures


def _runs(store: MediaStore, item: Media, limit: MediaLimit, options: Options) -> dict[str, list[float]]:
    form, target = item.mime.removeprefix("image/").upper(), options.folder / "peer"
    most = str(limit.types[item.mime])
    command = [sys.executable, "-I", "-c", _PEER, str(item.path), str(target), form, most]

    def ours() -> None:
        store.fit(item, limit).path.unlink()

    def theirs() -> None:
        subprocess.run(command, check=True)

    found: dict[str, list[float]] = {"postbell s": [], "pillow s": []}
    for _ in range(options.pick(15, 5)):
        found["postbell s"].append(_seconds(ours))
        found["pillow s"].append(_seconds(theirs))
    return found


def _seconds(work: Callable[[], None]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
