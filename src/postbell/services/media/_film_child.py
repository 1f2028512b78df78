"""The process in which a video or a sound is looked into: an attacked decoder takes only itself along.

Arguments: seconds, bytes of memory, the file, and where ffprobe is, or nothing: then PyAV looks, if it is
there; and the type of the file. It answers one line of JSON: what is known (the fields of `Film`, and
`width` and `height`), or a sentence that says why the file is refused.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from postbell.services.media._film_boxes import Broken, told_by
from postbell.services.media._inspect_child import guard
from postbell.services.media.sounds import is_whole


#: The most pixels of a video (8K is 33 million), and the most hours.
MOST_PIXELS = 36_000_000
MOST_HOURS = 24

#: Nothing but this one form is read, and nothing but the file: a film may name others, or addresses.
ONLY_THE_FILE = {"protocol_whitelist": "file", "enable_drefs": "0", "use_absolute_path": "0"}
_FORM = "mov"
#: How sounds are read; of what has boxes as a video has.
_SOUNDS = {"audio/mpeg": "mp3", "audio/ogg": "ogg", "audio/flac": "flac", "audio/wav": "wav"}
_WANTED = (
    "stream=codec_type,codec_name,width,height,sample_aspect_ratio,avg_frame_rate,channels,sample_rate"
    ":stream_disposition=attached_pic:stream_side_data=rotation:format=duration,bit_rate"
)
_HEARD = ("seconds", "sound", "channels", "hertz", "bits")
_BROKEN = "it cannot be opened: it is broken or cut off. Download or export it again."


def look(path: str, ffprobe: str) -> dict[str, Any] | str:
    """Return what is known of a video, or why it is refused."""
    try:
        with Path(path).open("rb") as file:
            known = told_by(file)._asdict()
        found = _by_ffprobe(path, ffprobe) if ffprobe else _by_av(path)
    except (Broken, ValueError, TypeError, ArithmeticError, LookupError):
        return _BROKEN
    if found is None:
        return known
    if not found["codec"]:
        return "there are no pictures in it, only sound or nothing; take another one."
    if found["width"] * found["height"] > MOST_PIXELS:
        size = f"{found['width']:,} x {found['height']:,}"
        return f"it has {size} pixels, the limit is {MOST_PIXELS:,}; make it smaller."
    if not 0 < found["seconds"] <= MOST_HOURS * 3600 or not found["width"] * found["height"]:
        return _BROKEN
    return {**known, **found}


def hear(path: str, ffprobe: str, mime: str) -> dict[str, Any] | str:
    """Return what is known of a sound, or why it is refused."""
    try:
        with Path(path).open("rb") as file:
            whole = is_whole(file, mime)
        form = _SOUNDS.get(mime, _FORM)
        found = _by_ffprobe(path, ffprobe, form) if whole and ffprobe else None
        found = found or (_by_av(path, form) if whole and not ffprobe else None)
    except (Broken, ValueError, TypeError, ArithmeticError, LookupError):
        return _BROKEN
    if not whole or (found and not (found["sound"] and 0 < found["seconds"] <= MOST_HOURS * 3600)):
        return _BROKEN
    if found and found["codec"]:
        return "there are pictures in it, not only sound; name it as the video that it is."
    return {name: found[name] for name in _HEARD} if found else {}


def _by_ffprobe(path: str, ffprobe: str, form: str = _FORM) -> dict[str, Any]:
    only = ONLY_THE_FILE if form == _FORM else {"protocol_whitelist": "file"}
    how = [word for name, value in only.items() for word in (f"-{name}", value)]
    command = [ffprobe, "-v", "error", *how, "-f", form, "-show_entries", _WANTED, "-of", "json"]
    done = subprocess.run([*command, f"file:{path}"], capture_output=True, check=False)  # noqa: S603
    if done.returncode < 0:  # told as if it were our own death
        os.kill(os.getpid(), -done.returncode)
    if done.returncode > 1:  # what it says of files it says with 1
        raise SystemExit((done.stderr.decode(errors="replace").strip().splitlines() or [ffprobe])[-1])
    said = json.loads(done.stdout)
    streams = said.get("streams", [])
    films: list[dict[str, Any]] = [each for each in streams if each["codec_type"] == "video"]
    film = next((each for each in films if not each.get("disposition", {}).get("attached_pic")), {})
    sound: dict[str, Any] = next((each for each in streams if each["codec_type"] == "audio"), {})
    turned = [int(each["rotation"]) for each in film.get("side_data_list", []) if "rotation" in each]
    ratio = _fraction(film.get("sample_aspect_ratio"))
    return {
        **_shape(film.get("width", 0), film.get("height", 0), ratio, turned),
        "seconds": float(said["format"]["duration"]),
        "rate": _fraction(film.get("avg_frame_rate")),
        "codec": film.get("codec_name", ""),
        "sound": sound.get("codec_name", ""),
        "channels": int(sound.get("channels", 0)),
        "hertz": int(sound.get("sample_rate", 0)),
        "bits": int(said["format"].get("bit_rate", 0)),
    }


def _by_av(path: str, form: str = _FORM) -> dict[str, Any] | None:
    """Return the same as PyAV has it; None where that is not installed."""
    try:
        import av
    except ImportError:
        return None
    try:
        only = ONLY_THE_FILE if form == _FORM else {"protocol_whitelist": "file"}
        with av.open(f"file:{path}", format=form, container_options=only) as box:
            film = next((each for each in box.streams.video if not _is_cover(each)), None)
            sound = next(iter(box.streams.audio), None)
            heard = {
                "seconds": (box.duration or 0) / 1e6,
                "sound": sound.codec_context.codec.canonical_name if sound else "",
                "channels": sound.channels if sound else 0,
                "hertz": sound.sample_rate if sound else 0,
                "bits": box.bit_rate or 0,
            }
            if film is None:
                return {"codec": "", **heard}
            first = next(box.decode(film), None)
            ratio, turned = film.sample_aspect_ratio, getattr(first, "rotation", 0)
            return {
                **_shape(film.width, film.height, float(ratio or 1), [turned]),
                "rate": float(film.average_rate or 0) or None,
                "codec": film.codec_context.codec.canonical_name,
                **heard,
            }
    except (av.FFmpegError, OSError) as error:
        raise Broken from error


def _is_cover(stream: Any) -> bool:
    """Whether what looks like a film is a picture of one."""
    return "attached_pic" in str(stream.disposition)


def _shape(width: int, height: int, ratio: float | None, turned: list[int]) -> dict[str, int]:
    """Return width and height as they are shown: of square pixels, and upright."""
    shown = (round(width * (ratio or 1)), height)
    width, height = reversed(shown) if any(turn % 180 for turn in turned) else shown
    return {"width": width, "height": height}


def _fraction(text: str | None) -> float | None:
    """Return the value of `30000/1001` or `4:3`; None where it is nothing."""
    over, _, under = (text or "").replace(":", "/").partition("/")
    value = float(over or 0) / (float(under or 1) or math.inf)
    return value or None


def main(arguments: list[str]) -> None:
    """Answer for one video."""
    seconds, memory, path, ffprobe, mime = arguments
    guard(seconds=int(seconds), memory=int(memory))
    signal.alarm(int(seconds))  # what this process has started dies of its own limit, or with its session
    found = hear(path, ffprobe, mime) if mime.startswith("audio/") else look(path, ffprobe)
    print(json.dumps(found), flush=True)  # noqa: T201 - the answer goes to the parent
