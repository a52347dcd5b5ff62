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

import pytest

from config.embedded import ServiceUnavailable, services
from config.processes import ProcessFailed

RUN_DIR = Path(__file__).resolve().parent.parent / ".run" / "tests"
BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]


@pytest.hookimpl(wrapper=True)  # a wrapper comes before every plain hook, pytest-django's too
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Give the whole run its servers, and its settings their environment."""
    os.environ["MAJLIS_ENV"] = "test"
    os.environ.setdefault("CHROMIUM", next(filter(None, map(shutil.which, BROWSERS)), ""))
    running = ExitStack()
    early_config.add_cleanup(running.close)
    try:
        found = running.enter_context(services(RUN_DIR, durable=False))
    except (ServiceUnavailable, ProcessFailed) as error:
        raise pytest.UsageError(str(error)) from None
    os.environ.update(found.env)
    return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip browser tests where there is no browser."""
    if os.environ["CHROMIUM"]:
        return
    skipped = pytest.mark.skip(reason="no Chromium here: install one, or set CHROMIUM to its path")
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(skipped)
