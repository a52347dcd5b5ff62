"""Programs we start ourselves: they log to files, are waited for, and never outlive us.

`Process` is one child program; `Supervisor` keeps several, says which one died and why, and leaves nothing running.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NoReturn, Self

ROOT = Path(__file__).resolve().parent.parent


class ProcessFailed(Exception):
    """A program of ours died, or never became ready. The message ends with the last lines of its log."""


class Process:
    """A running child program, in a process group of its own, with its output in a log file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        **options: Any,  # anything more that subprocess.Popen takes
    ) -> None:
        self.name = name
        self.log = log
        self.stop_signal = stop_signal
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "wb", opener=_private) as output:
            self._popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if env is None else {**os.environ, **env},
                start_new_session=True,  # Ctrl-C reaches us alone, so that we choose the order in which things stop
                preexec_fn=_die_with_parent(stop_signal),
                **options,
            )
        if stdin is not None:
            assert self._popen.stdin  # noqa: S101 - we asked for the pipe
            with suppress(BrokenPipeError), self._popen.stdin as pipe:  # a program that died at once is told later
                pipe.write(stdin.encode())

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def is_alive(self) -> bool:
        return self._popen.poll() is None

    def wait_until(self, is_ready: Callable[[], bool], *, seconds: float = 60) -> None:
        """Return once `is_ready` says so; raise ProcessFailed if the program dies first or takes too long."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            if not self.is_alive:
                raise ProcessFailed(self.obituary())
            if time.monotonic() > deadline:
                raise ProcessFailed(f"{self.name} is not ready after {seconds:.0f} s. {self.last_words()}")
            time.sleep(0.05)

    def wait_for_line(self, text: str, *, seconds: float = 60) -> None:
        """Return once the log has a line with `text`."""
        self.wait_until(lambda: text in self.output(), seconds=seconds)

    def wait_for_url(self, url: str, *, seconds: float = 60) -> None:
        """Return once the URL answers with anything but a server error."""
        self.wait_until(lambda: _answers(url), seconds=seconds)

    def wait_for_port(self, port: int, *, seconds: float = 60) -> None:
        """Return once something listens on the port."""
        self.wait_until(lambda: _listens(port), seconds=seconds)

    def stop(self, *, patience: float = 10) -> None:
        """Ask the program to stop, insist when it does not, and clear away whatever it had started."""
        if self.is_alive:
            self._popen.send_signal(self.stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(patience)
        with suppress(ProcessLookupError, PermissionError):  # nobody left in its group; macOS says it the second way
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()

    def output(self) -> str:
        """Return what the program has written since it was started."""
        return self.log.read_text(errors="replace")

    def last_words(self, lines: int = 15) -> str:
        """Return the end of the log, with its place."""
        tail = self.output().strip().splitlines()[-lines:]
        return f"The end of {_short(self.log)}:\n" + "\n".join(f"  {line}" for line in tail or ["(nothing)"])

    def obituary(self) -> str:
        """Say how the program ended."""
        status = self._popen.returncode
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return f"{self.name} {how}. {self.last_words()}"


class Supervisor:
    """Several programs that live and die together.

    with Supervisor(logs=run_dir / "logs", env=services.env) as programs:
        programs.start("web", [...]).wait_for_url("http://127.0.0.1:8000/healthz")
        programs.watch()
    """

    def __init__(self, *, logs: Path, env: Mapping[str, str] | None = None, echo: bool = False) -> None:
        self.logs = logs
        self.env = dict(env or {})
        self.echo = echo
        self._processes: list[Process] = []

    def __enter__(self) -> Self:
        self._previous_handler = signal.signal(signal.SIGTERM, _interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for process in reversed(self._processes):
            process.stop()
        signal.signal(signal.SIGTERM, self._previous_handler)

    def start(self, name: str, command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> Process:
        """Start a program with our environment and its own additions; its log is `<logs>/<name>.log`."""
        environment = {"PYTHONUNBUFFERED": "1", **self.env, **(env or {})}
        process = Process(name, command, log=self.logs / f"{name}.log", env=environment, cwd=ROOT)
        self._processes.append(process)
        if self.echo:
            threading.Thread(target=_echo, args=[process], daemon=True).start()
        return process

    def check(self) -> None:
        """Raise ProcessFailed if one of the programs has died."""
        for process in self._processes:
            if not process.is_alive:
                raise ProcessFailed(process.obituary())

    def watch(self) -> NoReturn:
        """Wait until one of the programs dies (ProcessFailed) or somebody stops us (KeyboardInterrupt)."""
        while True:
            self.check()
            time.sleep(0.3)


# What Majlis is made of, besides the servers of config.embedded.


def web(port: int, *, reload: bool = False) -> list[str]:
    """Return the command of the web server."""
    command = ["uvicorn", "config.asgi:application", "--port", str(port), "--lifespan", "off"]
    command += ["--timeout-graceful-shutdown", "3"]  # open inboxes listen for ever, and call again elsewhere
    command += ["--no-server-header", "--no-access-log"]  # requests are logged by django-structlog
    if reload:
        command += ["--reload", *(f"--reload-dir={folder}" for folder in _web_code())]
    return _python(*command)


def worker(concurrency: int = 2, *, queues: str = "celery,campaigns,hooks") -> list[str]:
    """Return the command of a worker; campaigns and calls to others have queues of their own: nothing waits for them."""
    command = ["celery", "-A", "config", "worker", "--concurrency", str(concurrency), "--queues", queues]
    return _python(*command, "--hostname", f"{queues}@%h", "--without-mingle", "--without-gossip")


def scheduler() -> list[str]:
    """Return the command of the clock that starts the periodic tasks."""
    return _python("celery", "-A", "config", "beat", "--pidfile", "")


def sandbox(port: int) -> list[str]:
    """Return the command of the stand-in for other people's systems."""
    return _python("sandbox", "--port", str(port))


def free_port(preferred: int = 0) -> int:
    """Return the preferred port when nobody has it, and any free one otherwise.

    Below those that Linux gives to outgoing connections: one of these may be taken again before a server stands on it.
    """
    for port in filter(None, (preferred, *(15_000 + secrets.randbelow(17_000) for _ in range(50)))):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("There is no free port on 127.0.0.1.")


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def _web_code() -> list[str]:
    # Not the whole tree: .venv and .run hold tens of thousands of files that reloading would look at.
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    return sorted(packages - {"benchmarks", "sandbox", "tests"})


def _die_with_parent(stop_signal: signal.Signals) -> Callable[[], None]:
    """Return what a child runs before exec, so that Linux stops it even when we are killed with -9."""
    parent = os.getpid()
    prctl = getattr(ctypes.CDLL(None), "prctl", None)  # Linux only

    def in_child() -> None:
        if prctl:
            set_parent_death_signal = 1
            prctl(set_parent_death_signal, int(stop_signal))
            if os.getppid() != parent:  # it died in between
                os._exit(1)

    return in_child


def _private(path: str, flags: int) -> int:
    """Open a log for ourselves only: failing statements and requests have people's data in them."""
    return os.open(path, flags, mode=0o600)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own addresses
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def _echo(process: Process) -> None:
    """Copy a program's log to the terminal, with its name before each line."""
    with process.log.open(errors="replace") as log:
        while process.is_alive:
            for line in log:
                print(f"{process.name:<9} | {line}", end="", flush=True)
            time.sleep(0.2)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
