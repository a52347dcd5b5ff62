"""Workers killed with -9 in the middle of a validation and of a reversal: the next one ends where none had died.

Somebody holds a row that the worker comes to, so that it is killed in the middle each time, and not sometimes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery import Celery
from django.db import connection, transaction
from django.utils import timezone

from core.actors import Actor
from core.models import Organization
from core.roles import Role
from core.tenancy import organization_scope
from crm import services
from crm.models import Contact, ContactPoint, Ownership, Property, ValidationFinding, ValidationRun
from crm.services import validation
from sheets import services as sheets
from sheets.models import ImportReversal
from sheets.services.reversals import LEASE
from tests.crm import factories
from tests.live import Live, house, wait_for
from tests.sheets.imports import bring

POINTS = 3 * validation.AT_A_TIME


@pytest.mark.live
@pytest.mark.slow
def test_a_validation_goes_on_where_its_worker_was_killed(live: Live) -> None:
    organization, members = house()
    manager = Actor(organization, members[Role.MANAGER])
    with organization_scope(organization.pk):
        contact = factories.contact(organization)
        ContactPoint.objects.bulk_create(
            ContactPoint(organization=organization, contact=contact, kind="phone", value=number)
            for n in range(POINTS)
            for number in [f"+97143{334000 + n}" if n % 3 == 0 else f"+9715012{n:05}" if n % 3 == 1 else f"+9715{n:03}"]
        )
        last = ContactPoint.objects.latest("pk")
        worker = live.start_worker(1)
        run = services.start_validation(actor=manager, chosen=validation.Chosen(), at=timezone.now())
        with _held(last):
            _nudge(live, "crm.validate_points", organization, run_id=run.pk)
            wait_for(_waited_for, what="the worker to come to the row")
            live.kill(worker)

        run.refresh_from_db()
        assert (run.status, run.checked) == ("running", 2 * validation.AT_A_TIME)
        later = timezone.now() + validation.LEASE * 2
        validation.sweep(organization=organization, at=later)
        validation.go_on(organization=organization, run_id=run.pk, clock=lambda: later)

        run.refresh_from_db()
        third = POINTS // 3
        assert (run.status, run.checked, run.changed) == ("done", POINTS, POINTS)
        assert run.counts == {"landline": third, "fine": third, "no_number": third}
        findings = Counter(ValidationFinding.objects.values_list("finding", flat=True))
        assert findings == run.counts
        assert Counter(ContactPoint.objects.values_list("status", flat=True)) == {"valid": 2 * third, "invalid": third}
        assert ValidationRun.objects.count() == 1


@pytest.mark.live
@pytest.mark.slow
def test_an_import_is_taken_back_whole_after_its_worker_was_killed(live: Live, settings: Any) -> None:
    settings.MEDIA_ROOT = live.programs.env["MEDIA_ROOT"]
    organization, members = house()
    manager = Actor(organization, members[Role.MANAGER])
    with organization_scope(organization.pk):
        before = factories.unit(factories.project(organization, "Vardon"), p_number="1", view="Sea")
        rows = [
            {"P-NUMBER": n, "PROJECT": "Vardon", "NAME": f"Owner {n}", "MOBILE": f"05011{n:05}", "View": "Park"}
            for n in range(1, 301)
        ]
        run = bring(manager, *rows)
        plan, _kept = sheets.preview_reversal(actor=manager, run=run)
        worker = live.start_worker(1)
        sheets.request_reversal(actor=manager, run=run, at=timezone.now())
        with _held(before):
            _nudge(live, "sheets.revert_import", organization, run_id=run.pk)
            wait_for(_waited_for, what="the worker to come to the row")
            live.kill(worker)

        assert ImportReversal.objects.get().status == "running"
        assert Property.objects.live().count() == 300
        wait_for(lambda: not _locked(), what="the dead worker's locks")
        later = timezone.now() + LEASE * 2
        assert sheets.sweep_reversals(organization=organization, at=later) == 1
        done = sheets.revert(organization=organization, run_id=run.pk, at=later)

        assert done is not None
        assert (done.status, done.counts["removed"]) == ("done", plan.removed)
        unit = Property.objects.live().get()
        assert (unit.pk, unit.view) == (before.pk, "Sea")
        for table in (Contact, ContactPoint, Ownership):
            assert not table.objects.live().exists()


@contextmanager
def _held(row: Any) -> Iterator[None]:
    with transaction.atomic():
        type(row).objects.select_for_update().get(pk=row.pk)
        yield


def _waited_for() -> bool:
    """Whether another connection waits for this one's row."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        return bool(cursor.fetchone()[0])


def _locked() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database() "
            "WHERE l.locktype = 'advisory' AND l.pid <> pg_backend_pid()"
        )
        return bool(cursor.fetchone()[0])


def _nudge(live: Live, task: str, organization: Organization, **what: int) -> None:
    """Over the broker of the worker, which is not this process's own."""
    with Celery(broker=live.redis_url, set_as_current=False) as broker:
        broker.send_task(task, kwargs={"organization_id": organization.pk, **what})
