"""The page of one unit, and what an agent writes there after a call with its owner."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.models import AuditEntry
from crm import selectors
from crm.models import Property
from sheets.models import Conflict, GoogleAccount, ImportRun, RowLink, Spreadsheet
from tests.crm import factories
from tests.crm.test_pages import signed_in


@pytest.fixture
def unit(organization, agent):
    """A unit on offer that the agent works on."""
    made = factories.unit(
        factories.project(organization), cluster="Cluster 14", unit_number="7", status="available", asking_price_minor=1
    )
    factories.assignment(factories.agent(agent), made.project)
    return made


def given(unit, **fields):
    """The form as the browser sends it, with some fields typed anew."""
    unit.refresh_from_db()
    return {
        "status": unit.status, "asking_price": "0.01", "price_note": "", "purpose": "", "view": "", "amenities": "",
        "description": "", "seen": unit.updated_at.isoformat(), **fields,
    }  # fmt: skip


def test_an_agent_writes_down_what_the_owner_said_as_people_say_it(unit, agent):
    client = signed_in(agent)
    typed = given(unit, status="reserved", asking_price="1.2M", price_note="cash  only", amenities="Pool, مسبح ,")

    answer = client.post(reverse("unit-change", args=["palm", unit.pk]), typed)

    assert answer.status_code == 302
    unit.refresh_from_db()
    assert (unit.status, unit.asking_price_minor, unit.price_note) == ("reserved", 120_000_000, "cash only")
    assert unit.amenities == ["Pool", "مسبح"]
    assert AuditEntry.objects.get(action="crm.property_changed").user == agent.user
    page = client.get(reverse("unit", args=["palm", unit.pk])).content.decode()
    assert "AED 1,200,000" in page
    assert "Available" in page.partition("timeline")[2]  # what it was before


def test_only_moves_that_are_possible_are_offered(unit, manager):
    unit.status = "reserved"
    unit.save()

    page = signed_in(manager).get(reverse("unit", args=["palm", unit.pk])).content.decode()

    offered = page.partition('name="status"')[2].partition("</select>")[0]
    assert "archived" not in offered
    assert "available" in offered


def test_a_refusal_keeps_what_was_typed(unit, agent):
    typed = given(unit, asking_price="call me", description="Two terraces")

    answer = signed_in(agent).post(reverse("unit-change", args=["palm", unit.pk]), typed)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "call me" in page
    assert "Two terraces" in page
    unit.refresh_from_db()
    assert unit.asking_price_minor == 1


def test_a_second_tab_does_not_write_over_the_first(unit, agent):
    client, address = signed_in(agent), reverse("unit-change", args=["palm", unit.pk])
    late = given(unit, view="Sea")
    client.post(address, given(unit, view="Park"))

    answer = client.post(address, late)

    assert answer.status_code == 409
    unit.refresh_from_db()
    assert unit.view == "Park"
    # read and saved again, it is written
    assert client.post(address, given(unit, view="Sea")).status_code == 302


def test_nobody_changes_a_colleagues_unit(unit, other_agent):
    answer = signed_in(other_agent).post(reverse("unit-change", args=["palm", unit.pk]), given(unit, view="Sea"))

    assert answer.status_code == 404
    assert Property.objects.get(pk=unit.pk).view == ""


def test_viewers_are_offered_no_form(unit, organization):
    from core.actors import Actor
    from tests.conftest import member

    viewer = Actor(organization, member(organization, "viewer", "Vera"))

    page = signed_in(viewer).get(reverse("unit", args=["palm", unit.pk])).content.decode()

    assert "Change status or price" not in page
    assert signed_in(viewer).post(reverse("unit-change", args=["palm", unit.pk]), given(unit)).status_code == 403


def test_the_next_unit_is_the_next_of_the_list_one_came_from(organization, manager):
    project = factories.project(organization)
    first, sold, last = (factories.unit(project, status=status) for status in ("available", "sold", "available"))

    answer = signed_in(manager).get(reverse("unit", args=["palm", last.pk]), {"list": "status=available"})

    page = answer.content.decode()
    assert reverse("unit", args=["palm", first.pk]) in page
    assert reverse("unit", args=["palm", sold.pk]) not in page


def test_only_who_may_list_sheets_narrows_units_by_them(unit, agent, manager, organization):
    """The list's filter named every sheet of the house to agents."""
    Spreadsheet.objects.create(organization=organization, table="crm.units", name="Master inventory", signature="a")

    assert "Master inventory" in signed_in(manager).get(reverse("units", args=["palm"])).content.decode()
    assert "Master inventory" not in signed_in(agent).get(reverse("units", args=["palm"])).content.decode()


