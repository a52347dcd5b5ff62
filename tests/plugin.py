"""Starts PostgreSQL and Redis before pytest-django reads the settings (`-p tests.plugin`, in pyproject.toml).

A conftest would be too late: the settings need the servers' addresses. Workers of pytest-xdist inherit them in their
environment, and so start nothing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from config.embedded import ServiceUnavailable, services
from config.processes import ProcessFailed

RUN_DIR = Path(__file__).resolve().parent.parent / ".run" / "tests"
REDIS_DATABASES = 8  # for each process: the first for its own cache, the others for what `live` tests start
BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]


@pytest.hookimpl(wrapper=True)  # a wrapper comes before every plain hook, pytest-django's too
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Give the whole run its servers, and its settings their environment."""
    os.environ["MAJLIS_ENV"] = "test"
    os.environ.setdefault("API_CALLS_PER_CALLER", "1000000")  # tests call faster than people; limits have their own
    os.environ.setdefault("API_CALLS_PER_ORGANIZATION", "1000000")
    os.environ.setdefault("CHROMIUM", next(filter(None, map(shutil.which, BROWSERS)), ""))
    running = ExitStack()
    early_config.add_cleanup(running.close)
    try:
        found = running.enter_context(services(RUN_DIR, durable=False))
    except (ServiceUnavailable, ProcessFailed) as error:
        raise pytest.UsageError(str(error)) from None
    os.environ.update(found.env)
    os.environ["REDIS_URL"] = _own_redis(os.environ["REDIS_URL"])
    return (yield)


def _own_redis(url: str) -> str:
    """Of the sixteen databases of Redis, every process of pytest-xdist has some of its own (REDIS_DATABASES)."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return urlunsplit(urlsplit(url)._replace(path=f"/{worker * REDIS_DATABASES}"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip browser tests where there is no browser."""
    if os.environ["CHROMIUM"]:
        return
    skipped = pytest.mark.skip(reason="no Chromium here: install one, or set CHROMIUM to its path")
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(skipped)
