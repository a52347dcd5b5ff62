"""Segments: each condition finds whom people mean by it, and what cannot be asked is refused in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from campaigns import selectors, services
from campaigns.errors import NameTaken, SegmentInvalid
from campaigns.models import CampaignMessage, Segment
from campaigns.segments import checked_definition, contacts_of
from core.actors import Actor
from core.errors import CapabilityMissing, NotFound
from core.models import AuditEntry
from crm.models import Contact, ContactPoint, Project, Property
from messaging.models import Channel, Conversation, Message, OptOut
from tests.campaigns import factories
from tests.crm.doors import Caller

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


@pytest.fixture
def number(manager: Actor) -> Channel:
    return factories.channel(manager.organization)


@pytest.fixture
def project(manager: Actor, number: Channel) -> Project:
    factories.template(number)
    return factories.project(manager.organization)


@pytest.fixture
def people(project: Project) -> dict[str, Contact]:
    """Four owners of two units each and a stranger; each unlike the others in one thing."""
    found = {name: factories.owner(project, name, value=f"+97150222000{n}") for n, name in enumerate("ABCD")}
    for name, contact in found.items():
        unit = contact.ownerships.get().property
        Property.objects.filter(pk=unit.pk).update(status="sold", bedrooms=2, cluster="Aster")
        second = factories.project(project.organization, project.number + 1 + "ABCD".index(name))
        other = Property.objects.create(
            organization=project.organization, project=second, p_number=f"Q-{name}", status="available",
            bedrooms=4, building="Tower", asking_price_minor=150_000_000, area_sqm="100.00",
        )  # fmt: skip
        contact.ownerships.create(organization=project.organization, property=other)
    Property.objects.filter(p_number="P-A").update(status="available")
    Contact.objects.filter(pk=found["B"].pk).update(language="ar", nationality="EGYPT", tags=["vip", "sea"])
    Contact.objects.filter(pk=found["C"].pk).update(is_bad_contact=True)
    Contact.objects.update(created_at=NOW - timedelta(days=400))
    found["S"] = Contact.objects.create(organization=project.organization, display_name="S")
    Contact.objects.filter(pk=found["S"].pk).update(created_at=NOW - timedelta(days=2))
    return found


def names(actor: Actor, definition: dict[str, Any], at: datetime = NOW) -> str:
    checked = checked_definition(actor=actor, given=definition)
    segment = Segment(organization=actor.organization, name="x", definition=checked)
    return "".join(sorted(contacts_of(actor=actor, segment=segment, at=at).values_list("display_name", flat=True)))


def row(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "is": operator} | ({} if value is None else {"value": value})


def all_of(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"match": "all", "rows": list(rows), **more}


def any_of(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"match": "any", "rows": list(rows), **more}


def test_each_condition_of_units_and_people(manager: Actor, people: dict[str, Contact]) -> None:
    first = Project.objects.get(number=1).pk
    expected = {
        "unit.project": (row("unit.project", "in", [first]), "ABCD"),
        "unit.status": (row("unit.status", "in", ["available"]), "ABCD"),
        "unit.cluster": (row("unit.cluster", "in", ["Aster"]), "ABCD"),
        "unit.building": (row("unit.building", "not_in", ["Tower"]), "ABCD"),
        "unit.layout": (row("unit.layout", "in", ["3A"]), ""),
        "unit.purpose": (row("unit.purpose", "in", ["rent"]), ""),
        "unit.bedrooms": (row("unit.bedrooms", "at_least", 5), ""),
        "unit.price": (row("unit.price", "at_most", "1,500,000"), "ABCD"),
        "unit.size": (row("unit.size", "at_least", 1077), ""),
        "person.owns": (row("person.owns", "no"), "S"),
        "person.language": (row("person.language", "in", ["ar"]), "B"),
        "person.nationality": (row("person.nationality", "in", ["Egypt"]), "B"),
        "person.tag": (row("person.tag", "not_in", ["vip"]), "ACDS"),
        "person.agent": (row("person.agent", "in", [manager.membership.pk]), ""),  # type: ignore[union-attr]
        "person.bad": (row("person.bad", "yes"), "C"),
        "person.first_seen": (row("person.first_seen", "within_days", 3), "S"),
    }
    assert {field: names(manager, all_of(each)) for field, (each, _) in expected.items()} == {
        field: found for field, (_, found) in expected.items()
    }


def test_what_is_asked_of_units_in_one_group_is_asked_of_one_unit(manager: Actor, people: dict[str, Contact]) -> None:
    free, two = row("unit.status", "in", ["available"]), row("unit.bedrooms", "is", 2)

    assert names(manager, all_of(free, two)) == "A"
    assert names(manager, any_of(free, two)) == "ABCD"
    assert names(manager, all_of(all_of(free), all_of(two))) == "ABCD"  # of one unit the one, of another the other
    assert names(manager, all_of(free, two, **{"not": True})) == "BCDS"
    speaks = row("person.language", "in", ["ar"])
    assert names(manager, any_of(speaks, all_of(free, two))) == "AB"
    assert (
        names(manager, all_of(row("person.owns", "yes"), any_of(speaks, row("person.bad", "yes"), **{"not": True})))
        == "AD"
    )


def test_talk_and_consent(manager: Actor, number: Channel, people: dict[str, Contact]) -> None:
    house = manager.organization
    OptOut.objects.create(organization=house, contact=people["D"], source="keyword", at=NOW)
    point = ContactPoint.objects.get(contact=people["B"])
    OptOut.objects.create(organization=house, point=point, source="keyword", at=NOW)
    ContactPoint.objects.create(organization=house, contact=people["S"], kind="phone", value=point.value)
    ContactPoint.objects.filter(contact=people["A"]).update(status="do_not_contact")
    talk = Conversation.objects.create(
        organization=house, channel=number, contact=people["A"], last_inbound_at=NOW - timedelta(days=10)
    )
    Message.objects.create(
        organization=house,
        conversation=talk,
        channel=number,
        direction="outbound",
        status="sent",
        at=NOW - timedelta(days=5),
    )
    assert names(manager, all_of(row("consent.opted_out", "yes"))) == "BDS"
    assert names(manager, all_of(row("consent.do_not_contact", "no"))) == "BCDS"
    assert names(manager, all_of(row("talk.wrote", "ever"))) == "A"
    assert names(manager, all_of(row("talk.wrote", "within_days", 7))) == ""
    assert names(manager, all_of(row("talk.wrote", "not_since", "2026-11-20"))) == "ABCDS"
    assert names(manager, all_of(row("talk.wrote", "not_since", "2026-11-01"))) == "BCDS"
    assert names(manager, all_of(row("talk.written_to", "since", "2026-11-16"))) == "A"
    assert names(manager, all_of(row("talk.written_to", "never"))) == "BCDS"


def test_what_earlier_campaigns_came_to(
    manager: Actor, number: Channel, project: Project, people: dict[str, Contact]
) -> None:
    campaign = factories.draft(manager, project, [number])
    for name, values in {
        "A": {"status": "read", "responded_at": NOW},
        "B": {"status": "read"},
        "C": {"status": "delivered"},
        "D": {"status": "skipped", "skip_reason": "opted_out"},
    }.items():
        CampaignMessage.objects.create(
            organization=manager.organization, campaign=campaign, contact=people[name], **values
        )
    this, other = [campaign.pk], [factories.draft(manager, project, [number]).pk]
    assert names(manager, all_of(row("campaign.replied", "in", this))) == "A"
    assert names(manager, all_of(row("campaign.silent", "in", this))) == "BC"
    assert names(manager, all_of(row("campaign.read_silent", "any"))) == "B"
    assert names(manager, all_of(row("campaign.sent", "not_in", this))) == "DS"
    assert names(manager, all_of(row("campaign.sent", "in", other))) == ""
    assert names(manager, all_of(row("campaign.sent", "none"))) == "DS"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "write {"),
        ({"rows": []}, "add at least one condition"),
        ({"rows": ["x"]}, "condition 1: write"),
        ({"match": "some", "rows": [{"field": "person.bad", "is": "yes"}]}, "choose all or any"),
        (all_of(row("person.age", "is", 3)), "condition 1: 'person.age' is not a field; choose one of unit.project"),
        (all_of(row("person.bad", "yes"), row("unit.status", "is", ["sold"])), "condition 2, unit.status: 'is' cannot"),
        (all_of(row("unit.status", "in", ["free"])), "'free' does not exist; choose from available"),
        (all_of(row("unit.cluster", "in", [" "])), "not empty"),
        (all_of(row("unit.bedrooms", "is", True)), "write a whole number from 0 to 100"),
        (all_of(row("unit.price", "at_most", "cheap")), "condition 1, unit.price"),
        (all_of(row("unit.size", "at_most", "NaN")), "write square feet"),
        (all_of(row("talk.wrote", "since", "yesterday")), "write it as 2026-05-01"),
        (all_of(row("talk.wrote", "within_days", 0)), "from 1 to 3650"),
        (all_of(row("unit.project", "in", [999_999])), "999999 is not among those you may choose"),
        (all_of(all_of(all_of(row("person.bad", "yes")))), "cannot hold another group"),
        (all_of(*[row("person.bad", "yes")] * 31), "at most 30 conditions"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(manager: Actor, given: Any, said: str) -> None:
    with pytest.raises(SegmentInvalid) as refusal:
        services.create_segment(actor=manager, name="S", definition=given, at=NOW)
    assert said in refusal.value.message
    assert not Segment.objects.exists()


def test_a_segment_is_kept_changed_and_seen_by_whom_it_belongs_to(
    manager: Actor, supervisor: Actor, agent: Actor, outsider: Actor
) -> None:
    ours = services.create_segment(
        actor=manager, name=" Bad  ones", definition=all_of(row("person.bad", "yes")), at=NOW
    )
    theirs = services.create_segment(actor=supervisor, name="Mine", definition=all_of(row("person.bad", "no")), at=NOW)
    assert ours.name == "Bad ones"
    with pytest.raises(NameTaken):
        services.create_segment(actor=supervisor, name="Bad ones", definition=theirs.definition, at=NOW)
    with pytest.raises(CapabilityMissing):
        services.create_segment(actor=agent, name="No", definition=theirs.definition, at=NOW)
    for stranger in (supervisor, outsider):
        with pytest.raises(NotFound):
            services.update_segment(actor=stranger, segment=ours, name="Hers", at=NOW)
    assert list(Segment.objects.visible_to(supervisor)) == [theirs]
    assert set(Segment.objects.visible_to(manager)) == {ours, theirs}

    services.update_segment(actor=manager, segment=ours, name="Good ones", definition=theirs.definition, at=NOW)

    trail = AuditEntry.objects.get(action="campaigns.segment_changed")
    assert (trail.before["name"], trail.after["name"]) == ("Bad ones", "Good ones")


def test_own_only_members_find_only_whom_they_see(
    manager: Actor, supervisor: Actor, people: dict[str, Contact]
) -> None:
    Contact.objects.filter(pk=people["D"].pk).update(assigned_to=supervisor.membership)
    everybody = all_of(row("person.owns", "yes"))
    assert (names(manager, everybody), names(supervisor, everybody)) == ("ABCD", "D")


@pytest.mark.parametrize(
    ("definition", "name", "rule"),
    [
        ("[]", "x", "campaigns_segment_definition_is_an_object"),
        ("{}", "", "campaigns_segment_has_a_name"),
        ("{}", "Kept", "campaigns_segment_name_once"),
    ],
)
def test_the_database_holds_what_a_segment_must_be(manager: Actor, definition: str, name: str, rule: str) -> None:
    services.create_segment(actor=manager, name="Kept", definition=all_of(row("person.bad", "yes")), at=NOW)
    with pytest.raises(IntegrityError, match=rule), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO campaigns_segment (organization_id, created_at, updated_at, name, definition, created_by_id)"
            " VALUES (%s, now(), now(), %s, %s::jsonb, %s)",
            [manager.organization.pk, name, definition, manager.membership.pk],  # type: ignore[union-attr]
        )


def test_a_segment_over_the_api_tried_kept_changed_and_removed(
    client: Client, manager: Actor, supervisor: Actor, agent: Actor, number: Channel, people: dict[str, Contact]
) -> None:
    api, project = Caller(client, manager), Project.objects.get(number=1)
    definition = all_of(
        row("unit.project", "in", [project.pk]), row("unit.bedrooms", "at_least", 2), row("person.language", "in", ["ar"]),
        any_of(row("talk.wrote", "not_since", "2026-05-01"), row("campaign.replied", "any"), **{"not": True}),
    )  # fmt: skip
    fields = {field["name"]: field for field in api.get("segments/fields/").json()}
    assert fields["unit.project"]["choices"][0] == {"value": project.pk, "label": "Vardon 1"}
    assert {"value": "Aster", "label": "Aster"} in fields["unit.cluster"]["choices"]

    tried = api.post("segments/trial/", {"definition": definition}).json()
    assert tried == {
        "sentence": "Owners of a unit that is in Vardon 1 and has at least 2 bedrooms, who speak ar and "
        "not (have not written to us since 1 May 2026 or answered any campaign).",
        "count": 0,
        "sample": [],
    }
    refused = api.post("segments/trial/", {"definition": all_of(row("unit.status", "in", ["free"]))})
    assert (refused.status_code, refused.json()["code"]) == (422, "segment_invalid")
    assert not Segment.objects.exists()

    made = api.post("segments/", {"name": "Arabs", "definition": all_of(row("person.language", "in", ["ar"]))})
    assert (made.status_code, made.json()["sentence"]) == (201, "People who speak ar.")
    here = f"segments/{made.json()['id']}/"
    found = api.get(f"{here}preview/").json()
    assert (found["count"], found["sample"]) == (
        1,
        [{"contact_id": people["B"].pk, "name": "B", "number": "+97150•••01"}],
    )
    assert api.patch(here, {"name": "Arabic"}).json()["name"] == "Arabic"
    assert Caller(client, agent).patch(here, {"name": "Mine"}).status_code in (403, 404)
    assert Caller(client, supervisor).get(here).status_code == 404

    campaign = factories.draft(manager, project, [number], target="segment", segment=Segment.objects.get())
    refused = api.delete(here)
    assert (refused.status_code, refused.json()["code"]) == (409, "segment_in_use")
    services.cancel_campaign(actor=manager, campaign=campaign, reason="", at=NOW)
    assert api.delete(here).status_code == 204
    assert api.get("segments/").json()["results"] == []


def test_a_segment_of_thousands_costs_as_many_queries_as_one_of_four(
    client: Client, manager: Actor, project: Project, people: dict[str, Contact], django_assert_num_queries: Any
) -> None:
    definition = all_of(
        row("unit.status", "in", ["off_market", "available"]),
        row("talk.wrote", "never"),
        row("consent.opted_out", "no"),
    )
    # how to join (two, in a savepoint of two), the count, the sample, its numbers
    with django_assert_num_queries(7):
        few = selectors.segment_view(actor=manager, definition=definition, at=NOW)
    factories.owners(project, 3_000)
    with django_assert_num_queries(7):
        many = selectors.segment_view(actor=manager, definition=definition, at=NOW)
    assert (few.count, many.count, len(many.sample)) == (4, 3_004, 10)


def test_a_manager_builds_a_segment_in_the_back_office(
    client: Client, manager: Actor, people: dict[str, Contact]
) -> None:
    client.force_login(manager.user)  # type: ignore[arg-type]
    add = "/o/palm/admin/campaigns/segment/add/"
    page = client.get(add).text
    assert "Unit: bedrooms" in page
    assert "segments/trial/" in page

    refused = client.post(add, {"name": "Bad", "definition": '{"rows": []}'})
    assert "add at least one condition" in refused.text
    saved = client.post(add, {"name": "Bad", "definition": '{"rows": [{"field": "person.bad", "is": "yes"}]}'})

    assert saved.status_code == 302
    segment = Segment.objects.get()
    assert segment.definition == all_of(row("person.bad", "yes"))
    changed = client.post(add.replace("add", f"{segment.pk}/change"), {"name": "Bad ones", "definition": '{"rows": [{"field": "person.bad", "is": "no"}]}'})  # fmt: skip
    assert changed.status_code == 302
    listed = client.get("/o/palm/admin/campaigns/segment/").text
    assert "Bad ones" in listed
    assert "People who are not marked as bad contacts." in listed
