"""Work with a due date: moved by the office, found by it, and never in another project than its unit."""

from __future__ import annotations

from datetime import date

from django.test import Client

from core.actors import Actor
from core.models import AuditEntry
from crm import services
from crm.models import ProjectAssignment
from tests.crm import factories
from tests.crm.doors import Caller

LIST = "/o/palm/admin/crm/projectassignment/"


def test_a_due_date_moves_over_the_api_and_overdue_work_is_found(client: Client, manager: Actor, agent: Actor) -> None:
    profile = factories.agent(agent, expertise_areas=["Damac Hills", "Lagoons"])
    work = factories.assignment(profile, factories.project(manager.organization), due_on=date(2026, 6, 1))
    office = Caller(client, manager)

    moved = office.patch(f"assignments/{work.pk}/", {"due_on": "2026-07-01", "notes": " waits for the owner "})

    assert (moved.json()["due_on"], moved.json()["notes"]) == ("2026-07-01", "waits for the owner")
    assert AuditEntry.objects.get(action="crm.assignment_changed").before == {"due_on": "2026-06-01", "notes": ""}
    assert office.get("assignments/?due_until=2026-06-30").json()["results"] == []
    assert len(office.get("assignments/?due_from=2026-07-01&due_until=2026-07-31").json()["results"]) == 1
    assert len(office.get("agents/?expertise=damac").json()["results"]) == 1
    assert office.get("agents/?expertise=Marina").json()["results"] == []
    assert Caller(client, agent).patch(f"assignments/{work.pk}/", {"due_on": None}).status_code == 403

    services.complete_assignment(actor=manager, assignment=work)
    late = office.patch(f"assignments/{work.pk}/", {"due_on": None})
    assert (late.status_code, late.json()["code"]) == (409, "assignment_ended")


def test_the_back_office_moves_a_due_date_and_nothing_else(client: Client, manager: Actor, agent: Actor) -> None:
    project = factories.project(manager.organization)
    work = factories.assignment(factories.agent(agent), project)
    client.force_login(manager.user)  # type: ignore[arg-type]

    typed = {"due_on": "2026-07-01", "notes": "", "project": factories.project(manager.organization, "Acuna").pk}
    assert client.post(f"{LIST}{work.pk}/change/", typed).status_code == 302

    work.refresh_from_db()
    assert (work.due_on, work.project) == (date(2026, 7, 1), project)
    ProjectAssignment.objects.update(status="completed")
    assert client.post(f"{LIST}{work.pk}/change/", typed).status_code == 403


def test_a_unit_that_moves_takes_its_agent_along(manager: Actor, agent: Actor) -> None:
    here, there = (factories.project(manager.organization, name) for name in ("Vardon", "Acuna"))
    unit = factories.unit(here)
    profile = factories.agent(agent)
    services.assign_agent(actor=manager, agent=profile, project=here, property=unit)

    services.update_property(actor=manager, property=unit, project=there)

    assert ProjectAssignment.objects.get().project == there
    unit.refresh_from_db()
    assert services.update_property(actor=agent, property=unit, price_note="asks").price_note == "asks"
