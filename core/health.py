"""Signs of life for whoever watches: /healthz says this process answers, /readyz that all it needs does too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import redis
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from core import protection
from core.models import Heartbeat

SCHEDULER = "scheduler"
LONGEST_SILENCE = timedelta(seconds=60)


def alive(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def ready(_request: HttpRequest) -> JsonResponse:
    """Each part with "ok" or what is wrong with it; 503 unless all are ok."""
    checks: dict[str, Callable[[], str]] = {
        "database": _database,
        "migrations": _migrations,
        "row_level_security": _row_level_security,
        "broker": _broker,
        "scheduler": _scheduler,
    }
    parts = {name: _answer(check) for name, check in checks.items()}
    good = all(answer == "ok" for answer in parts.values())
    return JsonResponse({"status": "ok" if good else "not_ready", "parts": parts}, status=200 if good else 503)


def running() -> dict[str, str]:
    """The parts that must run beside this one, each with "ok" or what is wrong with it."""
    return {"broker": _answer(_broker), "scheduler": _answer(_scheduler)}


def _answer(check: Callable[[], str]) -> str:
    try:
        return check()
    except Exception as error:
        # Whatever it is, the watcher must get an answer; the class is told, never the text (it may hold addresses).
        return f"failed: {type(error).__name__}"


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(waiting)} not applied: run manage.py migrate" if waiting else "ok"


def _row_level_security() -> str:
    bare = protection.unprotected_tables(connection)
    return f"not forced on {', '.join(bare)}: run manage.py migrate" if bare else "ok"


def _broker() -> str:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
    try:
        client.ping()
    finally:
        client.close()
    return "ok"


def _scheduler() -> str:
    beat = Heartbeat.objects.filter(pk=SCHEDULER).first()
    if beat is None:
        return "no beat yet: is `celery -A config beat` running, and a worker?"
    silence = timezone.now() - beat.at
    return "ok" if silence < LONGEST_SILENCE else f"silent for {int(silence.total_seconds())} s"
