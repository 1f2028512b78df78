"""Names that Postbell makes up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


#: Lower case, without vowels (no words by accident) and without what is easily taken for something else.
LETTERS = "23456789bcdfghjkmnpqrstvwxz"


class Random(Protocol):
    """The part of `random.Random` that Postbell uses."""

    def choice(self, seq: str, /) -> str:
        """Return one of the characters."""
        ...

    def random(self) -> float:
        """Return a number in [0, 1)."""
        ...


def new_post_id(random: Random) -> str:
    """Return 8 characters: short enough to type, one in 2.8e11."""
    return _letters(random, 8)


def new_delivery_key(random: Random) -> str:
    """Return 20 characters that name a delivery at the far side: 95 random bits."""
    return _letters(random, 20)


def new_post_ids(random: Random, count: int) -> list[str]:
    """Return ids for many posts, which begin alike: the index of a million takes them in few places."""
    begin = _letters(random, 2)
    return [begin + _letters(random, 6) for _ in range(count)]


def new_delivery_keys(random: Random, count: int) -> Iterator[str]:
    """Yield keys for many deliveries, which begin alike for the same reason."""
    begin = _letters(random, 10)
    return (begin + _letters(random, 10) for _ in range(count))


def new_api_key(random: Random) -> tuple[str, str]:
    """Return a key of the HTTP API, and how it begins; behind that are 54 characters: 256 random bits."""
    start = f"postbell_{_letters(random, 6)}"
    return f"{start}_{_letters(random, 54)}", start


def _letters(random: Random, count: int) -> str:
    return "".join(random.choice(LETTERS) for _ in range(count))
