"""Work that follows a change: started by name after commit, so that services never import the tasks that call them.

The row is the queue and the job is only a nudge: a lost job is found again by the sweepers in config/schedule.py.
"""

from __future__ import annotations

from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)


def enqueue(task_name: str, **kwargs: int | str | None) -> None:
    """Start the task of that name once the present transaction has committed; at once when there is none.

    A broker that is down loses only the nudge, never the change: the sweeper finds the row.
    Raises KeyError at once when no such task is registered.
    """
    if task_name not in current_app.tasks:
        raise KeyError(task_name)
    transaction.on_commit(lambda: nudge(task_name, kwargs))


def nudge(task_name: str, given: dict[str, int | str | None], **options: Any) -> None:
    """Start the task now, without asking the database for anything. With `expires` it is not done after so many seconds."""
    try:
        current_app.tasks[task_name].apply_async(kwargs=given, **options)
    except OperationalError:
        log.warning("nudge_lost", task=task_name)
