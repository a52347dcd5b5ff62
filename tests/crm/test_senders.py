"""From a WhatsApp sender to a contact."""

from __future__ import annotations

import threading

import pytest
from django.db import connections
from django.utils import timezone

from core.actors import Actor, system
from core.errors import CapabilityMissing
from core.models import Organization
from core.tenancy import organization_scope
from crm.errors import SenderUnknown
from crm.models import Contact, ContactPoint
from crm.services import contact_for_sender
from tests.crm import factories


def sender(organization: Organization, phone: str | None, bsuid: str | None = None, name: str = "Tareema") -> Contact:
    return contact_for_sender(actor=system(organization), phone=phone, bsuid=bsuid, name=name, at=timezone.now())


def test_a_stranger_becomes_a_contact_with_a_number_whatsapp_has_proved(organization: Organization) -> None:
    made = sender(organization, "971500000001", name="Tareema Wadar")

    assert (made.display_name, made.first_name, made.source) == ("Tareema Wadar", "Tareema", "whatsapp")
    point = made.points.get()
    assert (point.kind, point.value, point.country, point.line_type, point.status, point.is_primary) == (
        "whatsapp", "+971500000001", "AE", "mobile", "valid", True,
    )  # fmt: skip
    assert sender(organization, "+971500000001").pk == made.pk
    assert Contact.objects.count() == ContactPoint.objects.count() == 1


def test_someone_without_a_number_is_known_by_the_id_and_later_shares_the_number(organization: Organization) -> None:
    made = sender(organization, None, "AE.1001", name="")
    assert made.display_name == "WhatsApp user"

    assert sender(organization, "971500000001", "AE.1001").pk == made.pk
    assert sender(organization, "971500000001").pk == made.pk
    assert sorted(made.points.values_list("kind", "value")) == [("bsuid", "AE.1001"), ("whatsapp", "+971500000001")]


def test_a_number_without_a_name_is_shown_masked_wherever_names_are(organization: Organization) -> None:
    assert sender(organization, "971500000001", name="").display_name == "+97150•••01"


def test_the_id_decides_before_the_number(organization: Organization) -> None:
    owner = factories.contact(organization)
    factories.point(owner, "+971500000001")
    by_id = sender(organization, None, "AE.1001")

    assert sender(organization, "971500000001", "AE.1001").pk == by_id.pk


def test_a_shared_number_goes_to_who_wrote_then_to_the_primary_owner_then_to_the_oldest(
    organization: Organization,
) -> None:
    oldest, owner, primary, writer = (factories.contact(organization, name) for name in "ABCD")
    unit = factories.unit(factories.project(organization))
    factories.ownership(unit, owner)
    factories.ownership(unit, primary, is_primary=True)
    factories.point(oldest, "+971500000001")
    assert sender(organization, "971500000001").pk == oldest.pk
    oldest.points.filter(kind="whatsapp").delete()

    factories.point(owner, "+971500000001")
    factories.point(primary, "+971500000001")
    assert sender(organization, "971500000001").pk == primary.pk
    primary.points.filter(kind="whatsapp").delete()

    factories.point(writer, "+971500000001", kind="whatsapp")
    assert sender(organization, "971500000001").pk == writer.pk


def test_nobody_is_refused_and_viewers_make_no_contacts(organization: Organization, agent: Actor) -> None:
    with pytest.raises(SenderUnknown):
        sender(organization, " ", None)
    assert agent.membership
    agent.membership.role = "viewer"
    with pytest.raises(CapabilityMissing):
        contact_for_sender(
            actor=Actor(organization, agent.membership), phone="971500000001", bsuid=None, name="", at=timezone.now()
        )

    assert not Contact.objects.exists()


def test_two_webhooks_at_once_make_one_contact(committed: str) -> None:
    house = Organization.objects.create(slug="palm", name="Palm Brokers")
    found: list[int] = []
    together = threading.Barrier(4)

    def webhook(bsuid: str | None) -> None:
        try:
            with organization_scope(house.pk):
                together.wait()
                found.append(sender(house, "971500000001", bsuid).pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=webhook, args=(bsuid,)) for bsuid in (None, "AE.1", "AE.1", None)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(found)) == 1
    assert len(found) == 4
    with organization_scope(house.pk):
        assert ContactPoint.objects.count() == 2
