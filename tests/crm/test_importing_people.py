"""Contacts, prospects and assignments come in through the same engine as units."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils import timezone

from core.actors import Actor
from crm.models import Contact, ContactPoint, ProjectAssignment
from sheets import services
from sheets.models import ImportRun
from tests.crm import factories
from tests.sheets.imports import comma_separated, commit, upload

HEADER = ["Name", "Mobile", "E-mail", "Language", "Nationality", "Emirates ID", "Tags", "Address", "Agent", "Type"]
RANA = [
    "Rana Aziz",
    "0501234567",
    "Rana@Example.com",
    "Arabic",
    "Jordan",
    "784-1980-1234567-1",
    "vip, villa",
    "Marina",
    "",
    "",
]


def bring(actor: Actor, lines: list[list[Any]], table: str = "crm.contacts", name: str = "people.csv") -> ImportRun:
    run = commit(actor, upload(actor, comma_separated(lines), name, table=table))
    assert run.status == "done", run.error
    return run


def codes(run: ImportRun) -> list[tuple[int, str, str]]:
    return list(run.errors.order_by("row", "id").values_list("row", "severity", "code"))


def test_a_row_becomes_a_contact_with_all_that_it_says(manager: Actor, agent: Actor) -> None:
    line = [*RANA[:8], agent.user.email, "Company"]  # type: ignore[union-attr]

    run = bring(manager, [HEADER, line])

    contact = Contact.objects.get()
    assert (contact.display_name, contact.first_name, contact.last_name) == ("Rana Aziz", "Rana", "Aziz")
    assert (contact.kind, contact.language, contact.nationality, contact.address) == (
        "company",
        "ar",
        "Jordan",
        "Marina",
    )
    assert (contact.national_id, contact.tags, contact.assigned_to) == (
        "784198012345671",
        ["vip", "villa"],
        agent.membership,
    )
    points = ContactPoint.objects.order_by("id").values_list("kind", "value", "is_primary")
    assert list(points) == [("phone", "+971501234567", True), ("email", "rana@example.com", True)]
    assert (run.counts["new"], run.counts["contacts_new"], run.counts["points_new"]) == (1, 1, 2)
    assert codes(run) == []


def test_the_same_file_again_changes_nothing_and_a_changed_cell_only_itself(manager: Actor) -> None:
    bring(manager, [HEADER, RANA])
    Contact.objects.update(address="Downtown", tags=["mine", "vip"])

    again = bring(manager, [HEADER, RANA])
    assert (again.counts["unchanged"], again.counts.get("contacts_changed", 0)) == (1, 0)
    changed = bring(manager, [HEADER, [*RANA[:4], "Egypt", RANA[5], "vip, palm", *RANA[7:]]])

    contact = Contact.objects.get()
    assert (contact.nationality, contact.address, contact.tags) == ("Egypt", "Downtown", ["mine", "vip", "palm"])
    assert changed.counts["contacts_changed"] == 1
    change = changed.changes.get(target_type="crm.contact")
    assert change.before == {"nationality": "Jordan", "tags": ["mine", "vip"]}

    services.request_reversal(actor=manager, run=changed, at=timezone.now())
    services.revert(organization=manager.organization, run_id=changed.pk, at=timezone.now())
    contact.refresh_from_db()
    assert (contact.nationality, contact.address, contact.tags) == ("Jordan", "Downtown", ["mine", "vip"])


def test_a_point_and_the_name_together_say_who_it_is_and_neither_alone(manager: Actor) -> None:
    known = factories.contact(manager.organization, "Rana Aziz")
    factories.point(known, "+971501234567")
    lines = [["Name", "Mobile", "E-mail"],
             ["RANA  AZIZ", "050 123 4567", "rana@example.com"],
             ["Rana Aziz", "0509999999", ""],
             ["Ledaan Dahari", "0501234567", ""],
             ["Rana Aziz", "", ""]]  # fmt: skip

    run = bring(manager, lines)

    assert (run.counts["contacts_new"], Contact.objects.count()) == (3, 4)
    assert sorted(known.points.values_list("value", flat=True)) == ["+971501234567", "rana@example.com"]


def test_a_national_id_belongs_to_one(manager: Actor) -> None:
    header = ["Name", "Mobile", "Emirates ID"]
    bring(manager, [header, ["Rana Aziz", "0501234567", "784-1980-1234567-1"]])

    other = bring(manager, [["Full name", "Whatsapp", "EID"],
                            ["Rana Aziz", "0507654321", "784198012345671"],
                            ["Ledaan Dahari", "0501111111", "784 1980 1234567 1"]], name="b.csv")  # fmt: skip

    assert Contact.objects.count() == 2
    assert Contact.objects.get(national_id_index__gt="").points.count() == 2
    assert codes(other) == [(3, "warning", "national_id_taken")]


def test_what_cannot_be_read_is_said(manager: Actor) -> None:
    lines = [HEADER, ["", "", "", "", "", "", "vip", "", "", ""],
             ["Ledaan Dahari", "12", "nowhere", "Klingon", "", "", "", "", "nobody@example.com", "robot"]]  # fmt: skip

    run = bring(manager, lines)

    assert codes(run) == [
        (2, "error", "contact_is_nobody"),
        (3, "warning", "phone_invalid"),
        (3, "warning", "email_invalid"),
        (3, "warning", "kind_unknown"),
        (3, "warning", "language_unknown"),
        (3, "warning", "assignee_unknown"),
    ]


def test_a_lone_column_of_mobiles_becomes_prospects(manager: Actor) -> None:
    known = factories.contact(manager.organization, "Rana Aziz")
    factories.point(known, "+971501234567")

    run = bring(manager, [["MOBILE"], ["0501234567"], ["0507654321"], ["050 765 4321"]], "crm.prospects")

    prospect = Contact.objects.get(tags=["prospect"])
    assert (prospect.display_name, prospect.normalized_name) == ("0507654321", "")
    assert Contact.objects.count() == 2
    assert codes(run) == [(2, "warning", "number_known"), (4, "error", "number_repeated")]


def test_a_prospect_keeps_where_it_came_from_and_what_it_wants(manager: Actor) -> None:
    lines = [["Client", "Number", "Lead Source", "Interested in", "Tags"],
             ["Rana Aziz", "0501234567", "Open day", "villa; sea view", "hot"],
             ["", "0507654321", "", "", ""]]  # fmt: skip

    run = bring(manager, lines, "crm.prospects")

    rana = Contact.objects.get(display_name="Rana Aziz")
    assert (rana.source, rana.tags) == ("Open day", ["prospect", "villa", "sea view", "hot"])
    assert (run.counts["contacts_new"], codes(run)) == (2, [])


def test_numbers_without_a_header_are_offered_as_numbers(manager: Actor) -> None:
    run = upload(manager, comma_separated([["Rana Aziz", "0501234567"], ["Ledaan Dahari", "0507654321"]]),
                 "list.csv", table="crm.prospects")  # fmt: skip

    assert run.mapping["columns"] == {"Column 1": "name", "Column 2": "mobile"}


def test_an_import_of_contacts_is_taken_back(manager: Actor) -> None:
    run = bring(manager, [HEADER, RANA])

    services.request_reversal(actor=manager, run=run, at=timezone.now())
    reversal = services.revert(organization=manager.organization, run_id=run.pk, at=timezone.now())

    assert reversal
    assert reversal.counts["removed"] == {"crm.contact": 1, "crm.contactpoint": 2}
    assert not Contact.objects.live().exists()
    assert bring(manager, [HEADER, RANA]).counts == run.counts


ASSIGNED = ["Agent", "Project", "Unit", "Due date", "Notes"]


def test_assignments_find_agent_project_and_unit(manager: Actor, agent: Actor, other_agent: Actor) -> None:
    project = factories.project(manager.organization, "Vardon", number=7)
    unit = factories.unit(project, unit_number="12", cluster="North")
    omar = factories.agent(agent, "Omar Said", whatsapp_number="+971501234567")
    factories.agent(other_agent, "Huda Nasr", status="archived")
    lines = [ASSIGNED,
             ["omar said", "7", "", "30/11/2026", "call all"],
             [agent.user.email, "VARDON", "12", "2026-12-01", ""],  # type: ignore[union-attr]
             ["Huda Nasr", "Vardon", "", "", ""],
             ["Nobody", "Vardon", "", "", ""],
             ["0501234567", "Nowhere", "", "", ""],
             ["Omar Said", "Vardon", "99", "", ""],
             ["Omar Said", "", "", "soon", ""]]  # fmt: skip

    run = bring(manager, lines, "crm.assignments")

    made = ProjectAssignment.objects.order_by("id").values_list("agent", "project", "property", "due_on", "notes")
    assert list(made) == [
        (omar.pk, project.pk, None, date(2026, 11, 30), "call all"),
        (omar.pk, project.pk, unit.pk, date(2026, 12, 1), ""),
    ]
    assert codes(run) == [
        (4, "error", "agent_not_active"),
        (5, "error", "agent_unknown"),
        (6, "error", "project_unknown"),
        (7, "error", "unit_unknown"),
        (8, "error", "project_missing"),
    ]

    again = bring(manager, lines[:3], "crm.assignments")
    assert (again.counts["unchanged"], ProjectAssignment.objects.count()) == (2, 2)
    later = bring(manager, [ASSIGNED, ["omar said", "7", "", "15.12.2026", "call all"]], "crm.assignments")
    assert (later.counts["assignments_changed"], ProjectAssignment.objects.order_by("id")[0].due_on) == (
        1, date(2026, 12, 15),
    )  # fmt: skip
    services.request_reversal(actor=manager, run=later, at=timezone.now())
    services.revert(organization=manager.organization, run_id=later.pk, at=timezone.now())
    assert ProjectAssignment.objects.order_by("id")[0].due_on == date(2026, 11, 30)
    services.request_reversal(actor=manager, run=run, at=timezone.now())
    services.revert(organization=manager.organization, run_id=run.pk, at=timezone.now())
    assert not ProjectAssignment.objects.live().exists()


def test_two_agents_of_one_name_are_told_apart_by_address(manager: Actor, agent: Actor, other_agent: Actor) -> None:
    factories.project(manager.organization, "Vardon")
    factories.agent(agent, "Omar Said")
    second = factories.agent(other_agent, "Omar Said")
    lines = [ASSIGNED[:2], ["Omar Said", "Vardon"], [other_agent.user.email, "Vardon"]]  # type: ignore[union-attr]

    run = bring(manager, lines, "crm.assignments")

    assert codes(run) == [(2, "error", "agent_ambiguous")]
    assert ProjectAssignment.objects.get().agent == second
