"""Where a benchmark runs: servers of its own, in a folder of its own, both gone afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def own_servers(*, durable: bool) -> Iterator[Path]:
    """The folder; PostgreSQL and Valkey stand in the environment. `durable`: every commit waits for the disk, as outside."""
    os.environ |= {"MAJLIS_ENV": "test", "DJANGO_SETTINGS_MODULE": "config.settings"}
    from config.embedded import services

    with tempfile.TemporaryDirectory(prefix="majlis-bench-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # PostgreSQL's user passes through when we are root
        with services(home, durable=durable) as found:
            os.environ |= found.env
            yield home


def set_up() -> None:
    """Make the tables, in a process whose memory is not measured, and Django ready in this one."""
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True)
    import django

    django.setup()
