"""Videos are looked into by ffprobe, else by PyAV (`postbell[video]`), always in another process.

Where there is neither, only what the boxes of the file tell is known: whether it is whole, and its notes.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from postbell.errors import PostbellError
from postbell.services.media.deaths import told_death


#: Seconds in which a video must have been looked into, and how much later that is ended from outside.
_SECONDS = 30
_GRACE = 5
#: Address space of the processes that do it. ffprobe maps 300 MB of libraries.
_MEMORY = 1 << 30
_CHILD = ("-c", "import sys; from postbell.services.media._film_child import main; main(sys.argv[1:])")

#: What to do where videos cannot be looked into, or not be changed.
INSTALL = "Install FFmpeg (`apt install ffmpeg`)."


def prober() -> str | None:
    """Return what looks into videos on this machine: ffprobe or PyAV; None where nothing does."""
    if shutil.which("ffprobe"):
        return "ffprobe"
    return "PyAV" if find_spec("av") else None


def told() -> str:
    """Return what is done with videos on this machine, in one or two sentences."""
    if program := prober():
        rest = "FFmpeg takes out their notes." if shutil.which("ffmpeg") else f"their notes stay. {INSTALL}"
        return f"{program} looks into videos before they are published; {rest}"
    return (
        "Nobody looks into videos before they are published: there is neither ffprobe nor PyAV. "
        f"If you publish any: {INSTALL[0].lower()}{INSTALL[1:]}"
    )


def look_into(path: Path, mime: str = "video/mp4") -> dict[str, Any] | str:
    """Return what is known of a video, or why it is refused: the fields of `Film`, and `width` and `height`.

    Of a sound (`audio/…`) that is how long it lasts, and what is heard.

    Raises PostbellError where no video can be looked into on this machine though it should be.
    """
    command = [sys.executable, "-I", *_CHILD, str(_SECONDS), str(_MEMORY), str(path.absolute())]
    pipe = subprocess.PIPE
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [*command, shutil.which("ffprobe") or "", mime],
        stdin=subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        cwd="/",
        env={},
        start_new_session=True,  # to end ffprobe with it
    ) as child:
        try:
            out, err = child.communicate(timeout=_SECONDS + _GRACE)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            out, err = child.communicate()
    if child.returncode < 0:
        return told_death(-child.returncode, _SECONDS, to="look into", program="looks into videos")
    if child.returncode:
        said = err.decode(errors="replace").strip().splitlines()
        raise PostbellError(f"Videos cannot be looked into on this machine: {(said or ['no reason'])[-1]}")
    found: dict[str, Any] | str = json.loads(out)
    return found
