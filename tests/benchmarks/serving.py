"""Postbell with a route more, `/api/v1/bare`: `python -m benchmarks.serving WORDS…` is `postbell WORDS…`."""

from __future__ import annotations

import sys
from pathlib import Path

import postbell.api.routes
from postbell.__main__ import main


if __name__ == "__main__":
    postbell.api.routes.__path__.append(str(Path(__file__).parent / "routes"))
    sys.exit(main(sys.argv[1:]))
