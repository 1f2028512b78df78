"""A Debian container in which systemd is PID 1 and Postbell is installed as its README says.

Needs root and the packages debootstrap and systemd-container. The container has a network of its own in which
there is nothing but loopback.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support import servers
from support.children import ServerFailed, end, run
from support.loopback import VARIABLE


_REPOSITORY = Path(__file__).parents[2]
_SUITE = "bookworm"
_PACKAGES = "systemd-sysv,dbus,python3-venv"
_PROGRAMS = ("debootstrap", "systemd-nspawn", "nsenter")


class Container:
    """A booted system."""

    def __init__(self, root: Path, init: int) -> None:
        self.root = root
        self._init = init

    def run(self, *command: str, check: bool = True, given: str = "") -> str:
        """Run a command inside, with `given` on its standard input, and return what it prints.

        Raises ServerFailed with its words where it fails and `check` is set.
        """
        enter = ["nsenter", "-t", str(self._init), "-m", "-p", "-u", "-i", "-n", "-C"]
        clean = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
        done = subprocess.run(
            [*enter, *command], capture_output=True, text=True, check=False, env=clean, input=given
        )
        if check and done.returncode:
            raise ServerFailed(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def configure(self, text: str) -> None:
        """Write the configuration as `postbell init` does: for root alone."""
        file = self.root / "etc/postbell/config.toml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        file.chmod(0o600)

    def set_unit(self, lines: str) -> None:
        """Change lines of the unit's [Service], as `systemctl edit` does; takes effect at the next start."""
        file = self.root / "etc/systemd/system/postbell.service.d/override.conf"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"[Service]\n{lines}\n")
        self.run("systemctl", "daemon-reload")

    def shown(self, *properties: str) -> dict[str, str]:
        """Return properties of the unit, as systemctl show names them."""
        lines = self.run("systemctl", "show", "postbell", f"--property={','.join(properties)}").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def wait_for(self, seconds: float = 60, **wanted: str) -> dict[str, str]:
        """Wait until properties of the unit have these values."""
        until = time.monotonic() + seconds
        while (now := self.shown(*wanted)) != wanted:
            if time.monotonic() > until:
                raise ServerFailed(
                    f"the unit is {now}, not {wanted}, after {seconds:.0f} s:\n{self.journal()}"
                )
            time.sleep(0.1)
        return now

    def wait_for_text(self, text: str, folder: str, seconds: float = 60) -> None:
        """Wait until a file somewhere in a folder of the container holds `text`."""
        until = time.monotonic() + seconds
        while not self.run("grep", "-rl", text, folder, check=False):
            if time.monotonic() > until:
                raise ServerFailed(f"no {text!r} in {folder} after {seconds:.0f} s:\n{self.journal()}")
            time.sleep(0.1)

    def journal(self) -> str:
        """Return what the unit logged, with what systemd said about it."""
        return self.run("journalctl", "-u", "postbell", "--no-pager", "-o", "short-monotonic", check=False)

    def entries(self) -> list[dict[str, Any]]:
        """Return what the unit itself logged, with all fields of the journal."""
        lines = self.run("journalctl", "_SYSTEMD_UNIT=postbell.service", "-o", "json", "--no-pager")
        return [json.loads(line) for line in lines.splitlines()]


def check() -> None:
    """Raise NotInstalled where a container cannot be made."""
    missing = [name for name in _PROGRAMS if shutil.which(name, path=servers.system_path()) is None]
    if os.geteuid() or missing:
        raise servers.NotInstalled(
            "a container needs root, and the packages debootstrap and systemd-container: apt-get install"
        )


@contextmanager
def container(folder: Path) -> Iterator[Container]:
    """Boot a new system in `folder` with Postbell in /opt/postbell and its unit, not yet started."""
    check()
    root = folder / "root"
    run(["cp", "-a", _debian(folder), root], folder / "copy.log")
    _install(root, folder)
    log = folder / "nspawn.log"
    boot = ["systemd-nspawn", "--quiet", f"--directory={root}", "--boot", "--register=no", "--keep-unit"]
    boot += ["--private-network", "--console=pipe", "--machine=postbell-test"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            boot,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},  # this Debian wants cgroup v2
            start_new_session=True,
        )
    try:
        yield _booted(root, process, log)
    finally:
        process.send_signal(signal.SIGTERM)  # nspawn shuts the system down
        end(process, patience=20)


def _debian(folder: Path) -> Path:
    """Return a Debian that is made once, from the mirror that this machine's own packages come from."""
    kept = servers.pds_home().parent / _SUITE
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        unfinished = kept.with_name(f"{_SUITE}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        make: list[str | Path] = [
            "debootstrap",
            "--variant=minbase",
            f"--include={_PACKAGES}",
            _SUITE,
            unfinished,
            _mirror(),
        ]
        run(make, folder / "debootstrap.log")
        unfinished.rename(kept)
    return kept


def _mirror() -> str:
    found = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", f"Codename: {_SUITE}", "Origin: Debian"],
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout.split()[0]


def _install(root: Path, folder: Path) -> None:
    """Install what a person installs; the packages come from this machine, because inside is no network."""
    wheels = root / "wheels"
    pins = _REPOSITORY / "constraints.txt"
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "-c",
        pins,
        "-w",
        wheels,
        _REPOSITORY,
    ]
    run(pip, folder / "wheels.log", env={VARIABLE: ""})  # the one step that needs other machines
    inside: list[str | Path] = ["chroot", root]
    run([*inside, "python3", "-m", "venv", "/opt/postbell"], folder / "venv.log")
    install = ["/opt/postbell/bin/pip", "install", "-q", "--no-index", "--find-links=/wheels", "postbell"]
    run([*inside, *install], folder / "install.log", env={"PYTHONDONTWRITEBYTECODE": ""})
    init = ["/opt/postbell/bin/postbell", "--config", "/etc/postbell/config.toml"]
    run([*inside, *init, "--data-dir", "/var/lib/postbell", "init"], folder / "init.log")
    shutil.copy(_REPOSITORY / "systemd/postbell.service", root / "etc/systemd/system")


def _booted(root: Path, process: subprocess.Popen[bytes], log: Path) -> Container:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if children:
            system = Container(root, int(children[0]))
            # Degraded: units of the bare system that want hardware fail in a container.
            if system.run("systemctl", "is-system-running", check=False).strip() in ("running", "degraded"):
                return system
        time.sleep(0.1)
    raise ServerFailed(f"systemd did not start; its log is {log}:\n{log.read_text('utf-8', 'replace')}")
