"""Workers killed with -9 in the middle of syncs: the next run ends in the state of an undisturbed one."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from celery import Celery
from django.db import connection
from django.utils import timezone

from core.actors import Actor
from core.models import Organization
from core.roles import Role
from core.tenancy import organization_scope
from crm.models import Property
from sheets.models import ImportRun, RowLink, RunStatus
from sheets.sync import performing, requests
from tests.live import Live, house, wait_for
from tests.sandbox.google import Google
from tests.sheets.linked import Office, lines

ROWS = lines(
    *[{"P-NUMBER": n, "PROJECT": "Vardon", "NAME": f"Owner Number{n}", "Status": "Rented"} for n in range(1, 201)]
)
KILLS = 5
SLOW = 0.2  # seconds that every answer of Google takes: so the worker is killed between any two of them


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_worker_killed_at_random_points_of_a_sync_loses_and_doubles_nothing(live: Live, settings: Any) -> None:
    live.start_sandbox()
    settings.SHEETS_API_URL = live.programs.env["SHEETS_API_URL"] = live.sandbox_url
    organization, members = house()
    with organization_scope(organization.pk):
        office = Office(Google(live.sandbox_url), Actor(organization, members[Role.MANAGER]))
        office.google.admin("configure", {"quota": None})
        office.link(ROWS)
        chance = random.Random(7)
        killed = 0
        for round_ in range(KILLS):
            if round_ % 2:
                office.set(**{f"G{2 + n}": f"View {round_}" for n in range(0, 200, 10)})
                Property.objects.filter(p_number__in=[str(n) for n in range(2, 200, 10)]).update(
                    layout=f"L{round_}", updated_at=timezone.now()
                )
            office.google.admin("faults", {"kind": "slow", "where": "all", "delay": SLOW, "times": 1000})
            worker = live.start_worker(1)
            run = requests.request_sync(actor=office.actor, spreadsheet=office.sheet, at=timezone.now(), if_idle=True)
            if run is not None:
                _nudge(live, organization, run)
            wait_for(lambda: ImportRun.objects.filter(status=RunStatus.RUNNING).exists() or None, what="the sync")
            time.sleep(chance.uniform(0, 8 * SLOW))
            killed += ImportRun.objects.filter(status=RunStatus.RUNNING).exists()
            live.kill(worker)
            office.google.admin("faults", method="DELETE")
            _recover(organization)

        # What an undisturbed office ends with.
        last = KILLS - 1 if KILLS % 2 == 0 else KILLS - 2  # edits are made in every other round
        units = {unit.p_number: unit for unit in Property.objects.all()}
        assert len(units) == 200
        assert RowLink.objects.count() == 200
        assert len(set(office.column("majlis_id"))) == 200
        for n in range(0, 200, 10):
            assert units[str(n + 1)].view == f"View {last}"
        assert office.column("View")[::10] == [f"View {last}"] * 20
        assert office.sync().counts["unchanged"] == 200
        assert killed >= KILLS // 2


def _nudge(live: Live, organization: Organization, run: ImportRun) -> None:
    """Over the broker of the worker, which is not this process's own."""
    with Celery(broker=live.redis_url, set_as_current=False) as broker:
        broker.send_task("sheets.sync", kwargs={"organization_id": organization.pk, "run_id": run.pk})


def _recover(organization: Organization) -> None:
    """As the sweeper would, once the lease is over; then a worker does what is queued."""
    at = timezone.now() + performing.LEASE * 2
    # The killed worker's transaction goes as soon as its connection does.
    wait_for(lambda: not _held(), what="the dead worker's locks")
    performing.sweep(organization=organization, at=at)
    for run in ImportRun.objects.filter(kind="google", status=RunStatus.QUEUED):
        performing.perform(organization=organization, run_id=run.pk, at=timezone.now())
    assert not ImportRun.objects.filter(status__in=[RunStatus.QUEUED, RunStatus.RUNNING]).exists()


def _held() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database() "
            "WHERE l.locktype = 'advisory' AND l.pid <> pg_backend_pid()"
        )
        return bool(cursor.fetchone()[0])
