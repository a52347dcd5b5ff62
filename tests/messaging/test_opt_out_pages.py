"""Who said stop is seen wherever somebody could write to them: by name in lists, on pages, in the inbox."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.actors import Actor
from crm.models import Contact, ListDisclosure, Property
from messaging.models import Channel, OptOut
from messaging.selectors import stops_of
from tests.crm import factories as crm
from tests.messaging import factories

BADGE = "Said stop: offers"


@pytest.fixture
def owner(organization) -> Contact:
    made = crm.contact(organization, "Noura Example")
    crm.point(made, "+971501234567")
    crm.ownership(crm.unit(crm.project(organization)), made)
    return made


@pytest.fixture
def desk(manager: Actor) -> Client:
    client = Client(raise_request_exception=True)
    client.force_login(manager.user)  # type: ignore[arg-type]
    return client


def page(desk: Client, name: str, *args: object, **query: str) -> str:
    answer = desk.get(reverse(name, args=["palm", *args]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_mark_stands_on_every_page_that_shows_the_person(
    receive, desk: Client, owner: Contact, channel: Channel
) -> None:
    factories.conversation(channel, owner)
    unit = Property.objects.get()
    pages = [
        lambda: page(desk, "owner", owner.pk), lambda: page(desk, "unit", unit.pk), lambda: page(desk, "owners"),
        lambda: page(desk, "search", q="Noura"), lambda: page(desk, "inbox", box="all"),
    ]  # fmt: skip
    assert [BADGE in each() for each in pages] == [False] * 5

    receive(factories.value(messages=[factories.text_message("إيقاف")]))

    assert [BADGE in each() for each in pages] == [True] * 5
    talk = owner.conversations.get()
    assert page(desk, "conversation", talk.pk).count(BADGE) == 2
    assert "May be written to." not in page(desk, "owner", owner.pk)


def test_who_shares_the_number_is_marked_too_and_the_strictest_counts(organization, owner: Contact, majlis) -> None:
    spouse = crm.contact(organization, "Spouse Example")
    crm.point(spouse, "+971501234567")
    point = owner.points.get()
    at = timezone.now()
    OptOut.objects.create(organization=organization, contact=owner, point=point, source="keyword", at=at)
    OptOut.objects.create(organization=organization, contact=spouse, scope="all", source="agent", at=at)
    other = crm.contact(organization, "Other Example")

    found = stops_of(organization_id=organization.pk, contacts=[owner.pk, spouse.pk, other.pk])

    assert {pk: stop.scope for pk, stop in found.items()} == {owner.pk: "marketing", spouse.pk: "all"}


def test_an_agent_keeps_what_a_person_told_him(desk: Client, owner: Contact) -> None:
    answer = desk.post(reverse("opt-out", args=["palm", owner.pk]), {"scope": "all", "said": "By phone: no more"})

    assert answer.status_code == 302
    kept = OptOut.objects.get()
    assert (kept.scope, kept.source, kept.said, kept.contact) == ("all", "agent", "By phone: no more", owner)
    assert "By phone: no more" in page(desk, "owner", owner.pk)


def test_the_list_is_filtered_searched_and_paged(organization, desk: Client, owner: Contact) -> None:
    at = timezone.now()
    assert "Nobody has said stop" in page(desk, "opt-outs")
    point = owner.points.get()
    OptOut.objects.create(organization=organization, contact=owner, point=point, source="keyword", said="STOP", at=at)
    for number in range(55):
        other = crm.contact(organization, f"Person {number:02}")
        OptOut.objects.create(organization=organization, contact=other, source="import", scope="all", at=at)

    whole = page(desk, "opt-outs")
    assert (whole.count("Person "), "Earlier ones" in whole) == (50, True)
    assert "Noura" in page(desk, "opt-outs", before=str(OptOut.objects.order_by("pk")[10].pk))
    for query in ({"q": "noura"}, {"q": "0501234567"}, {"source": "keyword"}, {"scope": "marketing"}):
        shown = page(desk, "opt-outs", **query)
        assert ("Noura Example" in shown, "Person" in shown, "501234567" in shown.replace("0501234567", "")) == (
            True, False, False,
        )  # fmt: skip
    assert "Nobody fits" in page(desk, "opt-outs", q="1234567")


def test_an_agent_sees_those_whom_he_may_see(organization, agent: Actor, owner: Contact) -> None:
    OptOut.objects.create(organization=organization, contact=owner, source="keyword", at=timezone.now())
    client = Client(raise_request_exception=True)
    client.force_login(agent.user)  # type: ignore[arg-type]

    assert "Noura" not in page(client, "opt-outs")
    assert client.post(reverse("opt-out", args=["palm", owner.pk]), {"said": "x"}).status_code == 404
    assert OptOut.objects.count() == 1


def test_the_export_carries_the_filters_and_is_kept_as_numbers_taken(
    organization, desk: Client, owner: Contact
) -> None:
    at, point = timezone.now(), owner.points.get()
    OptOut.objects.create(organization=organization, contact=owner, point=point, source="keyword", at=at)
    other = crm.contact(organization, "Other Example")
    OptOut.objects.create(organization=organization, contact=other, source="agent", at=at)

    answer = desk.post(reverse("list-export", args=["palm", "opt-outs"]), {"format": "csv", "asked": "source=keyword"})

    text = b"".join(answer.streaming_content).decode()
    assert ("+971501234567" in text, "Other" in text) == (True, False)
    taken = ListDisclosure.objects.get()
    assert (taken.listed, taken.how_many) == ("messaging.optout", 1)
