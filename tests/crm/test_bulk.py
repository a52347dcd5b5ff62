"""Many rows at once: what would happen, once and no more, and the way back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from core.errors import CapabilityMissing
from core.models import AuditEntry, Deletion
from crm import selectors
from crm.errors import BulkChangeMoved, ValueInvalid
from crm.models import BulkChange, BulkItem, Contact, HistoryEntry, ProjectAssignment, Property
from crm.services import bulk, update_property
from tests.crm import factories
from tests.crm.doors import Caller
from tests.crm.test_pages import signed_in
from tests.crm.test_races import at_once

NOON = datetime(2026, 6, 1, 8, tzinfo=UTC)


@pytest.fixture
def units(organization):
    """Two on offer, one reserved, one archived."""
    project = factories.project(organization)
    return [factories.unit(project, status=status) for status in ("available", "available", "reserved", "archived")]


def chosen(actor, rows=None, noun="unit"):
    rows = Property.objects.visible_to(actor) if rows is None else rows
    return bulk.choose_rows(actor=actor, noun=noun, rows=rows, filters={})


def statuses(units):
    return [Property.objects.get(pk=unit.pk).status for unit in units]


def test_the_preview_says_what_would_happen_and_writes_nothing(units, manager):
    change = chosen(manager)

    foreseen = bulk.preview_change(actor=manager, change=change, action="status", given={"status": "archived"})

    assert (foreseen.changed, foreseen.same, foreseen.refused) == (2, 1, 1)
    assert foreseen.examples[0][0] == units[2].label
    assert statuses(units) == ["available", "available", "reserved", "archived"]


def test_it_is_done_by_the_rules_of_one_row_and_set_back(units, manager):
    change = chosen(manager)
    bulk.preview_change(actor=manager, change=change, action="status", given={"status": "archived"})

    done = bulk.confirm_change(actor=manager, change=change, at=NOON)

    assert done.status == "done"
    assert statuses(units) == ["archived", "archived", "reserved", "archived"]
    outcomes = dict(BulkItem.objects.values_list("target_id", "outcome"))
    assert [outcomes[unit.pk] for unit in units] == ["changed", "changed", "refused", "same"]
    assert "it can become" in BulkItem.objects.get(outcome="refused").why
    assert AuditEntry.objects.filter(action="crm.property_changed").count() == 2
    assert HistoryEntry.objects.filter(field="status", membership=manager.membership).count() == 2

    undone = bulk.undo_change(actor=manager, change=change, at=NOON)

    assert undone.status == "undone"
    assert statuses(units) == ["available", "available", "reserved", "archived"]


def test_what_somebody_changed_since_is_not_set_back(units, manager, second_manager):
    change = chosen(manager)
    bulk.preview_change(actor=manager, change=change, action="status", given={"status": "sold"})
    bulk.confirm_change(actor=manager, change=change, at=NOON)
    update_property(actor=second_manager, property=units[0], status="rented")

    bulk.undo_change(actor=manager, change=change, at=NOON)

    assert statuses(units)[:2] == ["rented", "available"]
    kept = BulkItem.objects.get(is_restored=False)
    assert (kept.target_id, kept.why) == (units[0].pk, "It was changed since, and stays as it is.")


def test_a_second_press_and_a_second_tab_do_nothing(units, manager):
    change = chosen(manager)
    bulk.preview_change(actor=manager, change=change, action="status", given={"status": "sold"})
    bulk.confirm_change(actor=manager, change=change, at=NOON)

    for again in (bulk.confirm_change, bulk.confirm_change):
        with pytest.raises(BulkChangeMoved):
            again(actor=manager, change=change, at=NOON)
    with pytest.raises(BulkChangeMoved):
        bulk.preview_change(actor=manager, change=change, action="status", given={"status": "available"})

    bulk.undo_change(actor=manager, change=change, at=NOON)
    with pytest.raises(BulkChangeMoved):
        bulk.undo_change(actor=manager, change=change, at=NOON)


def test_two_who_confirm_at_the_same_instant_run_it_once(committed: str) -> None:
    from core.actors import Actor
    from core.roles import Role
    from core.tenancy import organization_scope
    from tests.live import house

    organization, members = house()
    manager = Actor(organization, members[Role.MANAGER])
    with organization_scope(organization.pk):
        project = factories.project(organization)
        for _ in range(20):
            factories.unit(project, status="available")
        change = chosen(manager)
        bulk.preview_change(actor=manager, change=change, action="status", given={"status": "sold"})

        told = at_once(
            organization,
            lambda: bulk.confirm_change(actor=manager, change=change, at=NOON),
            lambda: bulk.confirm_change(actor=manager, change=change, at=NOON),
        )

        assert sorted(told) == ["bulk_change_moved", "done"]
        assert AuditEntry.objects.filter(action="crm.property_changed").count() == 20


def test_a_long_one_goes_on_where_a_killed_worker_stopped(units, organization, manager, monkeypatch):
    monkeypatch.setattr("crm.services.bulk.changes.AT_ONCE", 0)
    change = chosen(manager)
    bulk.preview_change(actor=manager, change=change, action="price_note", given={"price_note": "cash"})
    change = bulk.confirm_change(actor=manager, change=change, at=NOON)
    assert change.status == "running"
    BulkItem.objects.create(
        organization=organization, change=change, target_id=units[0].pk, label="done before the kill", outcome="same"
    )

    bulk.run_change(organization=organization, change_id=change.pk, at=NOON + timedelta(minutes=6))
    bulk.run_change(organization=organization, change_id=change.pk, at=NOON + timedelta(minutes=60))

    change.refresh_from_db()
    assert change.status == "done"
    assert [unit.price_note for unit in Property.objects.order_by("pk")] == ["", "cash", "cash", "cash"]
    assert BulkItem.objects.count() == 4


def test_a_row_whose_key_is_taken_in_the_other_project_is_refused_alone(organization, manager):
    here, there = factories.project(organization, "Here"), factories.project(organization, "There")
    twin, free = factories.unit(here, registration="R1"), factories.unit(here, registration="R2")
    factories.unit(there, registration="R1")
    change = chosen(manager, Property.objects.filter(project=here))
    bulk.preview_change(actor=manager, change=change, action="project", given={"project": str(there.pk)})

    bulk.confirm_change(actor=manager, change=change, at=NOON)

    assert Property.objects.get(pk=free.pk).project == there
    assert Property.objects.get(pk=twin.pk).project == here
    assert "Another unit of this project has this registration" in BulkItem.objects.get(outcome="refused").why
    bulk.undo_change(actor=manager, change=change, at=NOON)
    assert Property.objects.get(pk=free.pk).project == here


def test_units_are_assigned_and_taken_back(units, manager, agent):
    profile = factories.agent(agent)
    change = chosen(manager)
    bulk.preview_change(actor=manager, change=change, action="assign", given={"agent": profile.pk})

    bulk.confirm_change(actor=manager, change=change, at=NOON)
    assert Property.objects.visible_to(agent).count() == 4
    bulk.undo_change(actor=manager, change=change, at=NOON)

    assert not ProjectAssignment.objects.active().exists()


def test_a_preview_of_many_asks_the_database_no_more_than_one_of_few(
    units, manager, agent, django_assert_max_num_queries
):
    profile = factories.agent(agent)
    factories.assignment(profile, units[0].project, property=units[0])
    for _ in range(30):
        factories.unit(units[0].project)
    change = chosen(manager)

    with django_assert_max_num_queries(8):
        foreseen = bulk.preview_change(actor=manager, change=change, action="assign", given={"agent": profile.pk})

    assert (foreseen.changed, foreseen.same, foreseen.refused) == (33, 1, 0)


def test_deleted_units_come_back(units, manager):
    change = chosen(manager)
    bulk.preview_change(actor=manager, change=change, action="delete", given={})

    bulk.confirm_change(actor=manager, change=change, at=NOON)
    assert not Property.objects.visible_to(manager).exists()
    bulk.undo_change(actor=manager, change=change, at=NOON)

    assert Property.objects.visible_to(manager).count() == 4
    assert Deletion.objects.filter(restored_at__isnull=False).count() == 4


@pytest.mark.parametrize(
    ("action", "given", "before", "after"),
    [
        ("tag", {"tags": "vip, ساحل"}, ["old"], ["old", "vip", "ساحل"]),
        ("untag", {"tags": "old"}, ["old", "kept"], ["kept"]),
    ],
)
def test_contacts_are_tagged_and_untagged(organization, manager, action, given, before, after):
    contact = factories.contact(organization, tags=before)
    change = chosen(manager, Contact.objects.all(), "contact")
    bulk.preview_change(actor=manager, change=change, action=action, given=given)

    bulk.confirm_change(actor=manager, change=change, at=NOON)
    assert Contact.objects.get(pk=contact.pk).tags == after
    bulk.undo_change(actor=manager, change=change, at=NOON)

    assert Contact.objects.get(pk=contact.pk).tags == before


def test_contacts_are_marked_bad_and_given_to_an_agent(organization, manager, agent):
    contact, profile = factories.contact(organization), factories.agent(agent)
    for action, given in (("bad", {"reason": "Threatens agents"}), ("assign", {"agent": profile.pk})):
        change = chosen(manager, Contact.objects.all(), "contact")
        bulk.preview_change(actor=manager, change=change, action=action, given=given)
        bulk.confirm_change(actor=manager, change=change, at=NOON)
    contact.refresh_from_db()
    assert (contact.is_bad_contact, contact.assigned_to) == (True, agent.membership)

    for change in BulkChange.objects.order_by("-pk"):
        bulk.undo_change(actor=manager, change=change, at=NOON)

    contact.refresh_from_db()
    assert (contact.is_bad_contact, contact.assigned_to) == (False, None)


def test_wrong_values_are_told_and_agents_may_not(units, manager, agent):
    change = chosen(manager)
    for action, given in (("status", {"status": "gone"}), ("project", {"project": "999999"}), ("bad", {}), ("", {})):
        with pytest.raises(ValueInvalid):
            bulk.preview_change(actor=manager, change=change, action=action, given=given)
    with pytest.raises(ValueInvalid):
        chosen(manager, Property.objects.none())
    with pytest.raises(CapabilityMissing):
        chosen(agent)


def test_the_database_asks_for_an_action_and_for_who_undid_it(units, manager):
    change = chosen(manager)
    confirmed = "confirmed_at = now(), confirmed_by_id = requested_by_id"
    for statement, name in (
        (f"status = 'done', {confirmed}", "names_an_action"),
        ("status = 'done', action = 'delete'", "confirmed_by_someone"),
        (confirmed, "confirmed_by_someone"),
        ("undone_at = now()", "undone_by_someone"),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE crm_bulkchange SET {statement} WHERE id = %s", [change.pk])


def test_it_is_done_in_the_name_of_who_said_yes(units, manager, second_manager):
    change = chosen(manager)
    bulk.preview_change(actor=manager, change=change, action="status", given={"status": "sold"})

    bulk.confirm_change(actor=second_manager, change=change, at=NOON)

    entries = AuditEntry.objects.filter(action="crm.property_changed")
    assert set(entries.values_list("user", flat=True)) == {second_manager.user.pk}


def test_pages_cost_as_much_for_two_rows_as_for_many(units, manager, django_assert_num_queries):
    change = chosen(manager)
    bulk.preview_change(actor=manager, change=change, action="status", given={"status": "archived"})
    bulk.confirm_change(actor=manager, change=change, at=NOON)

    with django_assert_num_queries(4):
        found = selectors.bulk_page(actor=manager, change_id=change.pk)
    assert (found.changed, found.same, found.refused, found.percent) == (2, 1, 1, 100)
    with django_assert_num_queries(1):
        assert [row.requested_by.user.name for row in selectors.bulk_changes(actor=manager)]


class TestPages:
    def test_all_that_the_filter_leaves_is_changed_from_the_list(self, units, manager):
        client = signed_in(manager)

        answer = client.post(
            reverse("list-changes", args=["palm", "units"]), {"which": "all", "asked": "status=available"}, follow=True
        )
        change = BulkChange.objects.get()
        assert sorted(change.ids) == sorted(unit.pk for unit in units[:2])
        assert "What is to be changed?" in answer.content.decode()
        given = {"action": "status", "status": "sold", "ticked": "1", "row": [units[0].pk]}
        page = client.post(reverse("bulk-preview", args=["palm", change.pk]), given).content.decode()
        assert "Change 1 row" in page
        address = reverse("bulk-confirmation", args=["palm", change.pk])
        client.post(address)
        again = client.post(address, follow=True).content.decode()
        assert "This change is past that" in again
        assert statuses(units)[:2] == ["sold", "available"]
        client.post(reverse("bulk-undoing", args=["palm", change.pk]))

        assert statuses(units)[:2] == ["available", "available"]
        assert "Set back" in client.get(reverse("bulk-change", args=["palm", change.pk])).content.decode()
        assert "Sold" in client.get(reverse("bulk-changes", args=["palm"])).content.decode()

    def test_a_wrong_value_is_told_beside_the_form(self, units, manager):
        client, change = signed_in(manager), chosen(manager)

        answer = client.post(reverse("bulk-preview", args=["palm", change.pk]), {"action": "project"})

        assert answer.status_code == 422
        assert "Choose a project." in answer.content.decode()

    def test_the_back_office_leads_there(self, units, manager):
        answer = signed_in(manager).post(
            "/o/palm/admin/crm/property/", {"action": "change_many", "_selected_action": [units[0].pk]}
        )

        assert answer["Location"] == f"/o/palm/changes/{BulkChange.objects.get().pk}/"

    def test_agents_and_outsiders_are_turned_away(self, units, manager, agent, outsider):
        change = chosen(manager)

        assert signed_in(agent).get(reverse("bulk-change", args=["palm", change.pk])).status_code == 403
        assert signed_in(outsider).get(reverse("bulk-change", args=["palm", change.pk])).status_code == 404


class TestApi:
    def test_from_the_filter_to_the_way_back(self, units, manager, client):
        office = Caller(client, manager)
        made = office.post("properties/changes/?status=available", {"all": True})
        assert (made.status_code, made.json()["rows"], made.json()["filters"]) == (201, 2, {"status": "available"})
        place = f"bulk-changes/{made.json()['id']}/"

        foreseen = office.post(f"{place}preview/", {"action": "status", "status": "rented"})
        assert foreseen.json() == {"changed": 2, "same": 0, "refused": 0, "reasons": []}
        assert statuses(units)[:2] == ["available", "available"]
        assert office.post(f"{place}confirmation/").json()["status"] == "done"
        assert office.post(f"{place}confirmation/").json()["code"] == "bulk_change_moved"
        assert statuses(units)[:2] == ["rented", "rented"]
        items = office.get(f"bulk-items/?change={made.json()['id']}&outcome=changed").json()["results"]
        assert {item["target_id"] for item in items} == {unit.pk for unit in units[:2]}
        assert office.post(f"{place}undoing/").json()["status"] == "undone"

        assert statuses(units)[:2] == ["available", "available"]
        assert office.get("bulk-changes/?status=undone").json()["results"][0]["said"] == "Rented"

    def test_all_is_said_and_never_meant(self, units, manager, client):
        office = Caller(client, manager)
        wrongs: list[dict[str, object]] = [{}, {"ids": []}, {"ids": [units[0].pk], "all": True}]
        for body in wrongs:
            assert office.post("properties/changes/", body).status_code == 400
        made = office.post("properties/changes/", {"ids": [units[0].pk, 999_999]})
        assert made.json()["rows"] == 1
        wrong = office.post(f"bulk-changes/{made.json()['id']}/preview/", {"action": "status", "status": "gone"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "value_invalid")

    def test_contacts_are_tagged(self, organization, manager, client):
        office, contact = Caller(client, manager), factories.contact(organization)
        made = office.post("contacts/changes/", {"ids": [contact.pk]}).json()
        office.post(f"bulk-changes/{made['id']}/preview/", {"action": "tag", "tags": ["vip", "مرسى"]})
        office.post(f"bulk-changes/{made['id']}/confirmation/")

        assert Contact.objects.get(pk=contact.pk).tags == ["vip", "مرسى"]

    def test_agents_and_other_houses_do_not(self, units, manager, agent, outsider, client):
        change = chosen(manager)
        for who, code in ((agent, 403), (outsider, 404)):
            caller = Caller(client, who)
            assert caller.post("properties/changes/", {"all": True}).status_code == code
            assert caller.get(f"bulk-changes/{change.pk}/").status_code == code
            assert caller.post(f"bulk-changes/{change.pk}/confirmation/").status_code == code
        assert BulkChange.objects.get().status == "draft"


def test_what_a_second_tab_chose_since_is_not_confirmed_in_the_first(units, manager):
    client, change = signed_in(manager), chosen(manager)
    preview, confirmation = (reverse(f"bulk-{step}", args=["palm", change.pk]) for step in ("preview", "confirmation"))
    first, second = (
        re.search(r'name="seen" value="([^"]+)"', client.post(preview, {"action": "status", "status": status}).text)[1]
        for status in ("sold", "archived")
    )

    told = client.post(confirmation, {"seen": first}, follow=True).content.decode()
    assert "Something else was chosen since" in told
    assert BulkChange.objects.get().status == "previewed"
    client.post(confirmation, {"seen": second})

    assert BulkChange.objects.get().status == "done"
    assert statuses(units) == ["archived", "archived", "reserved", "archived"]
