"""Two messages to parts of one audience: dealt out once, sent as dealt, and compared without finding what is not there."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from campaigns import intervals, selectors, services
from campaigns.errors import ApprovalMissing, TemplateUnusable
from campaigns.models import Campaign, CampaignMessage
from campaigns.splitting import variant_of
from core.actors import Actor
from crm.models import Project
from messaging.models import Channel, MessageTemplate
from tests.campaigns import factories

OTHER = [{"type": "BODY", "text": "{{1}}, shall we talk?", "example": {"body_text": [["Amal"]]}}]


@pytest.fixture
def number(manager: Actor) -> Channel:
    return factories.channel(manager.organization)


@pytest.fixture
def project(manager: Actor, number: Channel) -> Project:
    factories.template(number)
    made = factories.project(manager.organization)
    factories.owners(made, 200)
    return made


@pytest.fixture
def other(number: Channel, project: Project) -> MessageTemplate:
    return factories.template(number, name="shall_we_talk", components=OTHER)


def split_campaign(
    manager: Actor, project: Project, number: Channel, other: MessageTemplate, percent: int = 30
) -> Campaign:
    return factories.draft(
        manager,
        project,
        [number],
        template=number.templates.get(name="unit_available"),
        second_template=other,
        second_percent=percent,
        second_variables={"1": {"source": "contact.first_name"}},
    )


def replied(campaign: Campaign, variant: str, out: int, count: int) -> None:
    """So many of this message went out, and so many of those replied; the others of it failed."""
    rows = list(campaign.messages.filter(variant=variant).order_by("pk").values_list("pk", flat=True))
    now = timezone.now()
    assert len(rows) >= out
    campaign.messages.filter(pk__in=rows[:out]).update(status="read", accepted_at=now)
    campaign.messages.filter(pk__in=rows[:count]).update(responded_at=now)
    campaign.messages.filter(pk__in=rows[out:]).update(status="failed", error_code=131026)


# Worked examples: Newcombe, Statistics in Medicine 17 (1998), pages 857 and 873.
@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_of_a_share_is_wilsons(count: int, of: int, low: float, high: float) -> None:
    found = intervals.share(count, of)
    assert found
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.00005)
    assert intervals.share(0, 0) is None


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090), ((10, 10), (0, 20), 0.6791, 1.0)],
)
def test_the_interval_of_a_difference_is_newcombes(first, second, low: float, high: float) -> None:
    found = intervals.difference(intervals.share(*first), intervals.share(*second))
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.00006)
    assert found.is_decided


def test_people_are_dealt_out_by_chance_and_always_the_same_way() -> None:
    dealt = [variant_of(7, contact, 30) for contact in range(20_000)]
    assert dealt == [variant_of(7, contact, 30) for contact in range(20_000)]
    assert dealt.count("b") / 20_000 == pytest.approx(0.30, abs=0.01)
    # Another campaign deals anew: who had the second message here does not have it there the more.
    both = sum(variant_of(8, contact, 30) == "b" for contact, had in enumerate(dealt) if had == "b")
    assert both / dealt.count("b") == pytest.approx(0.30, abs=0.02)
    assert variant_of(7, 1, None) == ""


def test_the_split_is_shown_before_and_frozen_at_the_start(
    manager: Actor, second_manager: Actor, project: Project, number: Channel, other: MessageTemplate
) -> None:
    campaign = split_campaign(manager, project, number, other)
    flight = services.preflight(actor=manager, campaign=campaign, at=timezone.now())
    assert flight.to_send == 200
    factories.approved(manager, second_manager, campaign)

    services.start_campaign(actor=manager, campaign=campaign, at=timezone.now())

    for row in CampaignMessage.objects.filter(campaign=campaign):
        assert row.variant == variant_of(campaign.pk, row.contact_id, 30)
        assert set(row.variables) == ({"1"} if row.variant == "b" else {"1", "2"})


def test_a_second_message_is_of_the_same_account_and_price_and_part_of_what_is_approved(
    manager: Actor, second_manager: Actor, project: Project, number: Channel, other: MessageTemplate
) -> None:
    with pytest.raises(TemplateUnusable, match="same category"):
        split_campaign(manager, project, number, number.templates.get(name="unit_available"))
    utility = factories.template(number, name="receipt", category="UTILITY", components=OTHER)
    with pytest.raises(TemplateUnusable, match="same category"):
        split_campaign(manager, project, number, utility)
    elsewhere = factories.template(factories.channel(manager.organization, 2, waba_id="999"), name="elsewhere")
    with pytest.raises(TemplateUnusable, match="same WhatsApp account"):
        split_campaign(manager, project, number, elsewhere)
    with pytest.raises(TemplateUnusable, match="1 to 99"):
        split_campaign(manager, project, number, other, percent=100)
    campaign = factories.approved(manager, second_manager, split_campaign(manager, project, number, other))

    MessageTemplate.objects.filter(pk=other.pk).update(components=[{"type": "BODY", "text": "Buy now, {{1}}"}])

    with pytest.raises(ApprovalMissing):
        services.start_campaign(actor=manager, campaign=campaign, at=timezone.now())


def test_the_database_holds_the_two_messages_together(
    manager: Actor, project: Project, number: Channel, other: MessageTemplate
) -> None:
    campaign = split_campaign(manager, project, number, other)
    for change in ("second_percent = NULL", "second_percent = 100", "second_template_id = template_id"):
        refused = pytest.raises(IntegrityError, match="second_message_whole_or_none")
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE campaigns_campaign SET {change} WHERE id = %s", [campaign.pk])


def test_no_winner_is_named_early_nor_where_the_range_contains_no_difference(
    client: Client, manager: Actor, second_manager: Actor, project: Project, number: Channel, other: MessageTemplate
) -> None:
    campaign = factories.approved(manager, second_manager, split_campaign(manager, project, number, other, percent=50))
    services.start_campaign(actor=manager, campaign=campaign, at=timezone.now())
    replied(campaign, "a", 80, 30)
    replied(campaign, "b", 80, 5)
    assert manager.user
    client.force_login(manager.user)

    def verdict() -> str:
        found = re.search(r'data-verdict="(\w+)"', client.get(f"/o/palm/campaigns/{campaign.pk}/now/").text)
        assert found
        return found[1]

    assert verdict() == "early"
    page = client.get(f"/o/palm/campaigns/{campaign.pk}/").text
    links = {html.unescape(each) for each in re.findall(r'href="([^"]*variant=[^"]*)"', page)}
    assert len(links) == 8
    rows = client.get(next(each for each in links if "variant=b&replied=yes" in each)).text
    assert rows.count('class="recipient"') == 5
    campaign.messages.filter(status="pending").update(status="failed")
    campaign.refresh_from_db()
    services.complete_campaign(campaign=campaign, at=timezone.now())
    assert verdict() == "early"
    Campaign.objects.filter(pk=campaign.pk).update(finished_at=timezone.now() - timedelta(hours=73))
    assert verdict() == "first"
    replied(campaign, "b", 80, 22)
    assert verdict() == "undecided"
    assert "Not decided" in client.get(f"/o/palm/campaigns/{campaign.pk}/").text


def test_a_second_message_is_chosen_on_pages_and_taken_back(
    client: Client, manager: Actor, project: Project, number: Channel, other: MessageTemplate
) -> None:
    campaign = factories.draft(manager, project, [number], template=number.templates.get(name="unit_available"))
    assert manager.user
    client.force_login(manager.user)
    here = f"/o/palm/campaigns/{campaign.pk}/"
    assert f"templates/?second={campaign.pk}" in client.get(here).text
    offered = client.get(f"/o/palm/campaigns/templates/?second={campaign.pk}").text
    assert f"second/{other.pk}/" in offered
    assert f"second/{campaign.template_id}/" not in offered
    given = {"second_percent": "40", "source.1": "contact.first_name", "text.1": "Friend"}

    assert client.post(f"{here}second/{other.pk}/", {**given, "second_percent": "100"}).status_code == 422
    assert client.post(f"{here}second/{other.pk}/", given).status_code == 302

    campaign.refresh_from_db()
    assert (campaign.second_template, campaign.second_percent) == (other, 40)
    assert campaign.second_variables == {"1": {"source": "contact.first_name", "fallback": "Friend"}}
    assert "B, for 40 of a hundred people" in client.get(here).text
    client.post(f"{here}second/{other.pk}/", {"remove": "1"})
    campaign.refresh_from_db()
    assert (campaign.second_template, campaign.second_percent, campaign.second_variables) == (None, None, {})


def test_each_person_gets_the_message_that_was_dealt(stage) -> None:
    """With a real engine; the sandbox's record is the judge."""
    account = factories.sandbox_account()
    account["templates"].append(
        {"name": "shall_we_talk", "language": "en", "category": "MARKETING", "components": OTHER}
    )
    stage.prepare(0)
    stage.live.sandbox("POST", "/_sandbox/configure", {"reset": True, "accounts": [account]})
    factories.owners(stage.project, 60)
    other = factories.template(stage.channels[0], name="shall_we_talk", components=OTHER)
    campaign = split_campaign(stage.author, stage.project, stage.channels[0], other, percent=50)
    stage.campaign = factories.approved(stage.author, stage.approver, campaign)
    stage.start()

    stage.send_all()

    assert stage.accepted() == 60
    sent = stage.live.sandbox("GET", "/_sandbox/received?kind=messages&limit=100")["received"]
    told = {each["to"].removeprefix("+"): each["body"]["template"]["name"] for each in sent}
    rows = CampaignMessage.objects.filter(campaign=stage.campaign)
    expected = {"a": "unit_available", "b": "shall_we_talk"}
    assert {row.recipient.removeprefix("+"): expected[row.variant] for row in rows} == told
    assert set(told.values()) == set(expected.values())
    assert selectors.comparison(actor=stage.author, campaign=stage.campaign, at=timezone.now()).verdict == "early"