def test_a_unit_says_which_sheet_speaks_of_it(unit, agent, organization):
    sheet = Spreadsheet.objects.create(
        organization=organization, table="crm.units", name="Master inventory", signature="a"
    )
    RowLink.objects.create(
        organization=organization, spreadsheet=sheet, row_key="p:7|noura", fingerprint=b"1", object_id=unit.pk
    )

    page = signed_in(agent).get(reverse("unit", args=["palm", unit.pk])).content.decode()

    assert "Master inventory" in page
    assert "p:7|noura" in page


@pytest.fixture
def clash(unit, organization):
    """A linked sheet that was not synced for long, and two cells on which it and Majlis do not agree."""
    account = GoogleAccount.objects.create(organization=organization, email="office@example.com", key="{}")
    sheet = Spreadsheet.objects.create(
        organization=organization, table="crm.units", name="شيت المرسى", provider="google", account=account,
        document_id="d0c", tab_id=7, status="synced", last_success_at=timezone.now() - timedelta(hours=3),
    )  # fmt: skip
    link = RowLink.objects.create(
        organization=organization, spreadsheet=sheet, row_key="p:7|noura", fingerprint=b"1", object_id=unit.pk, row=41
    )
    run = ImportRun.objects.create(organization=organization, spreadsheet=sheet, file_name=sheet.name, kind="google")
    for field, ours, theirs in (("price", "1200000", "1.3M"), ("mobile", "+971501112233", "+971509998877")):
        Conflict.objects.create(
            organization=organization, spreadsheet=sheet, link=link, run=run, row=41, field=field, column=field.title(),
            ours=ours, theirs=theirs,
        )  # fmt: skip
    return sheet


def test_cells_that_do_not_agree_are_told_and_numbers_stay_hidden(unit, agent, clash):
    page = signed_in(agent).get(reverse("unit", args=["palm", unit.pk])).content.decode()

    assert "Row 41" in page
    assert "Not agreed" in page
    assert "1.3M" in page
    assert "+97150•••33" in page
    assert "+971501112233" not in page
    assert "https://docs.google.com/spreadsheets/d/d0c/edit#gid=7" in page


def test_what_is_settled_is_told_no_more_and_a_sheet_grows_stale(unit, manager, clash, django_assert_num_queries):
    at = timezone.now()
    with django_assert_num_queries(3):
        (before,) = selectors.sources_of_project(actor=manager, project=unit.project, at=at)
    Conflict.objects.update(settled_at=at)

    with django_assert_num_queries(2):
        (after,) = selectors.sources_of_unit(actor=manager, unit=unit, at=at)

    assert (before.conflicts, before.rows, after.conflicts) == (2, 1, 0)
    assert (after.state, after.places) == ("stale", ((41, "p:7|noura"),))
    Spreadsheet.objects.update(is_paused=True)
    assert selectors.sources_of_unit(actor=manager, unit=unit, at=at)[0].state == "paused"


def test_the_page_costs_the_same_with_one_owner_and_with_six(unit, manager, organization):
    client, address = signed_in(manager), reverse("unit", args=["palm", unit.pk])
    dress(unit, 1)
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    dress(unit, 5)

    with CaptureQueriesContext(connection) as many:
        client.get(address)

    assert len(many) == len(few) <= 26, [query["sql"][:90] for query in many]


def dress(unit, count):
    """So many owners with a number each, a deal, a sheet's row."""
    from core.actors import Actor
    from tests.conftest import member

    for _ in range(count):
        owner = factories.contact(unit.organization, f"Owner {Property.objects.count()}-{unit.ownerships.count()}")
        factories.ownership(unit, owner)
        factories.point(owner, f"+97150{owner.pk:07}")
        profile = factories.agent(Actor(unit.organization, member(unit.organization, "agent", f"A{owner.pk}")))
        factories.deal(unit, profile, seller=owner)
        sheet = Spreadsheet.objects.create(
            organization=unit.organization, table="crm.units", name=f"S{owner.pk}", signature=str(owner.pk)
        )
        RowLink.objects.create(
            organization=unit.organization, spreadsheet=sheet, row_key="k", fingerprint=b"1", object_id=unit.pk
        )
