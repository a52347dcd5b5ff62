"""Points that people verified before `verified_by` was kept: the trail says who, and 0013 writes it down."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module

from django.db import connection

from core.actors import Actor
from core.models import Organization
from core.tenancy import organization_scope
from crm import services
from crm.models import Contact, ContactPoint
from tests.crm import factories

NOON = datetime(2026, 6, 1, 8, tzinfo=UTC)
MIGRATION = import_module("crm.migrations.0013_verified_by_from_the_trail")


def migrate_as_before() -> None:
    """As it was before 0010, and then the migration."""
    for house in Organization.objects.all():
        with organization_scope(house.pk):
            ContactPoint.objects.update(verified_by=None)
    with connection.cursor() as cursor:
        for _ in range(2):  # again adds nothing
            cursor.execute(MIGRATION.VERIFIED_BY)


def test_the_trail_says_who_verified_a_point_and_nothing_is_guessed(
    organization: Organization, other_organization: Organization, manager: Actor, agent: Actor, outsider: Actor
) -> None:
    def point(end: int, contact: Contact) -> ContactPoint:
        return factories.point(contact, f"+97150123450{end}", status="unverified")

    contact = factories.contact(organization, assigned_to=agent.membership)
    good, bad, judged, lifted, refused, never = (point(end, contact) for end in range(6))
    with organization_scope(other_organization.pk):
        theirs = point(0, factories.contact(other_organization))
        services.verify_contact_point(actor=outsider, point=theirs, at=NOON)
    services.verify_contact_point(actor=agent, point=good, is_valid=False, at=NOON)
    services.verify_contact_point(actor=manager, point=good, at=NOON)  # the last word
    services.verify_contact_point(actor=agent, point=bad, is_valid=False, at=NOON)
    for each in (judged, lifted, refused):
        services.verify_contact_point(actor=manager, point=each, at=NOON)
    ContactPoint.objects.filter(pk=judged.pk).update(status="invalid")  # by a run, while nobody's name stood there
    for each in (lifted, refused):
        services.mark_do_not_contact(actor=manager, point=each, reason="asked")
    services.lift_do_not_contact(actor=manager, point=lifted, reason="a slip")
    ContactPoint.objects.filter(pk=lifted.pk).update(status="valid")  # by a run
    touched = ContactPoint.objects.get(pk=good.pk).updated_at

    migrate_as_before()

    found = dict(ContactPoint.objects.values_list("pk", "verified_by"))
    assert found == {
        good.pk: manager.membership.pk,  # type: ignore[union-attr]
        bad.pk: agent.membership.pk,  # type: ignore[union-attr]
        judged.pk: None,
        lifted.pk: None,
        refused.pk: None,
        never.pk: None,
    }
    assert ContactPoint.objects.get(pk=good.pk).updated_at == touched  # taking an import back asks by it
    with organization_scope(other_organization.pk):
        assert ContactPoint.objects.get().verified_by == outsider.membership
