"""The first page of the help as click makes it; run as a program, write it where the command reads it."""

from __future__ import annotations

from pathlib import Path

from postbell.cli import first_page
from postbell.cli.main import cli


_HEAD = '''"""What `postbell --help` prints: click's own page, kept because click takes long to import.

Written by `python -m support.first_page` in the folder `tests`.
"""

FIRST_PAGE = """\\
'''


def first_page_of_click() -> str:
    """Return the page for a terminal of 80 columns or more."""
    # Of 80 columns click leaves two empty.
    with cli.make_context("postbell", [], resilient_parsing=True, terminal_width=78) as ctx:
        return f"{cli.get_help(ctx)}\n"


if __name__ == "__main__":
    Path(first_page.__file__).write_text(f'{_HEAD}{first_page_of_click()}"""\n', "utf-8")
