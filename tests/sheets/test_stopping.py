"""An import that is stopped leaves nothing, wherever it was."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from core.actors import Actor
from core.models import AuditEntry, Organization
from core.tenancy import organization_scope
from crm.models import Contact, Property
from sheets import progress, services, tasks
from sheets.errors import ImportNotRunning
from sheets.models import ImportRun, RowLink, RunStatus
from tests.sheets.imports import comma_separated, master, upload, xlsx

IMPORTS = "/api/v1/palm/imports/"
ROW = {"P-NUMBER": 1, "PROJECT": "Vardon", "NAME": "Tareema Wadar", "MOBILE": "0500000001"}


def test_a_waiting_import_is_stopped_at_once_and_can_be_begun_again(client: Client, manager: Actor) -> None:
    run = upload(manager, xlsx(master(ROW)))
    services.request_commit(actor=manager, run=run, at=timezone.now())
    client.force_login(manager.user)  # type: ignore[arg-type]

    stopped = client.delete(f"{IMPORTS}{run.pk}/commit/")

    assert (stopped.status_code, stopped.json()["status"]) == (200, "cancelled")
    tasks.commit_import(organization_id=manager.organization.pk, run_id=run.pk)
    with organization_scope(manager.organization.pk):
        assert not Property.objects.exists()
        assert AuditEntry.objects.get(action="sheets.import_cancelled").user == manager.user
    again = client.delete(f"{IMPORTS}{run.pk}/commit/")
    assert (again.status_code, again.json()["code"]) == (409, "import_not_running")

    assert client.post(f"{IMPORTS}{run.pk}/commit/").status_code == 202
    tasks.commit_import(organization_id=manager.organization.pk, run_id=run.pk)
    with organization_scope(manager.organization.pk):
        assert Property.objects.count() == 1


def test_a_running_import_rolls_back(manager: Actor) -> None:
    """As if another connection had asked, just after the worker took it."""
    run = upload(manager, xlsx(master(ROW)))
    services.request_commit(actor=manager, run=run, at=timezone.now())
    ImportRun.objects.update(stop_requested_at=timezone.now())

    services.commit(organization=manager.organization, run_id=run.pk, at=timezone.now())

    run.refresh_from_db()
    assert (run.status, run.stop_requested_at, run.counts) == (RunStatus.CANCELLED, None, {})
    assert not Property.objects.exists()
    assert not RowLink.objects.exists()


def test_what_is_done_cannot_be_stopped(manager: Actor, agent: Actor) -> None:
    from tests.sheets.imports import commit

    run = commit(manager, upload(manager, xlsx(master(ROW))))

    with pytest.raises(ImportNotRunning, match="This import is imported: there is nothing to stop"):
        services.cancel_import(actor=manager, run=run, at=timezone.now())


def test_it_stops_in_the_middle_of_the_rows(committed: str, tmp_path: Any, settings: Any) -> None:
    """A worker reads 60,000 rows; somebody else presses stop meanwhile."""
    settings.MEDIA_ROOT = tmp_path / "media"
    house = Organization.objects.create(slug="palm", name="Palm Brokers")
    from core.actors import system

    actor = system(house)
    rows = [{"P-NUMBER": n, "PROJECT": "Vardon", "NAME": f"Owner {n}", "MOBILE": f"05{n:08}"} for n in range(60_000)]
    with organization_scope(house.pk):
        run = upload(actor, comma_separated(master(*rows)), "units.csv")
        services.request_commit(actor=actor, run=run, at=timezone.now())

    def work() -> None:
        with organization_scope(house.pk):
            services.commit(organization=house, run_id=run.pk, at=timezone.now())
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    with organization_scope(house.pk):
        deadline = time.monotonic() + 60
        while progress.rows(run.pk)[0] < 4000:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        services.cancel_import(actor=actor, run=ImportRun.objects.get(), at=timezone.now())
        worker.join(60)

        assert ImportRun.objects.get().status == RunStatus.CANCELLED
        assert not Property.objects.exists()
        assert not Contact.objects.exists()
