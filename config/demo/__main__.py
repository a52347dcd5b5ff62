"""`bin/demo` and `bin/demo --check`: start everything, play the story, say what happened.

Every run starts with empty servers of its own and leaves nothing running. `--check` exits when the story has been
told: 0 when every step held, 1 otherwise. Without it Majlis stays up until Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time

from config.embedded import ServiceUnavailable, services
from config.processes import ROOT, ProcessFailed, Supervisor, free_port, sandbox, scheduler, web, worker

RUN_DIR = ROOT / ".run" / "demo"


def main() -> int:
    """Run the demo; return the exit status."""
    options = _options()
    started = time.monotonic()
    shutil.rmtree(RUN_DIR, ignore_errors=True)
    RUN_DIR.mkdir(parents=True)
    base_url = f"http://127.0.0.1:{free_port(options.port)}"
    sandbox_url = f"http://127.0.0.1:{free_port(options.port + 100)}"
    settings = {
        "MAJLIS_ENV": "demo",
        "BASE_URL": base_url,
        "WHATSAPP_API_URL": sandbox_url,
        "SHEETS_API_URL": sandbox_url,
        "MEDIA_ROOT": str(RUN_DIR / "media"),
        "LOG_LEVEL": "WARNING",
    }
    say("Starting PostgreSQL and Valkey")
    with services(RUN_DIR, durable=False) as found:
        settings |= found.env
        os.environ.update(settings)
        with Supervisor(logs=RUN_DIR / "logs", env=settings) as programs:
            say("Making the tables; starting the web server, a worker, the scheduler and the sandbox")
            start_programs(programs, base_url, sandbox_url)
            return play(programs, base_url, sandbox_url, check=options.check, started=started)


def start_programs(programs: Supervisor, base_url: str, sandbox_url: str) -> None:
    """Make the tables while those start that touch none by themselves; then the others; wait for those that must answer."""
    port_of = {url: int(url.rsplit(":", 1)[1]) for url in (base_url, sandbox_url)}
    outside = programs.start("sandbox", sandbox(port_of[sandbox_url]))
    server = programs.start("web", web(port_of[base_url]), env={"DATABASE_POOL_SIZE": "20"})
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, check=True)
    programs.start("worker", worker(queues="celery"))
    programs.start("sender", worker(concurrency=1, queues="campaigns"))
    programs.start("teller", worker(concurrency=1, queues="hooks"))
    programs.start("scheduler", scheduler())
    outside.wait_for_port(port_of[sandbox_url])
    server.wait_for_url(f"{base_url}/healthz")


def play(programs: Supervisor, base_url: str, sandbox_url: str, *, check: bool, started: float) -> int:
    """Tell the story step by step, then (without --check) stay up until somebody stops us."""
    import django

    django.setup()
    # Only now: these modules need Django, and Django needed the servers' addresses.
    from config.demo.stage import Stage
    from config.demo.story import STEPS

    stage = Stage.set_up(base_url, sandbox_url, RUN_DIR)
    say(f"{len(STEPS)} steps\n")
    passed = failed = 0
    for number, step in enumerate(STEPS, start=1):
        programs.check()
        begun = time.monotonic()
        try:
            outcome, mark = step(stage), "ok    "
            passed += 1
        except Exception as error:
            # Whatever breaks, the other steps are still told: the summary says how much of the story holds.
            outcome, mark = f"{type(error).__name__}: {error}", "FAILED"
            failed += 1
        title = (step.__doc__ or step.__name__).splitlines()[0]
        say(f"{mark} {number:2}. {title} ({time.monotonic() - begun:.1f} s)\n           {outcome}")
    say(f"\nTold in {time.monotonic() - started:.0f} s. Logs: {(RUN_DIR / 'logs').relative_to(ROOT)}")
    if not check:
        say(stage.invitation())
        say(f"\n{passed} passed, {failed} failed. Majlis stays up; Ctrl-C stops everything.")
        programs.watch()
    say(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/demo", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="tell the story, verify every step, and exit")
    parser.add_argument("--port", type=int, default=8000, help="preferred port (default 8000); another if it is taken")
    return parser.parse_args()


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        say("\nStopped; nothing is left running.")
    except (ServiceUnavailable, ProcessFailed) as error:
        sys.exit(f"\n{error}")
    except subprocess.CalledProcessError:
        sys.exit("\nThe tables could not be made; Django says why above.")
