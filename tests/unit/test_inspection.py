from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from postbell.domain.film import Film
from postbell.domain.media import MediaKind
from postbell.errors import Invalid
from postbell.services.media.inspection import Inspected, inspect, inspect_all
from support import pictures
from support.pictures import written


def refusal(path: Path) -> str:
    with pytest.raises(Invalid) as caught:
        inspect(path)
    (problem,) = caught.value.problems
    assert problem.where == f"media {path.name}"
    return problem.message


@pytest.mark.parametrize(
    ("name", "content", "mime"),
    [
        ("a.jpg", pictures.jpeg(40, 30), "image/jpeg"),
        ("a.JPEG", pictures.jpeg(40, 30), "image/jpeg"),
        ("a.png", pictures.png(40, 30), "image/png"),
        ("a.webp", pictures.webp(40, 30), "image/webp"),
        ("a.gif", pictures.gif(40, 30), "image/gif"),
        ("moving.gif", pictures.gif(40, 30, frames=3), "image/gif"),
        ("without an ending", pictures.png(40, 30), "image/png"),
    ],
)
def test_a_picture_is_known_by_its_bytes_and_measured(
    tmp_path: Path, name: str, content: bytes, mime: str
) -> None:
    assert inspect(written(tmp_path, name, content)) == Inspected(
        kind=MediaKind.IMAGE, mime=mime, size=len(content), width=40, height=30
    )


@pytest.mark.parametrize(
    ("name", "content", "mime"),
    [
        ("a.mp4", pictures.mp4(), "video/mp4"),
        ("a.m4v", pictures.mp4(b"M4V "), "video/mp4"),
        ("a.mov", pictures.mov(), "video/quicktime"),
    ],
)
def test_a_video_is_known_by_its_bytes_and_looked_into(
    tmp_path: Path, name: str, content: bytes, mime: str
) -> None:
    film = Film(seconds=0.12, rate=25, codec="h264", bits=62_200)
    assert inspect(written(tmp_path, name, content)) == Inspected(
        kind=MediaKind.VIDEO, mime=mime, size=len(content), width=40, height=30, film=film
    )


@pytest.mark.parametrize("make", [pictures.jpeg, pictures.png, pictures.webp])
@pytest.mark.parametrize(
    ("orientation", "size"), [(1, (40, 30)), (3, (40, 30)), (6, (30, 40)), (8, (30, 40))]
)
def test_width_and_height_are_those_that_a_reader_sees(
    tmp_path: Path, make: Callable[..., bytes], orientation: int, size: tuple[int, int]
) -> None:
    found = inspect(written(tmp_path, "turned", make(40, 30, orientation=orientation)))
    assert (found.width, found.height) == size


def test_what_is_no_media_is_refused_by_what_it_is(tmp_path: Path) -> None:
    message = "it is an HTML page, not a picture; open the page in a browser and save the picture itself."
    assert refusal(written(tmp_path, "a.jpg", pictures.HTML)) == message


def test_a_missing_file_is_refused_with_the_place_where_it_was_looked_for(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.png"
    assert refusal(path) == f"there is no file {path}; check the name and the folder."


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    message = "it is empty; download or export it again."
    assert refusal(written(tmp_path, "a.png", b"")) == message


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "it is a folder; name the file in it."


def test_a_pipe_that_nobody_writes_to_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe.png"
    os.mkfifo(path)
    assert refusal(path) == "it is a pipe, not a file; save what comes out of it first."


def test_a_device_is_refused() -> None:
    assert refusal(Path("/dev/zero")) == "it is a device or a socket, not a file."


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the address of a socket is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        assert refusal(tmp_path / "socket.png") == "it is a device or a socket, not a file."


def test_a_file_that_the_user_may_not_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = written(tmp_path, "a.png", pictures.png())
    path.chmod(0)
    if os.geteuid() == 0:  # root reads everything: look as somebody else does
        os.seteuid(65534)
    try:
        message = refusal(path)
    finally:
        os.seteuid(os.getuid())
    assert message == "it cannot be read (Permission denied); check its permissions and its disk."


def test_a_name_that_no_file_can_have_is_refused_and_shown_without_its_odd_characters() -> None:
    with pytest.raises(Invalid) as caught:
        inspect(Path("a\0\x1b[2Jb\udcff.png"))
    assert str(caught.value).startswith("media a??[2Jb\ufffd.png: it cannot be read (")


def test_a_link_to_a_picture_is_as_good_as_the_picture(tmp_path: Path) -> None:
    written(tmp_path, "a.png", pictures.png())
    (tmp_path / "link.png").symlink_to("a.png")
    assert inspect(tmp_path / "link.png").mime == "image/png"


def test_every_problem_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    good = written(tmp_path, "good.png", pictures.png())
    page = written(tmp_path, "page.png", pictures.HTML)
    broken = written(tmp_path, "broken.png", pictures.png(400, 300)[:-300])
    with pytest.raises(Invalid) as caught:
        inspect_all([broken, good, page, tmp_path / "gone.png"])
    places = [problem.where for problem in caught.value.problems]
    assert places == ["media broken.png", "media page.png", "media gone.png"]


def test_several_files_come_back_in_the_order_in_which_they_were_given(tmp_path: Path) -> None:
    paths = [
        written(tmp_path, "1.png", pictures.png(1, 9)),
        written(tmp_path, "2.mp4", pictures.mp4()),
        written(tmp_path, "3.gif", pictures.gif(3, 9)),
    ]
    assert [found.width for found in inspect_all(paths)] == [1, 40, 3]


def test_no_file_is_no_problem() -> None:
    assert inspect_all([]) == []
