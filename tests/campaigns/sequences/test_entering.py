"""Who is put in and who is refused, with the reason."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns import sequences
from core.errors import CapabilityMissing
from crm.models import Contact, Property
from messaging.models import Conversation
from tests.campaigns import factories
from tests.campaigns.sequences.drips import DAY, MONDAY, enrol

HOUR = timedelta(hours=1)


def test_everybody_who_is_refused_has_a_reason(organization, manager, agent, drip, project, people):
    enrol(manager, drip, people[:1])
    landline = factories.owner(project, "Fixed", value="+97143334444", line_type="fixed")
    silent = factories.owner(project, "Silent")
    nameless = factories.owner(project, "Nameless", value=factories.phone_of(50))
    Contact.objects.filter(pk=nameless.pk).update(first_name="")
    bad = factories.owner(project, "Bad", value=factories.phone_of(51))
    Contact.objects.filter(pk=bad.pk).update(is_bad_contact=True)
    sold = factories.owner(project, "Sold", value=factories.phone_of(52))
    Property.objects.filter(p_number="P-Sold").update(status="sold")

    asked = [people[0], landline.pk, silent.pk, nameless.pk, bad.pk, sold.pk, 999_999, people[1]]
    done = sequences.enrol(actor=manager, sequence=drip, contact_ids=asked, at=MONDAY)

    assert done.count == 1
    assert done.refused == {
        people[0]: "already",
        landline.pk: "landline",
        silent.pk: "no_number",
        nameless.pk: "variable",
        bad.pk: "bad_contact",
        sold.pk: "sold",
        999_999: "unknown",
    }
    with pytest.raises(CapabilityMissing):
        sequences.enrol(actor=agent, sequence=drip, contact_ids=people, at=MONDAY)


def test_who_talks_with_us_already_is_not_enrolled(manager, drip, people, number):
    contact = Contact.objects.get(pk=people[0])
    Conversation.objects.create(
        organization=contact.organization, channel=number, contact=contact, last_inbound_at=MONDAY - HOUR
    )
    assert enrol(manager, drip, people[:1]) == {people[0]: "talking"}
    assert enrol(manager, drip, people[:1], at=MONDAY + 2 * DAY) == {}
