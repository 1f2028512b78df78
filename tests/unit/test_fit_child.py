"""What becomes of pictures of every kind under the limits of every network, and what that takes."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps

from postbell.domain.content import Content
from postbell.domain.limits import Limits, MediaLimit, check
from postbell.domain.media import Media, kind_of
from postbell.publishing import registry
from postbell.publishing.protocol import fit_limit
from postbell.services.media import _fit_child
from postbell.services.media._fit_child import CannotFit, Job, fit
from support import gallery, pictures
from support.gallery import Shown, likeness, notes_in, on_white, shown


#: Limits of networks that are narrower than those of most.
NARROW = {
    "only small JPEG": MediaLimit(most=1, types={"image/jpeg": 30_000}, side=800),
    "only PNG": MediaLimit(most=1, types={"image/png": 60_000, "video/mp4": 1}, pixels=200_000),
    "JPEG or WebP": MediaLimit(most=1, types={"image/jpeg": 8_000_000, "image/webp": 8_000_000}, side=1440),
}
LIMITS = {key: fit_limit(registry.get(key), {}) for key in sorted(registry.keys())} | NARROW


@pytest.fixture(autouse=True)
def pillow_keeps_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child sets it for itself; put it back where the child's functions run in the test's process."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)


@cache
def the_gallery() -> tuple[Shown, ...]:
    return tuple(gallery.gallery())


def job_for(limit: MediaLimit, mime: str) -> Job:
    return Job(mime=mime, types=limit.types, pixels=limit.pixels, side=limit.side)


def fitted(data: bytes, job: Job) -> tuple[str, Image.Image, bytes]:
    """Type, picture and bytes of what a file becomes."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        made = fit(file, job)
        mime, size, parts = made or (job.mime, None, (data,))
        content = b"".join(parts)
    image = Image.open(io.BytesIO(content))
    assert Image.MIME[image.format or ""] == mime
    assert size in (None, image.size)
    return mime, image, content


def within(limit: MediaLimit, mime: str, image: Image.Image, data: bytes) -> bool:
    """Whether a picture is taken as it became, or refused for its ratio alone: nothing is cut away."""
    item = Media(
        sha256="",
        kind=kind_of(mime),
        mime=mime,
        size=len(data),
        width=image.width,
        height=image.height,
        name="it",
        path=Path("it"),
    )
    problems = [
        problem.message for problem in check(Content(media=(item,)), Limits(media=limit), account="mine")
    ]
    too_long = bool(limit.ratio) and max(image.size) > (limit.ratio or 0) * min(image.size)
    return len(problems) == too_long and all("times as long as wide; cut it" in told for told in problems)


@pytest.mark.parametrize("name", LIMITS)
def test_every_picture_is_made_to_fit_every_network_or_is_too_long_for_it(name: str) -> None:
    limit, wrong = LIMITS[name], []
    for picture in the_gallery():
        mime, image, data = fitted(picture.data, job_for(limit, picture.mime))
        seen = on_white(image)
        same_size = seen.size == picture.seen.size
        wanted = picture.seen if same_size else picture.seen.resize(seen.size, Image.Resampling.LANCZOS)
        faults = {
            "limits": not within(limit, mime, image, data),
            "orientation": image.getexif().get(0x0112, 1) != 1,
            "likeness": likeness(seen, wanted) < (0.95 if same_size else 0.8),
            **dict.fromkeys(notes_in(data), True),
        }
        wrong += [f"{picture.name}: {fault}" for fault, there in faults.items() if there]
    assert wrong == []
    assert len(the_gallery()) == 217


#: Each of 12 to 24 megapixels, and noisy: as many bytes as there can be.
NOISY = [
    ("JPEG", (4032, 3024), 6, "bluesky"),
    ("PNG", (6000, 4000), 6, "bluesky"),
    ("JPEG", (6000, 4000), 3, "mastodon"),
    ("PNG", (4000, 3000), 8, "mastodon"),
    ("WEBP", (4000, 3000), 6, "mastodon"),
    ("JPEG", (4032, 3024), 1, "telegram"),
    ("JPEG", (6000, 4000), 6, "telegram"),
    ("PNG", (5000, 3000), 5, "telegram"),
    ("JPEG", (6000, 4000), 8, "threads"),
    ("PNG", (4000, 3000), 1, "threads"),
    ("TIFF", (4000, 3000), 6, "threads"),
    ("JPEG", (6000, 4000), 6, "webhook"),
]


