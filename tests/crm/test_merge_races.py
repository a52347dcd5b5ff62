"""Merges at the same instant as other merges, webhooks and campaigns: one wins, and nobody's words are lost."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.models import CampaignMessage
from campaigns.services import start_campaign
from core.actors import Actor, system
from core.models import Organization
from core.roles import Role
from core.tenancy import organization_scope
from crm.models import Contact, ContactPoint, Merge, Ownership
from crm.services import contact_for_sender, merging
from messaging.incoming import InboundMessage, Sender
from messaging.models import Conversation, Message
from messaging.models.conversations import MessageType
from messaging.services.inbound import take_message
from tests.campaigns import factories as campaigning
from tests.crm import factories
from tests.crm.test_races import at_once
from tests.live import house
from tests.messaging import factories as talking

NOON = datetime(2026, 6, 1, 8, tzinfo=UTC)
ROUNDS = 5


def office() -> tuple[Organization, Actor]:
    organization, members = house()
    return organization, Actor(organization, members[Role.MANAGER])


def pair(organization: Organization, round_: int) -> tuple[Contact, Contact]:
    first, second = (factories.contact(organization, f"Noura {round_}") for _ in range(2))
    factories.point(first, f"+97150100{round_:04}")
    factories.point(second, f"+97150200{round_:04}", kind="whatsapp")
    return first, second


def join(actor: Actor, survivor: Contact, other: Contact) -> Merge:
    return merging.merge(actor=actor, noun="contact", survivor_id=survivor.pk, other_id=other.pk, at=NOON)


def test_eight_who_merge_the_same_pair_merge_it_once(committed: str) -> None:
    organization, manager = office()
    with organization_scope(organization.pk):
        for round_ in range(ROUNDS):
            first, second = pair(organization, round_)

            answers = at_once(organization, *[partial(join, manager, first, second)] * 8)

            assert sorted(answers) == ["already_merged"] * 7 + ["done"]
            assert ContactPoint.objects.live().filter(contact=first).count() == 2
        assert Merge.objects.count() == ROUNDS


def test_one_into_the_other_while_the_other_into_the_one(committed: str) -> None:
    organization, manager = office()
    with organization_scope(organization.pk):
        for round_ in range(ROUNDS):
            first, second = pair(organization, round_)

            answers = at_once(
                organization, partial(join, manager, first, second), partial(join, manager, second, first)
            )

            assert sorted(answers) == ["already_merged", "done"]
            survivor = Contact.objects.live().get(pk__in=[first.pk, second.pk])
            assert ContactPoint.objects.live().filter(contact=survivor).count() == 2


def test_eight_who_undo_the_same_merge_undo_it_once(committed: str) -> None:
    organization, manager = office()
    with organization_scope(organization.pk):
        first, second = pair(organization, 1)
        made = join(manager, first, second)

        undo = partial(merging.reverse_merge, actor=manager, merge=made, at=NOON)
        answers = at_once(organization, *[undo] * 8)

        assert sorted(answers) == ["done"] + ["merge_already_reversed"] * 7
        assert list(ContactPoint.objects.live().order_by("contact").values_list("contact", flat=True)) == [
            first.pk,
            second.pk,
        ]


def _said(round_: int) -> InboundMessage:
    return InboundMessage(
        provider_id=f"wamid.race{round_}",
        type=MessageType.TEXT,
        payload={},
        body="Is it still there?",
        at=NOON,
        sender=Sender(phone=f"97150200{round_:04}", user_id="", name="Noura"),
    )


def test_what_somebody_writes_while_being_merged_is_in_the_survivors_thread(committed: str) -> None:
    organization, manager = office()
    with organization_scope(organization.pk):
        channel = talking.channel(organization)
        for round_ in range(ROUNDS * 2):
            first, second = pair(organization, round_)
            talking.message(talking.conversation(channel, first), "before")
            talking.message(talking.conversation(channel, second), "before too")

            answers = at_once(
                organization,
                partial(join, manager, first, second),
                partial(take_message, actor=system(organization), channel=channel, said=_said(round_), at=NOON),
            )

            assert answers == ["done", "done"]
            talk = Conversation.objects.live().get(contact__in=[first, second])
            assert (talk.contact_id, talk.messages.live().count()) == (first.pk, 3)
        assert not Message.objects.filter(conversation__deleted_at__isnull=False).exists()


def test_a_sender_who_is_merged_while_found_is_the_survivor(committed: str) -> None:
    organization, manager = office()
    with organization_scope(organization.pk):
        for round_ in range(ROUNDS):
            first, second = pair(organization, round_)
            found: list[Contact] = []

            def ask(round_: int = round_, found: list[Contact] = found) -> None:
                phone = f"97150200{round_:04}"
                with transaction.atomic():
                    who = contact_for_sender(actor=system(organization), phone=phone, bsuid=None, name="", at=NOON)
                    found.append(who)

            assert at_once(organization, partial(join, manager, first, second), ask) == ["done", "done"]
            assert Contact.objects.survivors_of([found[0].pk])[found[0].pk] == first.pk
            assert Contact.objects.live().filter(display_name=f"Noura {round_}").count() == 1


def test_a_campaign_that_freezes_while_two_are_merged_reaches_the_person(committed: str) -> None:
    organization, members = house()
    manager, admin = Actor(organization, members[Role.MANAGER]), Actor(organization, members[Role.ADMIN])
    with organization_scope(organization.pk):
        channel = campaigning.channel(organization)
        for round_ in range(ROUNDS):
            project = campaigning.project(organization, round_ + 1)
            ids = campaigning.owners(project, 2, start=round_ * 10)
            first, second = Contact.objects.filter(pk__in=ids).order_by("pk")
            campaign = campaigning.approved(
                manager, admin, campaigning.draft(manager, project, [channel], skip_messaged_within_hours=0)
            )

            answers = at_once(
                organization,
                partial(join, manager, first, second),
                partial(start_campaign, actor=manager, campaign=campaign, at=NOON),
            )
            assert answers == ["done", "done"]
            merging.settle_merge(merge_id=Merge.objects.latest("pk").pk, at=NOON)

            rows = CampaignMessage.objects.filter(campaign=campaign)
            assert rows.filter(contact=first, status="pending").count() == 1
            assert not rows.filter(contact=second, status="pending").exists()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.booleans()), min_size=1, max_size=8))
def test_whatever_is_merged_and_undone_nothing_is_lost(manager: Actor, acts: list[tuple[int, int, bool]]) -> None:
    with transaction.atomic():
        _play(manager, acts)
        transaction.set_rollback(True)


def _play(manager: Actor, acts: list[tuple[int, int, bool]]) -> None:
    """Five contacts with shares of one unit and numbers, some of them the same; merges, and undoing the last one."""
    unit = factories.unit(factories.project(manager.organization, "Random"))
    people = [factories.contact(manager.organization, f"Person {number}") for number in range(5)]
    for number, person in enumerate(people):
        factories.ownership(unit, person, share_basis_points=2_000, is_primary=number == 0)
        factories.point(person, f"+9715000000{number % 3:02}", is_primary=True)
        factories.point(person, f"+9715011111{number:02}")
    start = _state()
    standing: list[Merge] = []
    for first, second, undo in acts:
        live = set(Contact.objects.live().values_list("pk", flat=True))
        if undo and standing:
            merging.reverse_merge(actor=manager, merge=standing.pop(), at=NOON)
        elif first != second and {people[first].pk, people[second].pk} <= live:
            standing.append(join(manager, people[first], people[second]))
        shares = Ownership.objects.current().filter(property=unit)
        assert sum(shares.values_list("share_basis_points", flat=True)) == 10_000
        assert shares.filter(is_primary=True).count() == 1
        values = ContactPoint.objects.live().filter(contact__deleted_at__isnull=True).values_list("value", flat=True)
        assert len(set(values)) == 8
        assert ContactPoint.objects.live().filter(contact__deleted_at__isnull=False).count() == 0
    while standing:
        merging.reverse_merge(actor=manager, merge=standing.pop(), at=NOON)
    assert _state() == start


def _state() -> list[object]:
    points = ContactPoint.objects.order_by("pk").values_list("pk", "contact", "status", "is_primary", "deleted_at")
    owned = Ownership.objects.order_by("pk").values_list(
        "pk", "contact", "share_basis_points", "is_primary", "deleted_at"
    )
    return [
        list(points),
        list(owned),
        list(Contact.objects.order_by("pk").values_list("pk", "deleted_at", "merged_into")),
    ]
