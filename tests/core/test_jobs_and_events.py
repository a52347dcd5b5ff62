"""A dead broker loses only the nudge, and events run inside the change that caused them."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest
from celery import current_app
from django.db import connection, transaction

from core import events, jobs
from core.models import Heartbeat, Organization
from core.tenancy import current_organization_id, organization_scope
from tests.live import Live, house, wait_for


@dataclass(frozen=True)
class Rang:
    organization_id: int


def test_a_dead_broker_neither_hinders_nor_delays_the_change(committed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = current_app.connection_for_write("redis://127.0.0.1:1/0")
    task = current_app.tasks["core.beat"]
    apply_async = task.apply_async
    monkeypatch.setattr(task, "apply_async", lambda **options: apply_async(connection=dead, **options))  # type: ignore[call-arg]

    began = time.monotonic()
    with transaction.atomic():
        organization, _ = house()
        jobs.enqueue("core.beat")
    took = time.monotonic() - began

    assert Organization.objects.filter(pk=organization.pk).exists()
    assert took < 10  # not a measure of speed: it must not hang


def test_an_unknown_task_is_a_bug_that_shows_at_once(db: None) -> None:
    with pytest.raises(KeyError):
        jobs.enqueue("core.no_such_task")


def test_a_handler_that_fails_takes_the_change_with_it(db: None) -> None:
    heard: list[int] = []

    def listen(event: Rang) -> None:
        heard.append(event.organization_id)
        raise ZeroDivisionError

    events.subscribe(Rang, listen)
    events.subscribe(Rang, listen)

    @transaction.atomic
    def found() -> None:
        events.publish(Rang(Organization.objects.create(slug="palm", name="Palm").pk))

    with pytest.raises(ZeroDivisionError):
        found()

    assert len(heard) == 1
    assert not Organization.objects.exists()


def test_scopes_nest_and_close_even_when_something_breaks(organization: Organization, db: None) -> None:
    other = Organization.objects.create(slug="cedar", name="Cedar")

    with pytest.raises(ZeroDivisionError), organization_scope(other.pk):
        raise ZeroDivisionError

    assert current_organization_id() == organization.pk


@pytest.mark.live
def test_a_worker_outlives_the_restart_of_its_database(live: Live) -> None:
    """Not one task fails: each begins by asking whether its connection still lives."""
    live.start_worker(concurrency=1, queues="celery")
    for _ in range(3):
        Heartbeat.objects.all().delete()
        _send(live, "core.beat")
        wait_for(Heartbeat.objects.exists, seconds=20, what="the worker's sign of life")
        with connection.cursor() as cursor:  # what a restart does to every connection
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert cursor.fetchone()[0] >= 1


def _send(live: Live, task: str) -> None:
    with current_app.connection_for_write(live.redis_url) as broker:
        current_app.send_task(task, connection=broker)
