"""What else knows a contact by its old id: shown numbers, campaigns, imports that are taken back."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from campaigns.audience import checked_filter, recipients_of
from core.actors import Actor
from crm import selectors, services
from crm.models import Contact, ContactPoint, DuplicateCandidate, Merge, OwnerDisclosure
from crm.services import duplicates, merging
from sheets.models import ReversalKept
from tests.campaigns import factories as campaigning
from tests.crm import factories
from tests.crm.merging import NOON
from tests.messaging import factories as talking
from tests.sheets.imports import bring
from tests.sheets.test_reversal import take_back

ROW = {"P-NUMBER": 1, "PROJECT": "Vardon", "NAME": "Omar Khalifa Saeed", "MOBILE": "0501112233"}


def join(actor: Actor, survivor: Contact, other: Contact, at: datetime = NOON) -> Merge:
    return merging.merge(actor=actor, noun="contact", survivor_id=survivor.pk, other_id=other.pk, at=at)


def test_a_number_shown_today_stays_shown_under_the_survivor(manager: Actor) -> None:
    first, second, third = (factories.contact(manager.organization, name) for name in ("Noura", "N. Hashimi", "Nora"))
    factories.point(second, "+971501112233")
    services.disclose_owner_number(actor=manager, contact=second, reason="calls", at=NOON)

    join(manager, first, second)
    join(manager, third, first)

    shown = selectors.points_of(manager, [third.pk], NOON + timedelta(hours=1))[third.pk]
    assert [point.shown for point in shown] == ["+971501112233"]
    services.open_contact(actor=manager, contact=third, at=NOON + timedelta(hours=1))
    assert OwnerDisclosure.objects.count() == 1
    later = selectors.points_of(manager, [third.pk], NOON + timedelta(days=2))[third.pk]
    assert [point.shown for point in later] == ["+97150•••33"]


def test_the_names_of_both_are_in_the_survivors_timeline(manager: Actor) -> None:
    first, second = (factories.contact(manager.organization, name) for name in ("Noura", "N. Hashimi"))
    services.update_contact(actor=manager, contact=second, display_name="Noura H.")
    join(manager, first, second)

    told = selectors.contact_history(actor=manager, contact_id=first.pk).rows

    assert "Noura H." in [each.after for each in told]


def test_a_campaign_for_a_list_reaches_whom_they_were_merged_into(manager: Actor) -> None:
    first, second, third = (factories.contact(manager.organization, name) for name in ("Noura", "N. Hashimi", "Peter"))
    for nth, contact in enumerate((first, third)):
        factories.point(contact, f"+97150111223{nth}", is_primary=True)
    channel = talking.channel(manager.organization)
    campaign = campaigning.draft(manager, campaigning.project(manager.organization), [channel])
    campaign.project, campaign.target, campaign.audience = None, "list", {"contact_ids": [second.pk, third.pk]}
    join(manager, first, second)

    found = recipients_of(campaign=campaign, channel=channel, at=NOON)

    assert [row.contact_id for row in found] == sorted([first.pk, third.pk])
    given = {"contact_ids": [second.pk, first.pk]}
    checked = checked_filter(actor=manager, target="list", given=given, project_id=None)
    assert checked == {"contact_ids": [first.pk]}


def test_an_import_is_taken_back_although_it_was_guessed_that_two_are_one(manager: Actor) -> None:
    known = factories.contact(manager.organization, "عمر خليفة سعيد")
    factories.point(known, "+971501112233")
    run = bring(manager, ROW)
    new = Contact.objects.exclude(pk=known.pk).get()
    assert duplicates.look_for_duplicates(actor=manager, noun="contact", ids=[new.pk], at=timezone.now())

    take_back(manager, run)

    assert list(Contact.objects.live()) == [known]
    assert not DuplicateCandidate.objects.open().exists()
    assert not ReversalKept.objects.exists()


@pytest.mark.parametrize("imported_stays", [True, False])
def test_taking_an_import_back_leaves_what_was_merged_since(manager: Actor, imported_stays: bool) -> None:
    """Whichever of the two stayed: the person, the numbers of both, and the way to undo the merge."""
    known = factories.contact(manager.organization, "عمر خليفة سعيد")
    factories.point(known, "+971509998877")
    run = bring(manager, ROW)
    new = Contact.objects.exclude(pk=known.pk).get()
    pair = (new, known) if imported_stays else (known, new)
    made = join(manager, *pair, at=timezone.now() + timedelta(minutes=1))

    take_back(manager, run)

    assert list(Contact.objects.live()) == [pair[0]]
    assert {("+971501112233", pair[0].pk), ("+971509998877", pair[0].pk)} == numbers()
    assert ReversalKept.objects.filter(target_type="crm.contactpoint").exists()

    merging.reverse_merge(actor=manager, merge=made, at=timezone.now())
    assert {("+971501112233", new.pk), ("+971509998877", known.pk)} == numbers()


def numbers() -> set[tuple[str, int]]:
    return set(ContactPoint.objects.live().values_list("value", "contact"))
