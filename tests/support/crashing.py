"""A daemon that kills itself with SIGKILL at a named point.

`python -m support.crashing POINT DATA_DIR CONFIG`
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from postbell.daemon import run_daemon
from postbell.settings import Places, Surroundings


def main(point: str, data_dir: str, config: str) -> None:
    def checkpoint(name: str) -> None:
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    places = Places(data_dir=Path(data_dir), config=Path(config))
    run_daemon(places, Surroundings(), checkpoint=checkpoint)


if __name__ == "__main__":
    main(*sys.argv[1:])
