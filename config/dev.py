"""`bin/dev`: every process of Majlis on this machine, with shown logs and kept data.

The web server reloads changed code; the worker does not: stop and start for changed tasks.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from config.embedded import ServiceUnavailable, services
from config.processes import (
    ROOT,
    ProcessFailed,
    Supervisor,
    free_port,
    sandbox,
    scheduler,
    web,
    worker,
)

RUN_DIR = ROOT / ".run"


def main() -> None:
    """Run until Ctrl-C, or until one of the processes dies."""
    web_port, sandbox_port = free_port(8000), free_port(8100)
    base_url, sandbox_url = f"http://127.0.0.1:{web_port}", f"http://127.0.0.1:{sandbox_port}"
    settings = {"MAJLIS_ENV": "dev", "DEBUG": "true", "BASE_URL": base_url}
    settings |= dict.fromkeys(["WHATSAPP_API_URL", "SHEETS_API_URL"], sandbox_url)
    with services(RUN_DIR, durable=True) as found:
        settings |= found.env
        env_file = write_env(settings)
        subprocess.run([sys.executable, "manage.py", "migrate"], cwd=ROOT, env={**os.environ, **settings}, check=True)
        with Supervisor(logs=RUN_DIR / "logs", env=settings, echo=True) as programs:
            programs.start("sandbox", sandbox(sandbox_port)).wait_for_port(sandbox_port)
            programs.start("worker", worker(queues="celery"))
            programs.start("sender", worker(concurrency=1, queues="campaigns"))
            programs.start("teller", worker(concurrency=1, queues="hooks"))
            programs.start("scheduler", scheduler())
            programs.start("web", web(web_port, reload=True)).wait_for_port(web_port)
            print(f"\nMajlis: {base_url}   other people's systems: {sandbox_url}   Ctrl-C stops all of it")
            print(f"In another terminal: set -a; . {env_file}; set +a; .venv/bin/python manage.py shell\n", flush=True)
            programs.watch()


def write_env(settings: dict[str, str]) -> Path:
    """Write the settings to a file that a shell can read, for management commands beside the running processes."""
    file = RUN_DIR / "dev.env"
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}='{value}'\n" for name, value in settings.items()))
    return file.relative_to(ROOT)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("\nStopped")
    except (ServiceUnavailable, ProcessFailed) as error:
        sys.exit(f"\n{error}")
    except subprocess.CalledProcessError:
        sys.exit("\nThe database could not be migrated; Django says why above.")
