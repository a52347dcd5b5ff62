"""What the database refuses, whoever writes the row: raw SQL, no service in between."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, ProgrammingError, connection, connections, transaction
from django.utils import timezone

from core.actors import Actor
from core.models import AuditEntry, Membership, Organization
from core.tenancy import SETTING
from crm.models import BankDetails, Contact, ContactPoint, OwnerDisclosure, Ownership, ProjectAssignment
from tests.conftest import member
from tests.crm import factories


def execute(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def refused(statement: str, *values: Any) -> str:
    """The constraint by which PostgreSQL refuses the statement, at the latest at the end of the transaction."""
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        execute(statement, *values)
    return str(refusal.value.__cause__.diag.constraint_name)  # type: ignore[union-attr]


def test_shares_of_a_unit_never_exceed_the_whole(manager: Actor) -> None:
    house = manager.organization
    unit = factories.unit(factories.project(house))
    first = factories.ownership(unit, factories.contact(house), share_basis_points=6_000)
    second = factories.ownership(unit, factories.contact(house), share_basis_points=4_000)
    execute("SELECT 1")
    third = factories.contact(house)

    insert = (
        "INSERT INTO crm_ownership (organization_id, created_at, updated_at, property_id, contact_id, "
        "share_basis_points, is_primary) VALUES (%s, now(), now(), %s, %s, 1, false)"
    )
    assert refused(insert, house.pk, unit.pk, third.pk) == "crm_ownership_shares_at_most_whole"
    update = "UPDATE crm_ownership SET share_basis_points = 4001 WHERE id = %s"
    assert refused(update, second.pk) == "crm_ownership_shares_at_most_whole"

    Ownership.objects.filter(pk=first.pk).update(share_basis_points=7_000)  # in any order within a transaction
    Ownership.objects.filter(pk=second.pk).update(share_basis_points=3_000)
    execute("SELECT 1")  # as at the end of the transaction
    Ownership.objects.filter(pk=first.pk).update(until="2026-01-01")
    Ownership.objects.filter(pk=second.pk).update(share_basis_points=10_000)
    execute("SELECT 1")  # as at the end of the transaction
    back = "UPDATE crm_ownership SET until = NULL WHERE id = %s"
    assert refused(back, first.pk) == "crm_ownership_shares_at_most_whole"


def test_shares_are_counted_even_when_the_scope_was_closed_before_the_commit(manager: Actor) -> None:
    house = manager.organization
    unit = factories.unit(factories.project(house))
    insert = (
        "INSERT INTO crm_ownership (organization_id, created_at, updated_at, property_id, contact_id, "
        "share_basis_points, is_primary) VALUES (%s, now(), now(), %s, %s, 6000, false), "
        "(%s, now(), now(), %s, %s, 6000, false)"
    )
    owners = [factories.contact(house).pk for _ in range(2)]

    def insert_and_leave() -> None:
        with connection.cursor() as cursor:
            cursor.execute(insert, [house.pk, unit.pk, owners[0], house.pk, unit.pk, owners[1]])
        execute("SELECT set_config('majlis.organization', '', true)")

    with pytest.raises(IntegrityError), transaction.atomic():
        insert_and_leave()
    assert not Ownership.objects.exists()


def test_an_archived_agent_is_given_nothing(manager: Actor, agent: Actor) -> None:
    house = manager.organization
    project = factories.project(house)
    archived = factories.agent(agent, status="archived")
    done = factories.assignment(archived, project, status="completed")

    insert = (
        "INSERT INTO crm_projectassignment (organization_id, created_at, updated_at, agent_id, project_id, status, "
        "notes) VALUES (%s, now(), now(), %s, %s, 'active', '')"
    )
    assert refused(insert, house.pk, archived.pk, project.pk) == "crm_project_assignment_agent_not_archived"
    again = "UPDATE crm_projectassignment SET status = 'active' WHERE id = %s"
    assert refused(again, done.pk) == "crm_project_assignment_agent_not_archived"
    assert ProjectAssignment.objects.values_list("status", flat=True).get() == "completed"


def test_nobody_reports_to_themselves_through_others(supervisor: Actor, agent: Actor, manager: Actor) -> None:
    assert supervisor.membership
    assert agent.membership
    update = "UPDATE core_membership SET reports_to_id = %s WHERE id = %s"
    assert refused(update, agent.membership.pk, supervisor.membership.pk) == "core_membership_reports_to_no_cycle"
    assert refused(update, agent.membership.pk, agent.membership.pk) == "core_membership_reports_to_no_cycle"

    third = member(agent.organization, "agent", "Tariq", reports_to=agent.membership)  # type: ignore[arg-type]
    assert refused(update, third.pk, supervisor.membership.pk) == "core_membership_reports_to_no_cycle"
    Membership.objects.filter(pk=supervisor.membership.pk).update(reports_to=manager.membership)
    assert list(Membership.objects.filter(reports_to=manager.membership)) == [supervisor.membership]


def test_a_transferred_assignment_names_who_carries_on(manager: Actor, agent: Actor) -> None:
    assignment = factories.assignment(factories.agent(agent), factories.project(manager.organization))

    update = "UPDATE crm_projectassignment SET status = 'transferred' WHERE id = %s"
    assert refused(update, assignment.pk) == "crm_project_assignment_transfer_names_successor"


def test_who_works_on_a_unit_works_in_its_project_and_goes_along_when_it_moves(manager: Actor, agent: Actor) -> None:
    house = manager.organization
    here, there = factories.project(house, "Vardon"), factories.project(house, "Acuna")
    unit = factories.unit(here)
    profile = factories.agent(agent)
    held = factories.assignment(profile, here, property=unit)
    done = factories.assignment(profile, here, property=unit, status="completed")
    whole = factories.assignment(profile, here)

    insert = (
        "INSERT INTO crm_projectassignment (organization_id, created_at, updated_at, agent_id, project_id, property_id, "
        "status, notes) VALUES (%s, now(), now(), %s, %s, %s, 'active', '')"
    )
    rule = "crm_project_assignment_unit_of_the_project"
    assert refused(insert, house.pk, profile.pk, there.pk, unit.pk) == rule
    assert refused("UPDATE crm_projectassignment SET project_id = %s WHERE id = %s", there.pk, held.pk) == rule

    execute("UPDATE crm_property SET project_id = %s WHERE id = %s", there.pk, unit.pk)
    followed = dict(ProjectAssignment.objects.values_list("pk", "project"))
    assert followed == {held.pk: there.pk, done.pk: there.pk, whole.pk: here.pk}


def test_nobody_verifies_bank_details_they_wrote_down(manager: Actor, agent: Actor) -> None:
    assert manager.membership
    details = BankDetails.objects.create(
        organization=manager.organization,
        agent=factories.agent(agent),
        holder="Omar",
        bank_name="First Bank",
        iban="AE070331234567890123456",
        entered_by=manager.membership,
    )

    update = "UPDATE crm_bankdetails SET verified_by_id = entered_by_id, verified_at = now() WHERE id = %s"
    assert refused(update, details.pk) == "crm_bank_details_verified_by_another"


def test_verified_bank_details_do_not_change_under_the_verification(
    manager: Actor, second_manager: Actor, agent: Actor
) -> None:
    details = BankDetails.objects.create(
        organization=manager.organization,
        agent=factories.agent(agent),
        holder="Omar",
        bank_name="First Bank",
        iban="AE070331234567890123456",
        entered_by=manager.membership,
        verified_by=second_manager.membership,
        verified_at="2026-06-01T08:00:00Z",
    )

    rule = "crm_bank_details_changed_are_unverified"
    for column in ("holder", "bank_name", "iban", "account_number", "swift"):
        assert refused(f"UPDATE crm_bankdetails SET {column} = 'other' WHERE id = %s", details.pk) == rule
    execute("UPDATE crm_bankdetails SET holder = 'Sara', verified_at = NULL, verified_by_id = NULL")
    assert BankDetails.objects.get().holder == "Sara"


def test_keys_rotate_under_verified_bank_details(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    BankDetails.objects.create(
        organization=manager.organization,
        agent=factories.agent(agent),
        holder="Omar",
        bank_name="First Bank",
        iban="AE070331234567890123456",
        entered_by=manager.membership,
        verified_by=second_manager.membership,
        verified_at="2026-06-01T08:00:00Z",
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT iban FROM crm_bankdetails")
        before = cursor.fetchone()

    call_command("rotate_field_keys")

    with connection.cursor() as cursor:
        cursor.execute("SELECT iban FROM crm_bankdetails")
        assert cursor.fetchone() != before
    details = BankDetails.objects.get()
    assert (details.iban, details.verified_by) == ("AE070331234567890123456", second_manager.membership)


def test_what_was_disclosed_is_written_once(agent: Actor) -> None:
    assert agent.membership
    shown = OwnerDisclosure.objects.create(
        organization=agent.organization,
        membership=agent.membership,
        contact=factories.contact(agent.organization),
        points=[1],
        reason="viewing",
        door="page",
        at="2026-06-01T08:00:00Z",
    )

    for statement in ("UPDATE crm_ownerdisclosure SET reason = 'none'", "DELETE FROM crm_ownerdisclosure"):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert OwnerDisclosure.objects.get() == shown


@pytest.mark.parametrize(
    ("table", "column", "value", "constraint"),
    [
        ("project", "status", "'open'", "crm_project_status_known"),
        ("property", "status", "'free'", "crm_property_status_known"),
        ("property", "purpose", "'gift'", "crm_property_purpose_known"),
        ("property", "latitude", "90.000001", "crm_property_latitude_on_earth"),
        ("property", "latitude", "-90.000001", "crm_property_latitude_on_earth"),
        ("property", "longitude", "180.000001", "crm_property_longitude_on_earth"),
        ("property", "longitude", "-180.000001", "crm_property_longitude_on_earth"),
        ("agent", "status", "'gone'", "crm_agent_status_known"),
        ("projectassignment", "status", "'lost'", "crm_project_assignment_status_known"),
        ("deal", "kind", "'gift'", "crm_deal_kind_known"),
        ("deal", "stage", "'won'", "crm_deal_stage_known"),
        ("contact", "kind", "'pet'", "crm_contact_kind_known"),
        ("contactpoint", "kind", "'fax'", "crm_contact_point_kind_known"),
        ("contactpoint", "status", "'good'", "crm_contact_point_status_known"),
        ("contactpoint", "line_type", "'pager'", "crm_contact_point_line_type_known"),
        *(
            ("contactpoint", "value", f"'{value}'", "crm_contact_point_number_is_e164")
            for value in ("0501234567", "971501234567", "+971 50 123 4567", "+0501234567", "+123456", "+1234567890123456", "")
        ),
        ("contactpoint", "kind", "'whatsapp', value = '971501234567'", "crm_contact_point_number_is_e164"),
    ],
)  # fmt: skip
def test_every_state_and_number_and_place_is_one_that_there_is(
    table: str, column: str, value: str, constraint: str, manager: Actor, agent: Actor
) -> None:
    house = manager.organization
    unit = factories.unit(factories.project(house), latitude="90", longitude="-180")
    profile = factories.agent(agent)
    factories.assignment(profile, unit.project)
    contact = factories.contact(house)
    factories.point(contact, "+971501234567")
    factories.deal(unit, profile, seller=contact)

    assert refused(f"UPDATE crm_{table} SET {column} = {value}") == constraint


def test_addresses_and_hidden_points_may_be_what_they_are(manager: Actor) -> None:
    contact = factories.contact(manager.organization)
    factories.point(contact, "noura@example.com", kind="email")
    factories.point(contact, "AE.1234", kind="bsuid")
    factories.point(contact, "050", deleted_at=timezone.now())

    execute("UPDATE crm_contactpoint SET notes = 'x'")


@pytest.mark.django_db(databases=["default", "owner"])
def test_numbers_from_before_the_rule_are_mended_or_hidden_with_a_word(worker_database: str) -> None:
    migration = import_module("crm.migrations.0018_rules_of_stock_and_people")
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        house = Organization.objects.using("owner").create(slug="elm", name="Elm Estates")
        cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, str(house.pk)])
        cursor.execute("ALTER TABLE crm_contactpoint DROP CONSTRAINT crm_contact_point_number_is_e164")
        contact = Contact.objects.using("owner").create(organization=house, display_name="Noura")
        points = ContactPoint.objects.using("owner")

        def point(value: str, kind: str = "phone", **fields: str) -> int:
            return int(points.create(organization=house, contact=contact, kind=kind, value=value, **fields).pk)

        there = point("+971501234567")
        same, twice = point("+971 50 123 4567"), point("00971501234568")
        again, bare, lost = point("+971-50-1234568"), point("971501234569", "whatsapp"), point("050 123 4567")
        unread = point("9.71E+11", status="review")

        for _ in range(2):  # again changes nothing
            cursor.execute(migration.MEND)

        live = dict(points.filter(deleted_at__isnull=True).values_list("pk", "value"))
        assert live == {there: "+971501234567", twice: "+971501234568", bare: "+971501234569", unread: "9.71E+11"}
        trail = AuditEntry.objects.using("owner").filter(action="crm.contact_point_hidden")
        assert sorted(trail.values_list("target_id", flat=True)) == sorted([same, again, lost])
        transaction.set_rollback(True, using="owner")
