"""Staff at work in the back office: forms and actions that call services, lists to take along."""

from __future__ import annotations

import csv
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from core import events
from core.actors import Actor
from core.models import AuditEntry
from crm.events import DealClosed
from crm.models import (
    Agent,
    BankDetails,
    Contact,
    ContactPoint,
    Deal,
    ListDisclosure,
    Project,
    ProjectAssignment,
    Property,
)
from tests.crm import factories

ADMIN = "/o/palm/admin/crm/"


@pytest.fixture
def staff(client: Client, manager: Actor) -> Client:
    client.force_login(manager.user)  # type: ignore[arg-type]
    return client


def act(client: Client, model: str, action: str, *rows: Any) -> tuple[Any, list[str]]:
    """Choose rows of a list and an action; the answer and what the page says."""
    answer = client.post(f"{ADMIN}{model}/", {"action": action, "_selected_action": [row.pk for row in rows]})
    return answer, [str(message) for message in get_messages(answer.wsgi_request)]


def inlines(*names: str) -> dict[str, Any]:
    """The management fields of the tables below a form."""
    counts = {"TOTAL_FORMS": 0, "INITIAL_FORMS": 0, "MIN_NUM_FORMS": 0, "MAX_NUM_FORMS": 0}
    return {f"{name}-{field}": value for name in names for field, value in counts.items()}


def test_a_project_is_added_and_renamed_by_its_service(staff: Client, manager: Actor) -> None:
    form = {"name": "Vardon", "status": "active", **inlines("assignments")}
    assert staff.post(f"{ADMIN}project/add/", form).status_code == 302
    project = Project.objects.get()
    assert (project.number, project.name, project.currency) == (1, "Vardon", "AED")

    address = f"{ADMIN}project/{project.pk}/change/"
    assert staff.get(address).status_code == 200
    assert staff.post(address, {**form, "number": 12, "name": "Pacifica"}).status_code == 302
    project.refresh_from_db()
    assert (project.number, project.name) == (12, "Pacifica")

    again = staff.post(f"{ADMIN}project/add/", {**form, "name": "Pacifica"})
    assert again.status_code == 409
    assert "Another project has this name." in again.content.decode()
    actions = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert (list(actions), Project.objects.count()) == (["crm.project_added", "crm.project_changed"], 1)


def test_a_unit_is_added_with_a_price(staff: Client, manager: Actor) -> None:
    project = factories.project(manager.organization)
    form = {
        "project": project.pk, "status": "available", "currency": "AED", "p_number": "77",
        "asking_price": "1,250,000.00", **inlines("ownerships", "assignments", "deals"),
    }  # fmt: skip

    assert staff.post(f"{ADMIN}property/add/", {**form, "p_number": ""}).status_code == 422
    assert not Property.objects.exists()
    assert staff.post(f"{ADMIN}property/add/", form).status_code == 302

    unit = Property.objects.get()
    assert (unit.p_number, unit.asking_price_minor, unit.project) == ("77", 125_000_000, project)
    address = f"{ADMIN}property/{unit.pk}/change/"
    assert "1250000.00" in staff.get(address).content.decode()
    assert staff.post(address, {**form, "asking_price": "1250000.00", "view": "Park"}).status_code == 302
    unit.refresh_from_db()
    assert (unit.asking_price_minor, unit.view) == (125_000_000, "Park")


def test_people_are_added(staff: Client, manager: Actor, agent: Actor) -> None:
    contact = {"display_name": "Tareema Wadar", "kind": "person", **inlines("points", "ownerships")}
    assert staff.post(f"{ADMIN}contact/add/", contact).status_code == 302
    known = Contact.objects.get()
    point = {"contact": known.pk, "kind": "phone", "value": "050 123 4567"}
    assert staff.post(f"{ADMIN}contactpoint/add/", point).status_code == 302
    assert ContactPoint.objects.get().value == "+971501234567"
    assert agent.membership
    profile = {"membership": agent.membership.pk, **inlines("assignments")}
    assert staff.post(f"{ADMIN}agent/add/", profile).status_code == 302
    assert Agent.objects.get().name == "Omar"
    project = factories.project(manager.organization)
    work = {"agent": Agent.objects.get().pk, "project": project.pk}
    assert staff.post(f"{ADMIN}projectassignment/add/", work).status_code == 302
    assert ProjectAssignment.objects.get().project == project

    page = staff.get(f"{ADMIN}contact/?q=0501234567").content.decode()
    assert "+97150•••67" in page
    assert "Tareema Wadar" in page