@pytest.mark.parametrize(("form", "size", "orientation", "name"), NOISY)
def test_a_large_and_noisy_picture_is_made_to_fit(
    form: str, size: tuple[int, int], orientation: int, name: str
) -> None:
    exif, out = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    how: dict[str, Any] = {"JPEG": {"quality": 98}, "PNG": {"compress_level": 1}}.get(form, {})
    noise(size).save(out, form, exif=exif, **how)
    mime, image, data = fitted(out.getvalue(), job_for(LIMITS[name], Image.MIME[form]))
    assert within(LIMITS[name], mime, image, data)
    assert image.getexif().get(0x0112, 1) == 1
    upright = size if orientation < 5 else size[::-1]
    assert image.width / image.height == pytest.approx(upright[0] / upright[1], rel=0.01)
    assert image.width * image.height > 1_500_000


@cache
def noise(size: tuple[int, int]) -> Image.Image:
    grain = Image.merge("RGB", [Image.effect_noise(size, 90)] * 3)
    return Image.blend(gallery.motif(size), grain, 0.5)


def test_a_picture_that_fits_loses_its_notes_and_not_one_bit_of_what_it_shows() -> None:
    limit = LIMITS["folder"]
    for form, mode in gallery.KINDS:
        if mode == "CMYK":
            continue
        picture = shown(form, mode, (320, 240))
        mime, image, data = fitted(picture.data, job_for(limit, picture.mime))
        assert (mime, on_white(image).tobytes()) == (picture.mime, picture.seen.tobytes()), picture.name
        assert notes_in(data) == []
        assert fit_again(data, mime, limit) is None, picture.name


def fit_again(data: bytes, mime: str, limit: MediaLimit) -> object:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        return fit(file, job_for(limit, mime))


@pytest.mark.parametrize(("form", "mode"), gallery.DRAWN)
def test_of_what_is_never_sent_something_else_is_made(form: str, mode: str) -> None:
    picture = shown(form, mode, (320, 240))
    mime, image, data = fitted(picture.data, job_for(LIMITS["folder"], picture.mime))
    assert mime in ("image/jpeg", "image/png")
    assert likeness(on_white(image), picture.seen) > 0.95
    assert notes_in(data) == []


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_of_a_telephone_is_upright_by_its_own_means(orientation: int) -> None:
    picture = shown("HEIF", "RGB", (320, 240), orientation)
    _, image, _ = fitted(picture.data, job_for(LIMITS["folder"], picture.mime))
    other = Image.open(io.BytesIO(shown("JPEG", "RGB", (320, 240), orientation).data))
    wanted = ImageOps.exif_transpose(other).convert("RGB")
    assert image.size == wanted.size
    assert likeness(on_white(image), wanted) > 0.95


def test_of_a_tiff_with_several_pages_the_first_is_shown() -> None:
    out, other = io.BytesIO(), Image.new("RGB", (60, 40), "red")
    gallery.motif((60, 40)).save(out, "TIFF", save_all=True, append_images=[other])
    _, image, _ = fitted(out.getvalue(), job_for(LIMITS["folder"], "image/tiff"))
    assert likeness(image, gallery.motif((60, 40))) > 0.95


def test_the_same_bytes_are_made_at_every_try() -> None:
    limit = NARROW["only small JPEG"]
    for picture in the_gallery()[:40]:
        first, second = (fitted(picture.data, job_for(limit, picture.mime))[2] for _ in range(2))
        assert first == second


def moving(form: str) -> bytes:
    frames = [gallery.motif((60, 40)), gallery.motif((60, 40)).transpose(Image.Transpose.ROTATE_180)]
    out = io.BytesIO()
    how: dict[str, Any] = {"comment": gallery.SECRET} if form == "GIF" else {"exif": Image.Exif()}
    frames[0].save(out, form, save_all=True, append_images=frames[1:], duration=90, loop=3, **how)
    return out.getvalue()


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_what_moves_keeps_its_frames_their_times_and_how_often(form: str) -> None:
    data = moving(form)
    _, image, made = fitted(data, job_for(LIMITS["folder"], f"image/{form.lower()}"))
    before: Any = Image.open(io.BytesIO(data))
    after: Any = image
    assert (after.n_frames, after.info["loop"]) == (before.n_frames, before.info["loop"]) == (2, 3)
    for frame in range(2):
        before.seek(frame)
        after.seek(frame)
        assert before.convert("RGB").tobytes() == after.convert("RGB").tobytes()
        assert after.info["duration"] == 90
    assert notes_in(made) == []


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "limit", [MediaLimit(most=1, types={"image/jpeg": 10**6}), MediaLimit(most=1, side=50)]
)
def test_what_moves_and_does_not_fit_is_refused(form: str, limit: MediaLimit) -> None:
    with pytest.raises(CannotFit, match="it moves"):
        fitted(moving(form), job_for(limit, f"image/{form.lower()}"))


