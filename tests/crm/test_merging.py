"""Two contacts become one, and one becomes two again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.models import CampaignMessage
from core.actors import Actor
from core.errors import CapabilityMissing, NotFound
from core.models import AuditEntry, Organization
from crm import services
from crm.errors import AlreadyMerged, MergeRefused, MergeReversed, UndoLaterFirst, ValueInvalid
from crm.models import Contact, ContactPoint, Deal, Merge, MergeStep, Ownership
from crm.services import merging
from messaging.models import Conversation, Message, OptOut
from messaging.services.consent import record_stop
from sheets.models import RowLink
from tests.crm import factories
from tests.crm.merging import NOON, Twice, dump, texts
from tests.crm.merging import twice as a_woman_twice


@pytest.fixture
def twice(organization: Organization, manager: Actor, agent: Actor) -> Twice:
    return a_woman_twice(organization, manager, agent)


def join(actor: Actor, survivor: Contact, other: Contact, **kwargs: object) -> Merge:
    given = {"noun": "contact", "survivor_id": survivor.pk, "other_id": other.pk, "at": NOON, **kwargs}
    return merging.merge(actor=actor, **given)


def test_what_both_had_the_survivor_has_once(twice: Twice, manager: Actor) -> None:
    join(manager, twice.first, twice.second)

    points = ContactPoint.objects.live().filter(contact=twice.first)
    assert sorted(points.values_list("value", "status", "is_primary")) == [
        ("+971501234567", "do_not_contact", True),
        ("+971507654321", "valid", False),
        ("noura@example.com", "valid", True),
    ]
    shared = Ownership.objects.current().get(property=twice.shared, contact=twice.first)
    assert (shared.share_basis_points, shared.is_primary, shared.since.year) == (7_500, True, 2019)
    assert Ownership.objects.live().filter(contact=twice.first).count() == 3
    assert Deal.objects.get(seller=twice.first).property == twice.alone
    twice.first.refresh_from_db()
    assert (twice.first.display_name, twice.first.nationality) == ("Noura Al Hashimi", "AE")
    assert (twice.first.tags, twice.first.national_id) == (["vip", "investor"], "784")
    assert RowLink.objects.get().related_id == twice.first.pk


def test_the_strictest_consent_wins(twice: Twice, manager: Actor) -> None:
    Contact.objects.filter(pk=twice.second.pk).update(is_bad_contact=True)

    join(manager, twice.first, twice.second)

    twice.first.refresh_from_db()
    assert twice.first.is_bad_contact
    assert OptOut.objects.live().get().contact == twice.first


def test_two_talks_become_one_thread_in_order(twice: Twice, manager: Actor, agent: Actor) -> None:
    join(manager, twice.first, twice.second)

    talk = Conversation.objects.live().get(channel=twice.channel)
    assert (talk.pk, talk.contact, talk.unread_count) == (twice.talk.pk, twice.first, 3)
    assert talk.assigned_to == agent.membership
    assert texts(talk) == ["one", "two", "three", "four"]
    assert Conversation.objects.live().filter(contact=twice.first).count() == 2


def test_a_campaign_that_has_both_writes_once(twice: Twice, manager: Actor) -> None:
    join(manager, twice.first, twice.second)

    twice.waiting.refresh_from_db()
    assert (twice.waiting.status, twice.waiting.skip_reason, twice.waiting.contact) == (
        "skipped",
        "duplicate",
        twice.second,
    )
    assert CampaignMessage.objects.filter(contact=twice.first, status="pending").count() == 2


def test_the_number_of_the_other_serves_where_the_survivor_had_none(twice: Twice, manager: Actor) -> None:
    ours = CampaignMessage.objects.get(campaign=twice.waiting.campaign, contact=twice.first)
    CampaignMessage.objects.filter(pk=ours.pk).update(status="skipped", skip_reason="no_number", recipient="")

    made = join(manager, twice.first, twice.second)

    ours.refresh_from_db()
    assert (ours.status, ours.recipient) == ("pending", "971507654321")
    merging.reverse_merge(actor=manager, merge=made, at=NOON)
    ours.refresh_from_db()
    assert (ours.status, ours.skip_reason) == ("skipped", "no_number")


def test_an_old_id_leads_to_the_survivor(twice: Twice, manager: Actor) -> None:
    join(manager, twice.first, twice.second)
    third = factories.contact(manager.organization, "N. Hashimi")
    join(manager, third, twice.first)

    assert Contact.objects.survivors_of([twice.second.pk, third.pk]) == {twice.second.pk: third.pk, third.pk: third.pk}
    assert Contact.objects.survivor_of(twice.second.pk).get() == third
    assert not Contact.objects.survivor_of(third.pk).exists()
    assert set(Contact.objects.lineage_of(third.pk)) == {third.pk, twice.first.pk, twice.second.pk}


@pytest.mark.parametrize("survivor", ["first", "second"])
@pytest.mark.parametrize("take", [[], ["name", "language", "national_id"]])
def test_undoing_restores_every_row(twice: Twice, manager: Actor, survivor: str, take: list[str]) -> None:
    Contact.objects.filter(pk=twice.first.pk).update(national_id_index="x0")
    before = dump()
    pair = (twice.first, twice.second) if survivor == "first" else (twice.second, twice.first)

    made = join(manager, *pair, take=take)
    assert dump() != before
    made = merging.reverse_merge(actor=manager, merge=made, at=NOON + timedelta(hours=1))

    assert made.kept == []
    after = dump()
    assert {name for name in before if before[name] != after[name]} == set()


def test_the_preview_says_what_moves_and_changes_nothing(twice: Twice, manager: Actor) -> None:
    before = dump()

    preview = merging.preview_merge(
        actor=manager, noun="contact", survivor_id=twice.first.pk, other_id=twice.second.pk, take=["name"], at=NOON
    )

    assert dump() == before
    assert not Merge.objects.exists()
    assert preview.moves == {
        "numbers that both have": 1,
        "numbers and addresses": 2,
        "units that both own, shares added up": 1,
        "units owned": 1,
        "deals as seller": 1,
        "rows of sheets": 1,
        "conversations joined": 1,
        "messages": 2,
        "conversations": 1,
        "opt-outs": 1,
        "messages that would go out twice": 1,
        "messages of campaigns": 1,
    }
    lines = {line.name: line for line in preview.lines}
    assert (lines["name"].kept, lines["name"].is_choice) == ("theirs", True)
    assert (lines["nationality"].kept, lines["language"].kept, lines["tags"].kept) == ("theirs", "ours", "both")
    assert "784" not in str(lines["national_id"])


def test_what_came_since_stays_with_the_survivor(twice: Twice, manager: Actor) -> None:
    made = join(manager, twice.first, twice.second)
    new = factories.point(twice.first, "+971509999999")
    late = Message.objects.create(
        organization=manager.organization, conversation=twice.talk, channel=twice.channel, direction="inbound",
        status="received", body="five", provider_id="w5", at=NOON + timedelta(days=1),
    )  # fmt: skip
    services.update_contact(actor=manager, contact=twice.first, nationality="GB")

    made = merging.reverse_merge(actor=manager, merge=made, at=NOON + timedelta(days=2))

    new.refresh_from_db()
    twice.first.refresh_from_db()
    assert (new.contact, twice.first.nationality) == (twice.first, "GB")
    assert texts(twice.talk) == ["one", "three", "five"]
    assert texts(twice.other_talk) == ["two", "four"]
    assert Conversation.objects.get(pk=twice.talk.pk).last_message_at == late.at
    assert {"model": "crm.contact", "columns": ["nationality"], "ids": [twice.first.pk]} in made.kept


def test_whoever_says_no_after_the_merge_has_said_it_for_both(twice: Twice, manager: Actor) -> None:
    OptOut.objects.all().delete()
    ContactPoint.objects.update(status="valid")
    made = join(manager, twice.first, twice.second)
    point = ContactPoint.objects.live().get(contact=twice.first, value="+971501234567")
    services.mark_do_not_contact(actor=manager, point=point, reason="asked")
    services.mark_bad_contact(actor=manager, contact=twice.first, reason="rude")
    record_stop(
        actor=manager,
        contact=twice.first,
        address="971501234567",
        scope="marketing",
        source="keyword",
        said="STOP",
        at=NOON,
    )

    merging.reverse_merge(actor=manager, merge=made, at=NOON + timedelta(days=2))

    copies = ContactPoint.objects.live().filter(value="+971501234567")
    assert list(copies.values_list("status", flat=True)) == ["do_not_contact"] * 2
    assert Contact.objects.filter(is_bad_contact=True).count() == 2
    assert set(OptOut.objects.live().values_list("contact", flat=True)) == {twice.first.pk, twice.second.pk}


def test_merges_are_undone_from_the_last_on(twice: Twice, manager: Actor) -> None:
    third = factories.contact(manager.organization, "Third")
    first = join(manager, twice.first, twice.second)
    second = join(manager, twice.first, third)

    with pytest.raises(UndoLaterFirst):
        merging.reverse_merge(actor=manager, merge=first, at=NOON)
    merging.reverse_merge(actor=manager, merge=second, at=NOON)
    merging.reverse_merge(actor=manager, merge=first, at=NOON)
    with pytest.raises(MergeReversed):
        merging.reverse_merge(actor=manager, merge=first, at=NOON)

    assert Contact.objects.live().filter(pk__in=[twice.first.pk, twice.second.pk, third.pk]).count() == 3


def test_what_cannot_be_one_is_refused_and_nothing_happens(
    twice: Twice, manager: Actor, agent: Actor, outsider: Actor
) -> None:
    before = dump()
    buyer = Deal.objects.get(seller=twice.second).buyer

    with pytest.raises(MergeRefused):
        join(manager, twice.second, buyer)
    with pytest.raises(ValueInvalid):
        join(manager, twice.first, twice.first)
    with pytest.raises(ValueInvalid):
        join(manager, twice.first, twice.second, take=["tags"])
    with pytest.raises(CapabilityMissing):
        join(agent, twice.first, twice.second)
    with pytest.raises(NotFound):
        join(outsider, twice.first, twice.second)

    assert dump() == before
    assert not MergeStep.objects.exists()


def test_the_second_is_told_where_the_first_merged_it_to(twice: Twice, manager: Actor) -> None:
    join(manager, twice.first, twice.second)

    with pytest.raises(AlreadyMerged) as refused:
        join(manager, twice.second, twice.first)

    assert refused.value.details["survivor"] == twice.first.pk


def test_both_sides_of_it_are_in_the_trail(twice: Twice, manager: Actor) -> None:
    made = join(manager, twice.first, twice.second)
    merging.reverse_merge(actor=manager, merge=made, at=NOON)

    actions = AuditEntry.objects.filter(action__contains="merge").order_by("pk").values_list("action", "target_id")
    assert list(actions) == [
        ("crm.contact_merged", twice.first.pk),
        ("crm.contact_merged_away", twice.second.pk),
        ("crm.contact_unmerged", twice.first.pk),
    ]
    merged = AuditEntry.objects.get(action="crm.contact_merged")
    assert (merged.before["nationality"], merged.after["nationality"]) == ("", "AE")
    assert merged.after["national_id"] == "(encrypted)"


def test_what_came_late_follows(twice: Twice, manager: Actor) -> None:
    """An import, a campaign or an engine had read the contact before it was merged."""
    made = join(manager, twice.first, twice.second)
    late = factories.deal(twice.shared, Deal.objects.first().agent, buyer=twice.second)
    Message.objects.create(
        organization=manager.organization, conversation=twice.other_talk, channel=twice.channel, direction="outbound",
        status="sending", body="late", at=NOON,
    )  # fmt: skip

    assert merging.settle_merge(merge_id=made.pk, at=NOON) == 2
    assert merging.settle_merge(merge_id=made.pk, at=NOON) == 0

    late.refresh_from_db()
    assert late.buyer == twice.first
    assert texts(twice.talk)[-1] == "late"