def test_deals_are_closed_and_lost(staff: Client, manager: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[object] = []
    monkeypatch.setitem(events._handlers, DealClosed, [heard.append])
    leader = factories.agent(manager)
    project = factories.project(manager.organization)
    won, lost = (factories.deal(factories.unit(project, status="available"), leader) for _ in range(2))

    _, said = act(staff, "deal", "close", won)
    assert said == [f"Sale of property {won.property_id} ({won.pk}) is closed."]
    _, said = act(staff, "deal", "lose", won, lost)
    assert said[-2:] == [
        f"Sale of property {lost.property_id} ({lost.pk}) is lost.",
        "This deal is closed; from there it can become: contract.",
    ]

    won.refresh_from_db()
    assert (won.stage, won.closed_on) == ("closed", (timezone.now() + timedelta(hours=4)).date())
    assert Deal.objects.get(pk=lost.pk).stage == "lost"
    assert heard == [DealClosed(manager.organization.pk, won.pk)]


def test_bank_details_are_verified_by_another_person(
    client: Client, admin: Actor, manager: Actor, agent: Actor
) -> None:
    def details(entered_by: Actor, holder: Actor) -> BankDetails:
        assert entered_by.membership
        return BankDetails.objects.create(
            organization=admin.organization,
            agent=factories.agent(holder),
            holder="Someone",
            bank_name="First Bank",
            iban="AE070331234567890123456",
            entered_by=entered_by.membership,
        )

    own, others = details(admin, manager), details(manager, agent)
    client.force_login(admin.user)  # type: ignore[arg-type]

    _, said = act(client, "bankdetails", "verify", own, others)

    assert sorted(said) == [
        "Somebody else must verify these: not who wrote them down, and not who is paid.",
        "The bank details of Omar are verified.",
    ]
    own.refresh_from_db()
    others.refresh_from_db()
    assert (own.verified_by, others.verified_by) == (None, admin.membership)
    assert "AE0703" not in client.get(f"{ADMIN}bankdetails/").content.decode()


def test_an_agent_leaves_on_the_page_where_the_successor_is_chosen(
    staff: Client, agent: Actor, other_agent: Actor
) -> None:
    busy, free = factories.agent(agent), factories.agent(other_agent)
    chosen = {"action": "leave", "_selected_action": [busy.pk]}

    sent = staff.post("/o/palm/admin/crm/agent/", chosen)
    assert sent.headers["Location"] == f"/o/palm/agents/{busy.pk}/leaving/"
    _, said = act(staff, "agent", "leave", busy, free)
    assert said == ["Choose one agent: each has successors of his own."]
    assert set(Agent.objects.values_list("status", flat=True)) == {"active"}


def test_a_list_is_taken_along_and_opens_without_harm(
    staff: Client, manager: Actor, django_assert_num_queries: Any
) -> None:
    house = manager.organization
    formula = factories.contact(house, '=HYPERLINK("http://x")')
    factories.point(formula, "+971501234567", is_primary=True)
    factories.point(factories.contact(house, "نور هادي"), "noor@example.com", kind="email")
    factories.contact(house, "Left Out")

    answer, _ = act(staff, "contact", "export_csv", *Contact.objects.exclude(display_name="Left Out"))

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "palm-contact-" in answer["Content-Disposition"]
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert [(row["Name"], row["Numbers"], row["E-mail"]) for row in rows] == [  # newest first, as on the page
        ("نور هادي", "", "noor@example.com"),
        ('\'=HYPERLINK("http://x")', "'+971501234567", ""),
    ]
    entry = AuditEntry.objects.get(action="core.list_exported")
    assert (entry.user, entry.after["list"], entry.after["rows"]) == (manager.user, "crm.contact", 2)
    taken = ListDisclosure.objects.get()
    assert (taken.membership, taken.listed, taken.how_many) == (manager.membership, "crm.contact", 2)


@pytest.mark.parametrize("model", ["project", "property", "ownership", "agent", "projectassignment", "deal"])
def test_every_list_can_be_taken_along(staff: Client, manager: Actor, model: str) -> None:
    unit = factories.unit(factories.project(manager.organization), asking_price_minor=100)
    factories.ownership(unit, factories.contact(manager.organization), is_primary=True)
    leader = factories.agent(manager)
    factories.assignment(leader, unit.project)
    factories.deal(unit, leader)
    models = {"project": Project, "property": Property, "agent": Agent, "projectassignment": ProjectAssignment}
    rows = (models | {"ownership": unit.ownerships, "deal": Deal})[model]

    answer, _ = act(staff, model, "export_csv", *(rows.all() if model == "ownership" else rows.objects.all()))  # type: ignore[attr-defined]

    assert len(b"".join(answer.streaming_content).splitlines()) == 2


def test_viewers_look_and_take_nothing(client: Client, manager: Actor) -> None:
    from tests.conftest import member

    viewer = member(manager.organization, "viewer", "Vera")  # type: ignore[arg-type]
    contact = factories.contact(manager.organization)
    client.force_login(viewer.user)

    page = client.get(f"{ADMIN}contact/")
    assert page.status_code == 200
    assert "export_csv" not in page.content.decode()
    act(client, "contact", "export_csv", contact)
    act(client, "contact", "export_xlsx", contact)
    act(client, "contact", "mark_bad", contact)
    assert client.get(f"{ADMIN}contact/add/").status_code == 403
    contact.refresh_from_db()
    assert contact.is_bad_contact is False
    assert not AuditEntry.objects.exists()


def test_agents_have_no_back_office(client: Client, agent: Actor) -> None:
    client.force_login(agent.user)  # type: ignore[arg-type]

    assert client.get(f"{ADMIN}contact/").status_code == 403
