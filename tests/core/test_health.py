"""What a watcher learns from /healthz and /readyz of a running Majlis."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from tests.live import Live, wait_for


def answer(url: str) -> tuple[int, dict[str, object]]:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.mark.live
def test_it_is_ready_only_when_every_part_is(live: Live) -> None:
    live.start_web()
    assert answer(f"{live.base_url}/healthz") == (200, {"status": "ok"})

    status, body = answer(f"{live.base_url}/readyz")
    assert status == 503
    assert body["parts"] == {
        "database": "ok",
        "migrations": "ok",
        "row_level_security": "ok",
        "broker": "ok",
        "scheduler": "no beat yet: is `celery -A config beat` running, and a worker?",
    }

    live.start_worker()
    live.start_scheduler()
    wait_for(lambda: answer(f"{live.base_url}/readyz")[0] == 200, what="the scheduler's first beat")
