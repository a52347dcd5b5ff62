"""Programs we start: they are waited for, mourned in plain words, and leave nothing running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from config.processes import ROOT, Process, ProcessFailed, Supervisor, free_port

PARENT_AND_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("child", child.pid, flush=True)
time.sleep(60)
"""


def python(program: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(program)]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False


def is_gone(pid: int, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_running(pid)


@pytest.fixture
def programs(tmp_path):
    with Supervisor(logs=tmp_path) as programs:
        yield programs


def test_a_program_is_ready_when_its_port_or_its_log_says_so(programs):
    port = free_port()
    server = programs.start("server", [sys.executable, "-u", "-m", "http.server", str(port), "--bind", "127.0.0.1"])

    server.wait_for_line("Serving HTTP")
    server.wait_for_port(port)
    server.wait_for_url(f"http://127.0.0.1:{port}/")


def test_a_death_is_told_with_the_last_words(programs):
    programs.start("clerk", python("print('out of ink'); raise SystemExit(3)"))

    with pytest.raises(ProcessFailed, match=r"(?s)clerk ended with status 3\..*out of ink"):
        programs.watch()


def test_a_death_before_being_ready_ends_the_waiting(programs):
    clerk = programs.start("clerk", python("raise SystemExit('no such desk')"))

    with pytest.raises(ProcessFailed, match="no such desk"):
        clerk.wait_for_line("ready")


def test_a_program_that_never_reads_what_it_is_told_is_mourned_too(tmp_path):
    deaf = Process("deaf", python("raise SystemExit(1)"), log=tmp_path / "deaf.log", stdin="a word " * 100_000)

    with pytest.raises(ProcessFailed, match="deaf ended with status 1"):
        deaf.wait_for_line("ready")


def test_waiting_has_an_end(programs):
    clerk = programs.start("clerk", python("import time; time.sleep(60)"))

    with pytest.raises(ProcessFailed, match="clerk is not ready after 0 s"):
        clerk.wait_for_line("ready", seconds=0.2)


def test_programs_stop_in_reverse_order_with_all_they_started(tmp_path):
    told = "import signal, sys, time\nsignal.signal(15, lambda *_: sys.exit(print(time.monotonic_ns())))\n"
    with Supervisor(logs=tmp_path) as programs:
        for name in ("first", "second"):
            programs.start(name, python(told + "print('ready', flush=True)\ntime.sleep(60)")).wait_for_line("ready")
        family = programs.start("family", python(PARENT_AND_CHILD))
        family.wait_for_line("child")
        child = int(family.output().split()[1])

    assert is_gone(family.pid)
    assert is_gone(child)
    ended = {name: int((tmp_path / f"{name}.log").read_text().split()[-1]) for name in ("first", "second")}
    assert ended["second"] < ended["first"]


def test_a_program_that_will_not_stop_is_made_to(tmp_path):
    deaf = "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('ready', flush=True)\ntime.sleep(60)"
    process = Process("deaf", python(deaf), log=tmp_path / "deaf.log")
    process.wait_for_line("ready")

    process.stop(patience=0.2)

    assert not is_running(process.pid)


@pytest.mark.parametrize("blow", [signal.SIGTERM, signal.SIGKILL])
def test_programs_end_with_whoever_started_them(tmp_path, blow):
    supervisor = subprocess.Popen(
        python(f"""
            from pathlib import Path
            from config.processes import Supervisor
            with Supervisor(logs=Path({str(tmp_path)!r})) as programs:
                print(programs.start("sleeper", ["sleep", "60"]).pid, flush=True)
                programs.watch()
        """),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert supervisor.stdout
    sleeper = int(supervisor.stdout.readline())
    assert is_running(sleeper)

    supervisor.send_signal(blow)
    supervisor.communicate()

    assert is_gone(sleeper)


def test_logs_are_for_us_alone(programs, tmp_path):
    programs.start("clerk", ["sleep", "60"])
    assert (tmp_path / "clerk.log").stat().st_mode & 0o077 == 0


def test_a_taken_port_is_replaced_by_a_free_one():
    port = free_port()
    assert free_port(port) == port

    with subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", str(port), "--bind", "127.0.0.1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as neighbour:
        assert neighbour.stdout
        neighbour.stdout.readline()
        assert free_port(port) != port
        os.kill(neighbour.pid, signal.SIGTERM)
