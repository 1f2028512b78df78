from __future__ import annotations

import pytest

from postbell.cli.film_bar import FilmBar


def test_a_line_tells_how_far_the_work_is_and_is_gone_at_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    bar = FilmBar()
    for part in (0, 0.001, 0.5, 1):
        bar("bell\033.mp4", part)
    said = capsys.readouterr().err
    assert said.count("is made to fit") == 2
    assert "is made to fit: 50 %" in said
    assert said.endswith("\r\033[K")
