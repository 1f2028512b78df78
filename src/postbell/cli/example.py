"""The configuration file that `postbell init` makes: every setting with what it means, none set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from postbell.domain.toml_text import toml_value


if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

_HEAD = """\
# The configuration of Postbell. What is left out has its default; that is what is shown here, or an example
# where there is none. Each setting is a variable too, and that wins: POSTBELL_TIMEZONE, or with its section
# POSTBELL_DAEMON__CONCURRENCY. `postbell doctor` checks this file.
"""


def example_config() -> str:
    """Return the text of the file, written from the settings that there are."""
    from postbell.settings import Settings

    return "\n".join([_HEAD, *_lines(Settings)]).rstrip() + "\n"


def _lines(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if hasattr(field.annotation, "model_fields"):
            section: type[BaseModel] = type(field.default)
            yield from (f"# {section.__doc__}", f"[{name}]", "", *_lines(section))
        else:
            yield from (f"# {field.description}", f"# {name} = {_value(field)}", "")


def _value(field: FieldInfo) -> str:
    value = field.examples[0] if field.default in (None, ()) and field.examples else field.default
    return toml_value(str(value) if isinstance(value, Path) else value)
