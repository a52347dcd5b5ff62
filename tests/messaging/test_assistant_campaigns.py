"""A manager starts an approved campaign from his phone: only one he may start, only after a yes, only once."""

from __future__ import annotations

import pytest

from campaigns.models import Campaign, CampaignMessage
from core.actors import Actor
from core.models import AuditEntry
from messaging.models import AssistantTurn
from tests.campaigns import factories
from tests.messaging import assistant
from tests.messaging import factories as talk
from tests.messaging.assistant import Phone


@pytest.fixture
def campaign(organization, manager: Actor, admin: Actor) -> Campaign:
    channel = talk.channel(organization, messaging_limit=10_000)
    assistant.line(channel)
    factories.template(channel)
    project = factories.project(organization)
    factories.owners(project, 3)
    made = factories.draft(manager, project, [channel], name="Zinnia in June")
    return factories.approved(manager, admin, made)


@pytest.fixture
def phone(sandbox, campaign: Campaign, manager: Actor) -> Phone:
    assistant.connected(manager)
    return Phone(campaign.channels.get(), sandbox.received)


def status(campaign: Campaign) -> str:
    campaign.refresh_from_db()
    return campaign.status


@pytest.mark.parametrize(
    "asked", ["start campaign Zinnia in June", "Send Messages for me to Zinnia Cluster", "zinnia in june\n"]
)
def test_it_is_asked_about_first_and_started_by_a_yes(phone: Phone, campaign: Campaign, asked: str) -> None:
    assert phone.write(asked) == ["Start the campaign “Zinnia in June” now? Answer yes, or no."]
    assert status(campaign) == "approved"

    assert phone.write("Yes") == ["Started: “Zinnia in June”. 3 people will get it."]
    assert (status(campaign), CampaignMessage.objects.filter(status="pending").count()) == ("running", 3)
    assert AuditEntry.objects.get(action="campaigns.campaign_started").user.name == "Mona"
    assert phone.write("yes") == ["There is nothing to choose from. Write help to see what you can ask me."]


def test_yes_can_be_pressed(phone: Phone, campaign: Campaign) -> None:
    phone.write("start campaign Zinnia in June")
    assert [title for _, title in phone.choices()] == ["Yes", "No"]

    assert phone.press(phone.choices()[0]) == ["Started: “Zinnia in June”. 3 people will get it."]
    assert status(campaign) == "running"


def test_the_name_of_its_project_alone_asks_as_agents_know_it(phone: Phone, campaign: Campaign) -> None:
    assert phone.write(campaign.project.name)[0].startswith("Start the campaign “Zinnia in June”")


def test_a_list_a_choice_and_a_no_in_arabic(phone: Phone, campaign: Campaign) -> None:
    [offered] = phone.write("حملات")
    assert offered.splitlines()[1].startswith("1. Zinnia in June")
    assert phone.write("١") == ["هل أبدأ الحملة “Zinnia in June” الآن؟ أجب بنعم أو لا."]
    assert phone.write("لا") == ["لم يبدأ شيء."]
    assert phone.write("نعم") == ["لا يوجد ما تختاره. اكتب: مساعدة."]
    assert status(campaign) == "approved"


def test_an_agent_is_told_that_he_may_not(sandbox, campaign: Campaign, agent: Actor) -> None:
    assistant.connected(agent)
    phone = Phone(campaign.channels.get(), sandbox.received)

    assert phone.write("start campaign Zinnia in June") == ["Your role does not allow this. Ask a manager."]
    assert "I did not understand" in phone.write("Zinnia in June")[0]
    assert AssistantTurn.objects.order_by("pk")[0].outcome == "not_allowed"
    assert status(campaign) == "approved"


def test_what_changed_between_the_question_and_the_yes_is_said(phone: Phone, campaign: Campaign) -> None:
    phone.write("start campaign Zinnia in June")
    campaign.template.status = "PAUSED"
    campaign.template.save()

    [answer] = phone.write("yes")

    assert answer.startswith("It did not start: ")
    assert (status(campaign), CampaignMessage.objects.count()) == ("approved", 0)


def test_a_draft_is_not_offered(phone: Phone, campaign: Campaign) -> None:
    Campaign.objects.update(status="draft")

    assert phone.write("start campaign Zinnia in June") == ["No approved campaign fits “Zinnia in June”."]
    assert phone.write("campaigns") == ["No approved campaign of yours is waiting to be started."]
