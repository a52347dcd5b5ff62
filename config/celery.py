"""The Celery application: `celery -A config worker`, `celery -A config beat`."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import setup_logging, task_prerun
from django.db import connections
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("majlis")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.steps["worker"].add(DjangoStructLogInitStep)
app.autodiscover_tasks()


@setup_logging.connect
def use_our_logging(**_: object) -> None:
    """Workers log as the web does: by settings.LOGGING, which Django has already applied."""


@task_prerun.connect
def begin_with_a_living_connection(**_: object) -> None:
    """Celery keeps a connection for CELERY_DB_REUSE_MAX tasks and never asks whether it still lives, as Django does before
    each request: after a restart of the database a worker would go on and fail every task. One SELECT 1 a task."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and not connection.in_atomic_block and not connection.is_usable():
            connection.close()