@pytest.mark.parametrize(("types", "why"), [({}, "of nothing"), ({"video/mp4": 9}, "of video/mp4")])
def test_where_no_picture_is_taken_none_can_be_made(types: dict[str, int], why: str) -> None:
    with pytest.raises(CannotFit, match=why):
        fitted(shown("PNG", "RGB", (9, 9)).data, Job(mime="image/png", types=types, pixels=None, side=None))


def test_what_cannot_be_small_enough_is_refused() -> None:
    job = Job(mime="image/png", types={"image/png": 40, "image/jpeg": 100}, pixels=None, side=None)
    with pytest.raises(CannotFit, match="small enough"):
        fitted(shown("PNG", "RGBA", (90, 90)).data, job)


def test_more_quality_is_taken_where_there_is_room_for_it() -> None:
    data = shown("JPEG", "4:4:4", (700, 900), 6).data
    sizes = {}
    for most in (10**6, *range(40_000, 10_000, -1_500)):
        job = Job(mime="image/jpeg", types={"image/jpeg": most}, pixels=None, side=None)
        _, image, made = fitted(data, job)
        sizes[len(made)] = image.size
        assert len(made) <= most
    assert len([size for size in sizes.values() if size == (900, 700)]) == 4
    assert min(sizes.values()) < (900, 700)


def test_a_damaged_profile_of_a_picture_for_print_does_not_matter() -> None:
    out = io.BytesIO()
    with Image.open(io.BytesIO(shown("JPEG", "CMYK", (64, 48)).data)) as ink:
        ink.save(out, "JPEG", icc_profile=b"\0" * 16 + b"CMYK" + b"\0" * 200)
        seen = ink.convert("RGB")
    _, image, _ = fitted(out.getvalue(), job_for(LIMITS["folder"], "image/jpeg"))
    assert image.mode == "RGB"
    assert likeness(image, seen) > 0.95


