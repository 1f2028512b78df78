"""Videos as a network takes them: without notes, and coded anew where the user allows that. By FFmpeg.

The stored file stays as it is. What was made of it lies beside it as with pictures, by the plan that it was
made by: `HASH.PLAN.HASH OF THESE BYTES.1280x720.mp4`.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path

from postbell.domain.film_plan import FilmPlan
from postbell.domain.media import SUFFIXES, Media
from postbell.errors import DiskFull, PostbellError
from postbell.services.media._film_child import ONLY_THE_FILE
from postbell.services.media.deaths import told_death
from postbell.services.media.file_types import refuse


#: Told what part of the work is done, 0 to 1.
Told = Callable[[float], None]

#: To be raised when other bytes are made of a video than before.
_VERSION = 1
#: Address space of FFmpeg: x264 needs 300 MB for 1080p, and as much is mapped for libraries.
_MEMORY = 2 << 30
#: How long it may take: so long, and so many times as long as the video; and the most.
_SECONDS, _TIMES, _MOST_SECONDS = 60, 20, 3600
#: How often it is tried again with fewer bits, if the file has become too large, and how many are left.
_TRIES, _FEWER = 3, 0.8
_THREADS = "2"
_PROGRESS = re.compile(r"([a-z0-9_]+)=(.*)")
_CHILD = ("-c", "import sys; from postbell.services.media._ffmpeg_child import main; main(sys.argv[1:])")
_FORMS = {"video/mp4": "mp4", "video/quicktime": "mov"}
#: To be held while one is made: each takes two cores.
ONE = threading.Lock()


def is_there() -> bool:
    """Whether FFmpeg is on this machine."""
    return shutil.which("ffmpeg") is not None


def stem_of(item: Media, plan: FilmPlan) -> str:
    """Return what the name of the file begins with that a video becomes by a plan."""
    rule = json.dumps([_VERSION, asdict(plan)])
    return f"{item.path.stem}.{hashlib.sha256(rule.encode()).hexdigest()[:12]}."


def name_of(plan: FilmPlan, sha256: str) -> str:
    """Return what that name ends in, by the hash of its bytes."""
    return f"{sha256}.{plan.width}x{plan.height}{SUFFIXES[plan.mime]}"


def known(item: Media, plan: FilmPlan) -> Media | None:
    """Return what a video became by a plan before; None if that is not there."""
    stem = stem_of(item, plan)
    for path in item.path.parent.glob(f"{stem}*"):
        sha256 = path.name.removeprefix(stem).partition(".")[0]
        return replace(expected(item, plan), sha256=sha256, size=path.stat().st_size, path=path)
    return None


def expected(item: Media, plan: FilmPlan) -> Media:
    """Return what a video will become: with the most bytes that it may have, and where it lies now."""
    film = plan.facts(item.film) if item.film else None
    size = plan.size if plan.anew else min(plan.size, item.size)
    found = replace(item, mime=plan.mime, film=film, size=size)
    return replace(found, width=plan.width, height=plan.height) if plan.width else found


def make(item: Media, plan: FilmPlan, target: Path, told: Told) -> None:
    """Write what a video becomes by a plan.

    Raises Invalid where FFmpeg cannot, DiskFull, and PostbellError where it does not run on this machine.
    """
    for number in range(_TRIES):
        tried = replace(plan, bits=round(plan.bits * _FEWER**number))
        _run(item, tried, target, told)
        if target.stat().st_size <= plan.size:
            told(1)
            return
    raise refuse(item.name, f"FFmpeg cannot make it smaller than {plan.size:,} bytes; cut it.")


def _run(item: Media, plan: FilmPlan, target: Path, told: Told) -> None:
    seconds = (item.film and item.film.seconds) or 0
    most = min(_MOST_SECONDS, int(_SECONDS + _TIMES * seconds))
    program = shutil.which("ffmpeg") or "ffmpeg"
    # Something larger is of no use, but it is known only at the end how much larger it is.
    limits = [str(2 * most), str(_MEMORY), str(2 * plan.size + (1 << 20))]
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-I", *_CHILD, *limits, program, *_arguments(item, plan, target)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",
        env={},
        text=True,
        errors="replace",
    ) as child:
        assert child.stdout, "it is a pipe"
        watch = threading.Timer(most, child.kill)
        watch.start()
        try:
            said = _follow(child.stdout, seconds, told)
            status = child.wait()
        finally:
            child.kill()
            watch.cancel()
    if "No space left on device" in said:
        raise DiskFull(f"{item.name} cannot be made to fit: the disk is full. Free some space and try again.")
    if "File too large" in said:  # so the caller sees
        return
    if status < 0:
        to, program = "make it fit", "makes videos fit"
        raise refuse(item.name, told_death(-status, most, to=to, program=program))
    if status == 127 or "error while loading" in said:
        raise PostbellError(f"FFmpeg does not run on this machine: {said}")
    if status:
        raise refuse(item.name, f"FFmpeg cannot read it to its end ({said}); export it again.")


def _follow(lines: Iterable[str], seconds: float, told: Told) -> str:
    """Tell how far FFmpeg is, and return the last that it says besides."""
    said = "it gave no reason"
    for line in map(str.strip, lines):
        at = _PROGRESS.fullmatch(line)
        if at is None:
            said = line or said
        elif at[1] == "out_time_us" and at[2].isdecimal() and seconds:
            told(min(0.99, int(at[2]) / 1e6 / seconds))
    return said


def _arguments(item: Media, plan: FilmPlan, target: Path) -> list[str]:
    """Return what FFmpeg is told: to read this file alone, and to write what is seen and heard of it."""
    only = [word for name, value in ONLY_THE_FILE.items() for word in (f"-{name}", value)]
    how = _coded_anew(item, plan) if plan.anew else ["-c", "copy"]
    if not plan.anew and item.film and item.film.codec == "hevc":
        how += ["-tag:v", "hvc1"]  # the other name is unknown to many players
    return [
        *("-v", "error", "-nostdin", "-nostats", "-progress", "pipe:1", "-y", "-threads", _THREADS),
        *(*only, "-f", "mov", "-i", f"file:{item.path.absolute()}"),
        *("-map", "0:V:0", "-map", "0:a:0?", "-map_metadata", "-1", "-map_chapters", "-1", *how),
        *("-fflags", "+bitexact", "-movflags", "+faststart", "-f", _FORMS[plan.mime]),
        f"file:{target.absolute()}",
    ]


def _coded_anew(item: Media, plan: FilmPlan) -> list[str]:
    shape = f"scale={plan.width}:{plan.height}:flags=lanczos,setsar=1,format=yuv420p"
    bits = str(plan.bits)
    heard = ["-c:a", "aac", "-b:a", "128k", "-ar", str(plan.hertz), "-ac", str(plan.channels)]
    return [
        *("-vf", shape, "-r", f"{plan.rate:.6g}", "-c:v", "libx264", "-preset", "fast", "-profile:v", "high"),
        *("-crf", "21", "-maxrate", bits, "-bufsize", bits, "-threads", _THREADS, "-flags:v", "+bitexact"),
        *(heard if item.film and item.film.sound else ["-an"]),
    ]
