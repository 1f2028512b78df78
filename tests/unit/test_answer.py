from __future__ import annotations

from typing import Any

import pytest

from postbell.errors import Rejected, Unavailable, Unsure
from postbell.publishing.web.answer import Answer, Refused


def _answer(body: bytes, *, publishes: bool = False) -> Answer:
    return Answer(status=200, headers={}, body=body, publishes=publishes, place="a.example")


def test_a_field_of_the_right_kind_is_read() -> None:
    assert _answer(b'{"id": 7}').field("id", int) == 7


@pytest.mark.parametrize("body", [b"{}", b'{"id": "7"}', b"[]", b"7", b'{"id": null}'])
def test_an_answer_without_the_field_is_none_of_the_network(body: bytes) -> None:
    with pytest.raises(Unavailable, match=r"a\.example answered 200 without 'id'"):
        _answer(body).field("id", int)
    with pytest.raises(Unsure):
        _answer(body, publishes=True).field("id", int)


def test_an_answer_without_an_end_is_none_of_the_network() -> None:
    deep = b"[" * 100_000
    with pytest.raises(Unsure, match="answered 200 with something that is not JSON"):
        _answer(deep, publishes=True).json()
    assert _answer(deep).error_json() == {}


@pytest.mark.parametrize(("data", "kept"), [({"term_id": 3}, {"term_id": 3}), ([1], {}), (None, {})])
def test_a_refusal_has_its_name_and_what_came_with_it(data: Any, kept: dict[str, Any]) -> None:
    refused = Refused("no", code="term_exists", data=data)
    assert isinstance(refused, Rejected)
    assert (str(refused), refused.code, refused.data) == ("no", "term_exists", kept)
