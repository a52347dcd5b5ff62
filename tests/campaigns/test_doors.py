"""The API and the back office, as people and integrations use them."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from campaigns import services
from campaigns.models import Campaign, CampaignMessage
from core.actors import Actor
from core.models import AuditEntry
from core.services import issue_token
from crm.models import Contact, Project
from messaging.models import Channel
from tests.campaigns import factories

ADMIN = "/o/palm/admin/campaigns"


@pytest.fixture
def number(manager: Actor) -> Channel:
    return factories.channel(manager.organization)


@pytest.fixture
def project(manager: Actor, number: Channel) -> Project:
    factories.template(number)
    made = factories.project(manager.organization)
    factories.owners(made, 3)
    return made


def headers(actor: Actor) -> dict[str, str]:
    return {"Authorization": f"Bearer {issue_token(actor=actor, name='t', at=timezone.now())[1]}"}


def sign_in(client: Client, actor: Actor) -> Client:
    assert actor.user
    client.force_login(actor.user)
    return client


def running(manager: Actor, second_manager: Actor, project: Project, number: Channel) -> Campaign:
    campaign = factories.approved(manager, second_manager, factories.draft(manager, project, [number]))
    return services.start_campaign(actor=manager, campaign=campaign, at=timezone.now())


def test_a_campaign_from_draft_to_cancelled_over_the_api(
    client: Client, manager: Actor, second_manager: Actor, project: Project, number: Channel
) -> None:
    mine, theirs = headers(manager), headers(second_manager)
    template = number.templates.get()
    body = {
        "name": "Spring",
        "project": project.pk,
        "template": template.pk,
        "channels": [number.pk],
        "variables": factories.VARIABLES,
    }
    answer = client.post("/api/v1/palm/campaigns/", body, content_type="application/json", headers=mine)
    assert answer.status_code == 201, answer.json()
    here = f"/api/v1/palm/campaigns/{answer.json()['id']}"

    preflight = client.get(f"{here}/preflight/", headers=mine).json()
    assert (preflight["people"], preflight["to_send"], preflight["problems"]) == (3, 3, [])
    assert preflight["samples"][0]["text"].startswith("Dear Owner0, is your unit 0 available?")

    assert client.post(f"{here}/review/", headers=mine).status_code == 201
    own = client.post(f"{here}/approval/", headers=mine)
    assert (own.status_code, own.json()["code"]) == (403, "own_campaign")
    assert client.post(f"{here}/approval/", headers=theirs).status_code == 201
    assert client.post(f"{here}/launch/", headers=mine).json()["status"] == "running"
    twice = client.post(f"{here}/launch/", headers=mine)
    assert (twice.status_code, twice.json()["code"]) == (409, "illegal_move")

    pause = client.post(f"{here}/pause/", {"reason": "Lunch."}, content_type="application/json", headers=mine)
    assert (pause.status_code, pause.json()["reason"]) == (201, "Lunch.")
    assert client.get(f"{here}/progress/", headers=mine).json()["sentence"] == "Paused: Lunch. 3 are waiting."
    assert client.delete(f"{here}/pause/", headers=mine).status_code == 204
    ended = client.post(f"{here}/cancellation/", {"reason": ""}, content_type="application/json", headers=mine).json()
    assert (ended["status"], ended["funnel"]["by_reason"]) == ("cancelled", {"cancelled": 3})

    people = client.get(f"{here}/recipients/?status=skipped&skip_reason=cancelled", headers=mine).json()
    assert [row["contact_name"] for row in people["results"]] == ["Owner 2", "Owner 1", "Owner 0"]
    trail = AuditEntry.objects.filter(action__startswith="campaigns.").order_by("pk")
    assert [entry.action.removeprefix("campaigns.campaign_") for entry in trail] == [
        "created", "submitted", "approved", "started", "paused", "resumed", "cancelled",
    ]  # fmt: skip


def test_refusals_name_the_field_and_change_nothing(
    client: Client, manager: Actor, project: Project, number: Channel
) -> None:
    body = {
        "name": "X",
        "template": number.templates.get().pk,
        "channels": [number.pk],
        "variables": {"1": "contact.name"},
    }
    answer = client.post("/api/v1/palm/campaigns/", body, content_type="application/json", headers=headers(manager))
    assert (answer.status_code, answer.json()["code"]) == (422, "variables_invalid")
    assert answer.json()["details"]["variables"] == {"2": "choose where its text comes from"}
    answer = client.post("/api/v1/palm/campaigns/", {}, content_type="application/json", headers=headers(manager))
    assert answer.status_code == 400
    assert not Campaign.objects.exists()


def test_agents_and_outsiders_see_nothing_of_it(
    client: Client, manager: Actor, agent: Actor, outsider: Actor, project: Project, number: Channel
) -> None:
    campaign = factories.draft(manager, project, [number])
    for path in (
        f"campaigns/{campaign.pk}/",
        f"campaigns/{campaign.pk}/recipients/",
        f"campaigns/{campaign.pk}/progress/",
    ):
        assert client.get(f"/api/v1/palm/{path}", headers=headers(agent)).status_code == 404
    assert client.get("/api/v1/palm/campaigns/", headers=headers(agent)).json()["results"] == []
    refused = client.post(f"/api/v1/palm/campaigns/{campaign.pk}/launch/", headers=headers(agent))
    assert refused.status_code == 403
    sign_in(client, outsider)
    assert client.get(f"/api/v1/palm/campaigns/{campaign.pk}/").status_code == 404
    assert client.get(f"{ADMIN}/campaign/").status_code == 404


def test_the_list_of_campaigns_costs_the_same_for_many(
    client: Client, manager: Actor, project: Project, number: Channel, django_assert_num_queries
) -> None:
    for _ in range(6):
        factories.draft(manager, project, [number])
    mine = headers(manager)
    client.get("/api/v1/palm/campaigns/", headers=mine)
    # organisation, scope, token, last use, campaigns, channels, funnels, scope back
    with django_assert_num_queries(7):
        assert len(client.get("/api/v1/palm/campaigns/", headers=mine).json()["results"]) == 6


def test_a_manager_writes_a_campaign_in_the_back_office(
    client: Client, manager: Actor, project: Project, number: Channel
) -> None:
    sign_in(client, manager)
    template = number.templates.get()
    first = client.get(f"{ADMIN}/campaign/add/")
    assert "which template?" in first.text
    form = client.get(f"{ADMIN}/campaign/add/?template={template.pk}")
    assert "Variable {{1}} of the body" in form.text
    given = {
        "name": "Summer", "channels": [number.pk], "project": project.pk, "target": "all_owners",
        "skip_messaged_within_hours": 24, "skip_talking_within_hours": 24,
        "budget": "150", "budget_currency": "USD", "source:1": "contact.first_name", "text:1": "", "source:2": "text", "text:2": "",
        "clusters": "Aster, Lily",
    }  # fmt: skip
    refused = client.post(f"{ADMIN}/campaign/add/?template={template.pk}", given)
    assert "2: write the text" in refused.text
    assert not Campaign.objects.exists()

    saved = client.post(f"{ADMIN}/campaign/add/?template={template.pk}", {**given, "text:2": "yours"})

    assert saved.status_code == 302
    campaign = Campaign.objects.get()
    assert campaign.audience == {"clusters": ["Aster", "Lily"]}
    assert campaign.variables == {"1": {"source": "contact.first_name"}, "2": {"text": "yours"}}
    assert list(campaign.channels.all()) == [number]
    assert campaign.budget_minor == 15_000
    page = client.get(f"{ADMIN}/campaign/{campaign.pk}/change/")
    assert "Would get it" in page.text
    assert "Dear Owner0, is your unit yours available?" in page.text


def test_the_page_of_a_running_campaign_leads_to_the_rows_behind_its_numbers(
    client: Client, manager: Actor, second_manager: Actor, project: Project, number: Channel
) -> None:
    factories.owner(project, "Silent")
    campaign = running(manager, second_manager, project, number)
    CampaignMessage.objects.filter(recipient=factories.phone_of(1)[1:]).update(status="failed", error_code=131026)
    sign_in(client, manager)

    page = client.get(f"{ADMIN}/campaign/{campaign.pk}/change/")

    assert "WhatsApp could not deliver to this number." in page.text
    assert "No number known." in page.text
    for status, count in (("failed", 1), ("skipped", 1), ("pending,claimed,submitting", 2)):
        address = re.search(rf'href="([^"]*status__in={status}[^"]*)"', page.text)
        assert address, status
        rows = client.get(address[1].replace("&amp;", "&"))
        assert f"{count} recipient" in rows.text or rows.context["cl"].result_count == count
    listed = client.get(f"{ADMIN}/campaign/")
    assert listed.status_code == 200
    assert "Running" in listed.text


def test_buttons_ask_act_and_show_refusals(
    client: Client, manager: Actor, second_manager: Actor, project: Project, number: Channel
) -> None:
    campaign = running(manager, second_manager, project, number)
    sign_in(client, manager)
    here = f"{ADMIN}/campaign/{campaign.pk}"
    assert client.get(f"{here}/pause/").status_code == 200
    assert client.post(f"{here}/pause/", {"reason": ""}).status_code == 422

    assert client.post(f"{here}/pause/", {"reason": "Lunch."}).status_code == 302

    campaign.refresh_from_db()
    assert (campaign.status, campaign.status_reason) == ("paused", "Lunch.")
    again = client.post(f"{here}/pause/", {"reason": "Again."})
    assert "it cannot become paused" in again.text


def test_recipients_are_exported_with_the_capability_and_never_as_formulas(
    client: Client, manager: Actor, second_manager: Actor, project: Project, number: Channel
) -> None:
    Contact.objects.filter(display_name="Owner 0").update(display_name='=HYPERLINK("x")')
    campaign = running(manager, second_manager, project, number)
    sign_in(client, manager)
    ids = list(CampaignMessage.objects.values_list("pk", flat=True))

    answer = client.post(
        f"{ADMIN}/campaignmessage/?campaign__id__exact={campaign.pk}", {"action": "export_csv", "_selected_action": ids}
    )

    lines = b"".join(answer).decode("utf-8-sig").splitlines()  # type: ignore[arg-type]
    assert len(lines) == 4
    assert "'=HYPERLINK" in "".join(lines)
    trail = AuditEntry.objects.get(action="core.list_exported").after
    assert (trail["list"], trail["rows"]) == ("campaigns.campaignmessage", 3)
    assert trail["filters"]["campaign__id__exact"] == str(campaign.pk)
