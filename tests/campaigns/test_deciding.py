"""Writing, checking, approving and starting a campaign: who may, what is refused, and what is left as it was."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from campaigns import selectors, services
from campaigns.errors import (
    ApprovalMissing,
    AudienceEmpty,
    AudienceInvalid,
    ChannelUnusable,
    IllegalMove,
    NameTaken,
    OwnCampaign,
    ScheduleInvalid,
    TemplateUnusable,
    VariablesInvalid,
)
from campaigns.models import Approval, Campaign, CampaignMessage, CampaignPause
from campaigns.quiet import quiet_until
from campaigns.subscribers import attribute_reply, follow_messages, heed_template
from core.actors import Actor
from core.errors import CapabilityMissing, NotFound
from core.models import AuditEntry
from crm.models import Contact, ContactPoint, Project
from messaging.events import InboundReceived, MessagesProgressed, TemplateChanged
from messaging.models import Channel, Conversation, Message, OptOut
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
def running(manager: Actor, second_manager: Actor, project: Project, number: Channel) -> Campaign:
    factories.owners(project, 5)
    campaign = factories.approved(manager, second_manager, factories.draft(manager, project, [number]))
    return services.start_campaign(actor=manager, campaign=campaign, at=NOW)


def test_the_preflight_counts_everybody_by_reason_and_the_start_does_the_same(
    manager: Actor, second_manager: Actor, project: Project, number: Channel
) -> None:
    factories.owners(project, 4)
    first = Contact.objects.order_by("pk")[0]
    factories.owner(project, "Silent")
    factories.owner(project, "Fixed", value="+97143331111", line_type="fixed")
    factories.owner(project, "Odd", value="+97150000", status="invalid")
    factories.owner(project, "Unsure", value="+971501112222", status="review")
    factories.owner(project, "Twin", value=factories.phone_of(0))
    factories.owner(project, "States", value="+12125550100", country="US")
    factories.owner(project, "Hidden", value="+971501113333", status="do_not_contact")
    bad = factories.owner(project, "Bad", value="+971501114444")
    Contact.objects.filter(pk=bad.pk).update(is_bad_contact=True)
    stopped = factories.owner(project, "Stopped", value="+971501115555")
    OptOut.objects.create(organization=manager.organization, contact=stopped, source="keyword", said="STOP", at=NOW)
    nameless = factories.owner(project, "Nameless", value="+971501116666")
    Contact.objects.filter(pk=nameless.pk).update(first_name="")
    factories.owner(factories.project(manager.organization, 2), "Elsewhere", value="+971501117777")
    campaign = factories.approved(manager, second_manager, factories.draft(manager, project, [number]))

    found = services.preflight(actor=manager, campaign=campaign, at=NOW)

    assert (found.people, found.to_send, found.problems) == (14, 4, [])
    assert found.skipped == dict.fromkeys(
        ["no_number", "landline", "invalid_number", "review", "duplicate", "us_marketing", "do_not_contact",
         "bad_contact", "opted_out", "variable"], 1,
    )  # fmt: skip
    assert found.missing == {"1": 1}
    assert found.samples[0].name == first.display_name
    assert found.samples[0].text == "Dear Owner0, is your unit 0 available?\nReply STOP to hear no more"
    assert not CampaignMessage.objects.exists()

    services.start_campaign(actor=manager, campaign=campaign, at=NOW)

    funnel = selectors.funnel(actor=manager, campaign=campaign)
    assert (funnel.people, funnel.waiting, funnel.by_reason) == (14, 4, found.skipped)


def test_whoever_another_campaign_wrote_to_today_is_left_out(
    manager: Actor, running: Campaign, project: Project, number: Channel
) -> None:
    CampaignMessage.objects.filter(campaign=running).update(accepted_at=NOW)
    again = factories.draft(manager, project, [number])

    assert services.preflight(actor=manager, campaign=again, at=NOW + timedelta(hours=1)).skipped == {"recent": 5}
    assert services.preflight(actor=manager, campaign=again, at=NOW + timedelta(hours=25)).to_send == 5


def test_one_person_one_row_and_one_number_one_row(manager: Actor, running: Campaign) -> None:
    first, second = CampaignMessage.objects.order_by("pk")[:2]
    for clash in ({"contact": first.contact}, {"contact": second.contact, "recipient": first.recipient}):
        with pytest.raises(IntegrityError), transaction.atomic():
            CampaignMessage.objects.create(organization=manager.organization, campaign=running, **clash)


def test_somebody_else_approves_and_an_edit_voids_it(
    manager: Actor, second_manager: Actor, project: Project, number: Channel
) -> None:
    factories.owners(project, 2)
    campaign = factories.draft(manager, project, [number])
    services.submit_for_review(actor=manager, campaign=campaign, at=NOW)
    with pytest.raises(OwnCampaign):
        services.approve_campaign(actor=manager, campaign=campaign, at=NOW)
    assert not Approval.objects.exists()
    services.approve_campaign(actor=second_manager, campaign=campaign, at=NOW)

    services.update_campaign(actor=second_manager, campaign=campaign, at=NOW, messages_per_second=10)

    campaign.refresh_from_db()
    assert campaign.status == "draft"
    assert Approval.objects.get().voided_by == second_manager.membership
    with pytest.raises(IllegalMove):
        services.start_campaign(actor=manager, campaign=campaign, at=NOW)
    services.submit_for_review(actor=manager, campaign=campaign, at=NOW)
    with pytest.raises(OwnCampaign):  # who changed it last is an author too
        services.approve_campaign(actor=second_manager, campaign=campaign, at=NOW)


def test_a_template_that_changed_since_must_be_approved_again(
    manager: Actor, second_manager: Actor, project: Project, number: Channel
) -> None:
    factories.owners(project, 2)
    campaign = factories.approved(manager, second_manager, factories.draft(manager, project, [number]))
    campaign.template.components = [{"type": "BODY", "text": "{{1}} {{2}}, something else"}]
    campaign.template.save()

    with pytest.raises(ApprovalMissing):
        services.start_campaign(actor=manager, campaign=campaign, at=NOW)

    campaign.refresh_from_db()
    assert campaign.status == "approved"
    assert not CampaignMessage.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"name": " "}, AudienceInvalid),
        ({"audience": {"colours": ["red"]}}, AudienceInvalid),
        ({"audience": {"clusters": "Aster"}}, AudienceInvalid),
        ({"target": "specific_property"}, AudienceInvalid),
        ({"target": "list", "audience": {"contact_ids": [999_999]}}, AudienceInvalid),
        ({"variables": {"1": "contact.first_name"}}, VariablesInvalid),
        ({"variables": {"1": "contact.first_name", "2": "contact.shoe_size"}}, VariablesInvalid),
        ({"ends_at": NOW - timedelta(days=1)}, ScheduleInvalid),
        ({"quiet_from": time(20)}, ScheduleInvalid),
        ({"messages_per_second": 0}, ScheduleInvalid),
    ],
)
def test_what_cannot_be_sent_is_refused(
    manager: Actor, project: Project, number: Channel, wrong: dict, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        factories.draft(manager, project, [number], NOW, **wrong)

    assert not Campaign.objects.exists()
    assert not AuditEntry.objects.exists()


def test_it_needs_a_number_that_can_send_its_template(manager: Actor, project: Project, number: Channel) -> None:
    elsewhere = factories.channel(manager.organization, 2, waba_id="another account")
    for channels in ([], [elsewhere]):
        with pytest.raises(ChannelUnusable):
            factories.draft(manager, project, channels, template=number.templates.get())
    assert not Campaign.objects.exists()


def test_a_name_is_used_once(manager: Actor, project: Project, number: Channel) -> None:
    factories.draft(manager, project, [number], name="Spring")
    with pytest.raises(NameTaken):
        factories.draft(manager, project, [number], name="Spring")


def test_roles_and_reach(
    manager: Actor, agent: Actor, supervisor: Actor, outsider: Actor, project: Project, number: Channel
) -> None:
    with pytest.raises(CapabilityMissing):
        factories.draft(agent, project, [number])
    with pytest.raises(AudienceInvalid):  # a project that is not the team's
        factories.draft(supervisor, project, [number])
    campaign = factories.draft(manager, project, [number])
    with pytest.raises(CapabilityMissing):
        services.approve_campaign(actor=supervisor, campaign=campaign, at=NOW)
    with pytest.raises(NotFound):
        services.submit_for_review(actor=supervisor, campaign=campaign, at=NOW)
    assert not Campaign.objects.visible_to(outsider).exists()


def test_a_start_that_cannot_succeed_changes_nothing(
    manager: Actor, second_manager: Actor, project: Project, number: Channel
) -> None:
    campaign = factories.approved(manager, second_manager, factories.draft(manager, project, [number]))
    with pytest.raises(AudienceEmpty):
        services.start_campaign(actor=manager, campaign=campaign, at=NOW)
    factories.owners(project, 2)
    Channel.objects.update(session_status="error")
    with pytest.raises(ChannelUnusable):
        services.start_campaign(actor=manager, campaign=campaign, at=NOW)
    Channel.objects.update(session_status="connected")
    campaign.template.status = "PAUSED"
    campaign.template.save()
    with pytest.raises(TemplateUnusable):
        services.start_campaign(actor=manager, campaign=campaign, at=NOW)
    campaign.refresh_from_db()
    assert campaign.status == "approved"
    assert not CampaignMessage.objects.exists()


def test_the_schedule_starts_it_once_and_not_hours_late(
    manager: Actor, second_manager: Actor, project: Project, number: Channel
) -> None:
    factories.owners(project, 2)
    soon = NOW + timedelta(hours=1)
    made = [
        factories.approved(
            manager, second_manager, factories.draft(manager, project, [number], NOW, starts_at=soon), NOW
        )
        for _ in range(2)
    ]
    for campaign in made:
        assert services.start_campaign(actor=manager, campaign=campaign, at=NOW).status == "scheduled"

    services.start_scheduled(campaign=made[0], at=NOW)
    assert not CampaignMessage.objects.exists()
    assert services.start_scheduled(campaign=made[0], at=soon).status == "running"
    assert services.start_scheduled(campaign=made[0], at=soon).status == "running"
    late = services.start_scheduled(campaign=made[1], at=soon + timedelta(hours=7))

    assert (late.status, CampaignMessage.objects.count()) == ("approved", 2)
    assert "missed by hours" in late.status_reason


def test_statuses_only_move_up_and_replies_are_counted_once(manager: Actor, running: Campaign, number: Channel) -> None:
    row = CampaignMessage.objects.order_by("pk")[0]
    talk = Conversation.objects.create(organization=manager.organization, channel=number, contact=row.contact)
    message = Message.objects.create(
        organization=manager.organization, conversation=talk, channel=number, direction="outbound", type="template",
        status="sending", at=NOW,
    )  # fmt: skip
    CampaignMessage.objects.filter(pk=row.pk).update(message=message, status="unknown")
    for said, expected in (("read", "read"), ("sent", "read"), ("failed", "read"), ("played", "read")):
        Message.objects.filter(pk=message.pk).update(status=said, error_code=131026 if said == "failed" else None)
        follow_messages(MessagesProgressed(manager.organization.pk, (message.pk,)))
        row.refresh_from_db()
        assert row.status == expected
    assert row.error_code is None
    assert row.accepted_at

    for hours, counted in ((73, False), (71, True), (72, True)):
        reply = Message.objects.create(
            organization=manager.organization, conversation=talk, channel=number, direction="inbound",
            status="received", at=NOW + timedelta(hours=hours),
        )  # fmt: skip
        attribute_reply(InboundReceived(manager.organization.pk, talk.pk, reply.pk, row.contact_id, None))
        row.refresh_from_db()
        assert (row.responded_at is not None) is counted
    assert row.responded_at == NOW + timedelta(hours=71)


def test_a_template_that_whatsapp_pauses_pauses_its_campaigns(manager: Actor, running: Campaign) -> None:
    running.template.status = "PAUSED"
    running.template.save()

    heed_template(TemplateChanged(manager.organization.pk, running.template_id))

    running.refresh_from_db()
    assert running.status == "paused"
    assert CampaignPause.objects.get().reason == "WhatsApp says that the template unit_available (en) is paused."
    assert selectors.progress(actor=manager, campaign=running, at=NOW).sentence == (
        "Paused: WhatsApp says that the template unit_available (en) is paused. 5 are waiting."
    )


def test_a_template_of_another_price_pauses_until_somebody_else_approves_again(
    manager: Actor, second_manager: Actor, running: Campaign
) -> None:
    changed = TemplateChanged(manager.organization.pk, running.template_id)
    running.template.quality = "YELLOW"
    running.template.save()
    heed_template(changed)
    running.refresh_from_db()
    assert running.status == "running"  # only a word about it

    running.template.category = "MARKETING" if running.template.category == "UTILITY" else "UTILITY"
    running.template.save()
    heed_template(changed)

    running.refresh_from_db()
    assert running.status == "paused"
    assert "costs the price of" in CampaignPause.objects.get().reason
    with pytest.raises(ApprovalMissing):
        services.resume_campaign(actor=manager, campaign=running, at=NOW)
    with pytest.raises(OwnCampaign):
        services.approve_campaign(actor=manager, campaign=running, at=NOW)
    services.approve_campaign(actor=second_manager, campaign=running, at=NOW)
    running.refresh_from_db()
    assert running.status == "paused"
    services.resume_campaign(actor=manager, campaign=running, at=NOW)
    running.refresh_from_db()
    assert running.status == "running"
    with pytest.raises(IllegalMove):
        services.approve_campaign(actor=second_manager, campaign=running, at=NOW)


def test_reads_cost_the_same_for_many(manager: Actor, running: Campaign, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        selectors.funnels(actor=manager, campaign_ids=[running.pk, 1, 2, 3])
    with django_assert_num_queries(4):  # funnel, pace, who waits longest, engine
        selectors.progress(actor=manager, campaign=running, at=NOW)


def test_it_says_why_it_is_not_moving(manager: Actor, running: Campaign) -> None:
    sentence = selectors.progress(actor=manager, campaign=running, at=NOW).sentence
    assert sentence == "No worker is sending it. One is called every 15 seconds; 5 are waiting."


@pytest.mark.parametrize(("hour", "until"), [(17, None), (18, "05:00"), (23, "05:00"), (3, "05:00"), (5, None)])
def test_quiet_hours_span_midnight_in_the_organisations_time(hour: int, until: str | None) -> None:
    """22:00 to 09:00 in Dubai is 18:00 to 05:00 UTC."""
    at = datetime(2026, 11, 21, hour, tzinfo=UTC)
    found = quiet_until(at=at, time_zone="Asia/Dubai", start=time(22), end=time(9))
    assert (found and found.astimezone(UTC).strftime("%H:%M")) == until
    assert found is None or timedelta() < found - at <= timedelta(hours=11)


def test_ten_thousand_people_are_frozen_in_seconds(
    manager: Actor, second_manager: Actor, project: Project, number: Channel
) -> None:
    factories.owners(project, 10_000)
    campaign = factories.approved(manager, second_manager, factories.draft(manager, project, [number]))
    began = timezone.now()
    services.start_campaign(actor=manager, campaign=campaign, at=NOW)
    assert (timezone.now() - began).total_seconds() < 30  # 2 s when nothing else runs on the machine
    assert ContactPoint.objects.count() == CampaignMessage.objects.filter(status="pending").count() == 10_000
