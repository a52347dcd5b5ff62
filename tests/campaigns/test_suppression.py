"""Who is left out although there is a number: in talk with us, written to enough, in a campaign that is left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from campaigns import services
from campaigns.errors import ApprovalMissing, AudienceEmpty, AudienceInvalid, ScheduleInvalid
from campaigns.models import Campaign, CampaignMessage, CampaignRules
from core.actors import Actor
from crm.models import Contact, Project, Property
from messaging.models import Channel, Conversation, OptOut
from tests.campaigns import factories

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


@pytest.fixture
def number(manager: Actor) -> Channel:
    return factories.channel(manager.organization)


@pytest.fixture
def project(manager: Actor, number: Channel) -> Project:
    factories.template(number)
    return factories.project(manager.organization)


@pytest.fixture
def owners(project: Project) -> list[int]:
    return factories.owners(project, 4)


def skipped(actor: Actor, campaign: Campaign, at: datetime = NOW) -> dict[str, int]:
    return services.preflight(actor=actor, campaign=campaign, at=at).skipped


def got(campaign: Campaign, contact: int, at: datetime, **fields: Any) -> None:
    """This campaign wrote to that owner then."""
    value = Contact.objects.get(pk=contact).points.get().value.removeprefix("+")
    values = {"status": "delivered", "recipient": value, "accepted_at": at, **fields}
    CampaignMessage.objects.create(organization=campaign.organization, campaign=campaign, contact_id=contact, **values)


def test_whoever_talks_to_us_now_is_not_interrupted(
    manager: Actor, project: Project, number: Channel, owners: list[int]
) -> None:
    for contact, hours, status in ((owners[0], 3, "open"), (owners[1], 3, "closed"), (owners[2], 30, "open")):
        Conversation.objects.create(
            organization=manager.organization, channel=number, contact_id=contact, status=status,
            last_inbound_at=NOW - timedelta(hours=hours),
        )  # fmt: skip
    campaign = factories.draft(manager, project, [number])

    assert skipped(manager, campaign) == {"talking": 1}

    campaign = services.update_campaign(actor=manager, campaign=campaign, skip_talking_within_hours=48, at=NOW)
    assert skipped(manager, campaign) == {"talking": 2}
    campaign = services.update_campaign(actor=manager, campaign=campaign, skip_talking_within_hours=0, at=NOW)
    assert skipped(manager, campaign) == {}


def test_nobody_gets_more_than_the_house_and_the_campaign_allow(
    manager: Actor, project: Project, number: Channel, owners: list[int]
) -> None:
    for n in range(3):
        earlier = factories.draft(manager, project, [number])
        got(earlier, owners[0], NOW - timedelta(days=2 + n))
        if n:
            got(earlier, owners[1], NOW - timedelta(days=2 + n))
    campaign = factories.draft(manager, project, [number])
    assert skipped(manager, campaign) == {}

    CampaignRules.objects.create(organization=manager.organization, most_messages=3, per_days=30)
    assert skipped(manager, campaign) == {"too_often": 1}

    campaign = services.update_campaign(actor=manager, campaign=campaign, most_messages=2, per_days=7, at=NOW)
    assert skipped(manager, campaign) == {"too_often": 2}
    assert skipped(manager, campaign, NOW + timedelta(days=20)) == {"too_often": 1}
    with pytest.raises(ScheduleInvalid, match="Say both"):
        services.update_campaign(actor=manager, campaign=campaign, most_messages=None, at=NOW)


def test_people_of_other_campaigns_are_left_out_when_asked(
    manager: Actor, supervisor: Actor, project: Project, number: Channel, owners: list[int]
) -> None:
    spring = factories.draft(manager, project, [number])
    got(spring, owners[0], NOW - timedelta(days=90))
    got(spring, owners[1], NOW - timedelta(days=90), status="failed")
    got(spring, owners[2], None, status="skipped", skip_reason="no_number", recipient="")  # type: ignore[arg-type]
    campaign = factories.draft(manager, project, [number], audience={"excluded_campaigns": [spring.pk]})

    assert skipped(manager, campaign) == {"excluded": 1}

    with pytest.raises(AudienceInvalid, match="not among those you may choose"):
        factories.draft(manager, project, [number], audience={"excluded_campaigns": [10**9]})


def test_recent_leads_are_those_who_wrote_and_strangers_met_lately(
    manager: Actor, project: Project, number: Channel, owners: list[int]
) -> None:
    house = manager.organization
    Contact.objects.update(created_at=NOW - timedelta(days=2))
    Conversation.objects.create(
        organization=house, channel=number, contact_id=owners[0], last_inbound_at=NOW - timedelta(days=5)
    )
    met = {
        name: Contact.objects.create(organization=house, display_name=name, first_name=name) for name in ("New", "Old")
    }
    Contact.objects.filter(pk=met["Old"].pk).update(created_at=NOW - timedelta(days=60))
    Contact.objects.filter(pk=met["New"].pk).update(created_at=NOW - timedelta(days=3))

    with pytest.raises(AudienceInvalid, match="how many days"):
        factories.draft(manager, project, [number], target="recent_leads", project=None)
    campaign = factories.draft(
        manager, project, [number], target="recent_leads", project=None, audience={"days": 7},
        variables={"1": "contact.first_name", "2": {"text": "new"}},
    )  # fmt: skip
    found = services.preflight(actor=manager, campaign=campaign, at=NOW)
    assert (found.people, found.to_send, found.skipped) == (2, 1, {"no_number": 1})


def test_a_segment_is_a_target_and_the_message_is_of_the_unit_it_asked_for(
    manager: Actor, second_manager: Actor, project: Project, number: Channel, owners: list[int]
) -> None:
    free = Property.objects.create(
        organization=manager.organization, project=project, p_number="Z-1", unit_number="900", status="available"
    )
    Contact.objects.get(pk=owners[2]).ownerships.create(organization=manager.organization, property=free)
    asked = {"rows": [{"field": "unit.status", "is": "in", "value": ["available"]}]}
    segment = services.create_segment(actor=manager, name="Free", definition=asked, at=NOW)
    with pytest.raises(AudienceInvalid, match="Choose the segment"):
        factories.draft(manager, project, [number], target="segment")
    campaign = factories.draft(manager, project, [number], target="segment", segment=segment)
    campaign = factories.approved(manager, second_manager, campaign, NOW)

    found = services.preflight(actor=manager, campaign=campaign, at=NOW)
    assert (found.people, found.samples[0].text.splitlines()[0]) == (1, "Dear Owner2, is your unit 900 available?")

    everybody = {"rows": [{"field": "person.owns", "is": "yes"}]}
    services.update_segment(actor=manager, segment=segment, definition=everybody, at=NOW)
    with pytest.raises(ApprovalMissing, match="the segment was changed since"):
        services.start_campaign(actor=manager, campaign=campaign, at=NOW)
    assert not CampaignMessage.objects.exists()


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("target = 'segment'", "campaigns_campaign_segment_when_it_is_the_target"),
        ("most_messages = 3", "campaigns_campaign_cap_both_or_none"),
        ("most_messages = 0, per_days = 3", "campaigns_campaign_cap_both_or_none"),
        ("budget_minor = 0", "campaigns_campaign_budget_positive"),
    ],
)
def test_the_database_holds_what_a_campaign_must_be(
    manager: Actor, project: Project, number: Channel, change: str, rule: str
) -> None:
    factories.draft(manager, project, [number])
    with pytest.raises(IntegrityError, match=rule), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE campaigns_campaign SET {change}")


def test_an_audience_that_became_empty_since_its_approval_is_not_started(
    manager: Actor, second_manager: Actor, project: Project, number: Channel, owners: list[int]
) -> None:
    campaign = factories.approved(manager, second_manager, factories.draft(manager, project, [number]), NOW)
    for contact in owners:
        OptOut.objects.create(organization=manager.organization, contact_id=contact, source="keyword", at=NOW)

    assert services.preflight(actor=manager, campaign=campaign, at=NOW).problems == ["Nobody is left to write to."]
    with pytest.raises(AudienceEmpty) as refusal:
        services.start_campaign(actor=manager, campaign=campaign, at=NOW)

    assert refusal.value.details["skipped"]["opted_out"] == 4
    campaign.refresh_from_db()
    assert campaign.status == "approved"
    assert not CampaignMessage.objects.exists()


def test_variables_speak_of_person_unit_and_house_and_name_who_lacks_which(
    manager: Actor, project: Project, number: Channel, owners: list[int]
) -> None:
    manager.organization.city = "Dubai"
    manager.organization.save()
    Property.objects.exclude(unit_number="1").update(view="Sea")
    variables = {"1": "organization.city", "2": {"source": "property.view"}}
    campaign = factories.draft(manager, project, [number], variables=variables)

    found = services.preflight(actor=manager, campaign=campaign, at=NOW)
    assert found.samples[0].text.splitlines()[0] == "Dear Dubai, is your unit Sea available?"
    lacking = services.preflight_people(actor=manager, campaign=campaign, reason="variable", at=NOW)
    assert [(row.name, row.missing) for row in lacking] == [("Owner 1", ["2"])]

    variables["2"] = {"source": "property.view", "fallback": "quiet"}
    campaign = services.update_campaign(actor=manager, campaign=campaign, variables=variables, at=NOW)
    said = services.preview_for(actor=manager, campaign=campaign, contact_id=owners[1], at=NOW)
    assert (said.text.splitlines()[0], said.missing) == ("Dear Dubai, is your unit quiet available?", [])
