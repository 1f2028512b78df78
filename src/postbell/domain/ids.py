"""Names that Postbell makes up."""

from __future__ import annotations

from typing import Protocol


#: Lower case, without vowels (no words by accident) and without what is easily taken for something else.
_LETTERS = "23456789bcdfghjkmnpqrstvwxz"


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
    return "".join(random.choice(_LETTERS) for _ in range(8))


def new_delivery_key(random: Random) -> str:
    """Return 20 characters that name a delivery at the far side: 95 random bits."""
    return "".join(random.choice(_LETTERS) for _ in range(20))
