"""Building blocks for a network's `Options` and `Credentials`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict


class Strict(BaseModel):
    """A model that refuses what it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    #: The options of a post that concern the first part of a thread alone.
    first_only: ClassVar[frozenset[str]] = frozenset()
    #: Those that cannot be changed any more once a post is public.
    lasting: ClassVar[frozenset[str]] = frozenset()
    #: The credentials by which no other server is found: secrets stay where one of these becomes another.
    placeless: ClassVar[frozenset[str]] = frozenset()

    def further(self) -> Self:
        """Return what a further part of a thread is told."""
        fields = type(self).model_fields
        return self.model_copy(update={name: fields[name].default for name in self.first_only})


def _split(value: Any) -> Any:
    """Read `a, b` as a list, because the command line has only text."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


#: A list of words; on the command line separated by commas.
Words = Annotated[list[str], BeforeValidator(_split)]