def red_ink() -> bytes:
    """A profile (ICC.1:2010, 10.8) by which cyan ink is red, and no ink is white."""
    nodes = [(140, 208, 195) if cyan else (255, 128, 128) for cyan in (0, 1) for _other in range(8)]
    ramp = bytes(range(256))
    matrix = struct.pack(">9i", *(65536 * (n % 4 == 0) for n in range(9)))
    table = b"mft1\0\0\0\0\4\3\2\0" + matrix + ramp * 4 + b"".join(map(bytes, nodes)) + ramp * 3
    names = (b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ", bytes(12), b"acsp")
    head = struct.pack(">I4sI4s4s4s12s4s", 144 + len(table), *names)
    head = head.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I4sII", 1, b"A2B0", 144, len(table)) + table


def test_a_picture_for_print_has_the_colours_of_its_profile() -> None:
    out = io.BytesIO()
    Image.new("CMYK", (16, 16), (255, 0, 0, 0)).save(out, "JPEG", icc_profile=red_ink(), quality=100)
    _, image, _ = fitted(out.getvalue(), job_for(LIMITS["folder"], "image/jpeg"))
    colour = image.getpixel((8, 8))
    assert isinstance(colour, tuple)
    assert colour[0] > 2 * max(colour[1:])
    assert "icc_profile" not in image.info


def test_a_very_large_picture_is_halved_when_it_is_drawn_anew() -> None:
    job = Job(mime="image/png", types={"image/png": 10**6}, pixels=None, side=4500)
    assert fitted(pictures.png_bomb(5000, 4000), job)[1].size == (2500, 2000)


def test_a_file_of_no_regular_form_is_drawn_anew() -> None:
    data = pictures.png()[:-12]  # without its last chunk, which Pillow does not miss
    mime, image, made = fitted(data, Job(mime="image/png", types={"image/png": 999}, pixels=None, side=None))
    assert (mime, image.size) == ("image/png", (40, 30))
    assert made == pictures.png()


def test_a_profile_stays_with_the_colours_that_it_is_for() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    gallery.motif((64, 48)).save(out, "JPEG", icc_profile=profile, exif=exif)
    for types in ({"image/jpeg": 10**6}, {"image/png": 10**6}, {"image/webp": 10**6}):
        job = Job(mime="image/jpeg", types=types, pixels=None, side=None)
        assert fitted(out.getvalue(), job)[1].info["icc_profile"] == profile


SKY, BLOG = LIMITS["bluesky"], LIMITS["wordpress"]
#: With how many bytes a decoder or an encoder holds each pixel, where that makes more than 150 MB.
LARGE = [
    ("JPEG", "RGB", (6000, 4000), 6, BLOG, 0),
    ("JPEG", "RGB", (4032, 3024), 8, BLOG, 0),
    ("JPEG", "progressive", (4032, 3024), 3, SKY, 0),
    ("JPEG", "CMYK", (4000, 3000), 1, BLOG, 0),
    ("PNG", "RGB", (4000, 3000), 6, BLOG, 0),
    ("PNG", "RGBA", (3000, 2000), 6, SKY, 0),
    ("WEBP", "RGB", (3000, 2000), 6, SKY, 0),
    ("TIFF", "RGB", (4000, 3000), 6, SKY, 0),
    ("AVIF", "RGB", (3000, 2000), 6, SKY, 0),
    ("HEIF", "RGB", (4032, 3024), 6, SKY, 0),
    ("JPEG", "RGB", (8160, 6120), 6, BLOG, 0),
    ("PNG", "RGBA", (6000, 4000), 6, BLOG, 0),
    ("JPEG", "progressive", (8160, 6120), 6, BLOG, 5),
    ("TIFF", "RGB", (6000, 4000), 6, BLOG, 9),
    ("HEIF", "RGB", (6000, 4000), 6, SKY, 8),
    ("AVIF", "RGB", (6000, 4000), 6, SKY, 12),
    ("WEBP", "RGB", (6000, 4000), 6, SKY, 17),
    ("WEBP", "RGBA", (4000, 3000), 6, BLOG, 45),
]


@pytest.mark.parametrize("case", LARGE, ids=[" ".join(map(str, case[:4])) for case in LARGE])
def test_the_process_needs_150_mb_or_what_a_decoder_holds(
    case: tuple[str, str, tuple[int, int], int, MediaLimit, int],
) -> None:
    form, mode, size, orientation, limit, held = case
    picture = shown(form, mode, size, orientation)
    script = (
        "import sys\n"
        "from postbell.services.media._fit_child import main\n"
        "main(sys.argv[1:])\n"
        "(most,) = (line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "sys.stderr.write(most.split()[1])"
    )
    job = json.dumps(job_for(limit, picture.mime)._asdict() | {"types": dict(limit.types)})
    with tempfile.TemporaryFile() as file:
        file.write(picture.data)
        file.seek(0)
        command = [sys.executable, "-I", "-c", script, "60", str(1 << 30), job]
        done = subprocess.run(command, stdin=file, capture_output=True, check=True)
    answer, _, data = done.stdout.partition(b"\n")
    assert json.loads(answer).keys() == {"mime", "width", "height"}
    assert likeness(on_white(Image.open(io.BytesIO(data))), picture.seen.resize(json_size(answer))) > 0.9
    assert int(done.stderr) * 1024 <= max(150_000_000, 20_000_000 + held * size[0] * size[1])


def json_size(answer: bytes) -> tuple[int, int]:
    said = json.loads(answer)
    return said["width"], said["height"]


def test_the_process_imports_no_more_of_postbell_than_its_own_parts() -> None:
    script = (
        "import sys\n"
        "import postbell.services.media._fit_child\n"
        "print(sorted(name for name in sys.modules if name.startswith(('postbell', 'PIL', 'asyncio'))))"
    )
    said = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    parts = ("_fit_child", "_inspect_child", "_picture_parts")
    assert json.loads(said.stdout.replace("'", '"')) == [
        "postbell",
        "postbell.services",
        "postbell.services.media",
        *(f"postbell.services.media.{part}" for part in parts),
    ]
    assert _fit_child.__name__.endswith(parts[0])
