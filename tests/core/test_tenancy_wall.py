"""The wall behind the doors: PostgreSQL itself keeps organisations apart, whatever the code forgets."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, ProgrammingError, connection, connections, transaction

from core import audit, protection, statistics
from core.actors import Actor
from core.models import AuditEntry, Organization
from core.tenancy import organization_scope
from crm.models import Contact, ContactPoint, Project


def test_the_application_connects_as_a_role_that_the_wall_binds(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False, False)
        cursor.execute("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole")
        assert cursor.fetchone() == (0,)


def test_every_tenant_table_is_behind_the_wall(db: None) -> None:
    assert len(protection.tenant_models()) > 15
    assert protection.unprotected_tables(connection) == []


def test_a_forgotten_filter_shows_nobody_elses_rows(
    organization: Organization, other_organization: Organization
) -> None:
    Project.objects.create(organization=organization, number=1, name="Vardon")
    with organization_scope(other_organization.pk):
        Project.objects.create(organization=other_organization, number=1, name="Acuna")
        assert [project.name for project in Project.objects.all()] == ["Acuna"]

    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM crm_project")
        assert cursor.fetchall() == [("Vardon",)]


def test_without_an_organisation_there_are_no_rows(organization: Organization) -> None:
    Project.objects.create(organization=organization, number=1, name="Vardon")

    with organization_scope(None):
        assert not Project.objects.exists()


def test_a_row_cannot_be_written_for_another_organisation(
    organization: Organization, other_organization: Organization
) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        Project.objects.create(organization=other_organization, number=1, name="Acuna")


def test_a_key_cannot_point_into_another_organisation(
    organization: Organization, other_organization: Organization
) -> None:
    with organization_scope(other_organization.pk):
        theirs = Contact.objects.create(organization=other_organization, display_name="Rana")

    contact = Contact.objects.create(organization=organization, display_name="Amal")
    connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")
    ContactPoint.objects.create(organization=organization, contact=contact, kind="phone", value="+971500000000")

    with pytest.raises(IntegrityError, match="same_org"), transaction.atomic():
        ContactPoint.objects.update(contact=theirs.pk)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE core_auditentry SET action = 'x'", "DELETE FROM core_auditentry", "TRUNCATE core_auditentry CASCADE"],
)
def test_the_audit_trail_cannot_be_altered_by_the_application_nor_by_its_owner(manager: Actor, statement: str) -> None:
    audit.record(actor=manager, action="core.tested", target=manager.organization)

    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(statement)

    assert AuditEntry.objects.get().action == "core.tested"


@pytest.mark.django_db(databases=["default", "owner"])
def test_the_owner_of_the_tables_is_stopped_by_triggers() -> None:
    with pytest.raises(ProgrammingError, match="Cannot truncate"), connections["owner"].cursor() as cursor:
        cursor.execute("TRUNCATE core_auditentry CASCADE")


def test_the_application_refreshes_statistics_of_tables_it_does_not_own(organization: Organization) -> None:
    Project.objects.create(organization=organization, number=1, name="Vardon")

    statistics.refresh([Project])

    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'crm_project'")
        assert cursor.fetchone() == (1,)
