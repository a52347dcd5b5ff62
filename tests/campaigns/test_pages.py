"""Campaigns on pages: the list, deciding, and the truth about one that runs."""

from __future__ import annotations

import html
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns import services
from campaigns.models import Campaign, CampaignEngine, CampaignMessage
from core.actors import Actor
from crm.models import Project
from messaging.models import Channel
from tests.campaigns import factories

CAMPAIGNS = "/o/palm/campaigns/"


@pytest.fixture
def number(manager: Actor) -> Channel:
    return factories.channel(manager.organization)


@pytest.fixture
def project(manager: Actor, number: Channel) -> Project:
    factories.template(number)
    made = factories.project(manager.organization)
    factories.owners(made, 6)
    return made


@pytest.fixture
def running(manager: Actor, second_manager: Actor, project: Project, number: Channel) -> Campaign:
    """Six people and one without a number: one read and replied, one failed, one in doubt, the others wait."""
    factories.owner(project, "Silent")
    campaign = factories.approved(manager, second_manager, factories.draft(manager, project, [number], name="Spring"))
    campaign = services.start_campaign(actor=manager, campaign=campaign, at=timezone.now())
    now = timezone.now()
    _set(0, status="read", accepted_at=now, responded_at=now)
    _set(1, status="failed", error_code=131026)
    _set(2, status="unknown")
    return campaign


def _set(index: int, **values) -> None:
    rows = CampaignMessage.objects.filter(recipient=factories.phone_of(index).removeprefix("+"))
    rows = rows | CampaignMessage.objects.filter(recipient=factories.phone_of(index))
    assert rows.update(**values) == 1


def sign_in(client: Client, actor: Actor) -> Client:
    assert actor.user
    client.force_login(actor.user)
    return client


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def test_every_number_of_a_running_campaign_opens_exactly_the_rows_it_counts(
    client: Client, manager: Actor, running: Campaign
) -> None:
    sign_in(client, manager)

    page = client.get(f"{CAMPAIGNS}{running.pk}/")

    figures = re.findall(r'href="([^"]*)" data-figure="(\w+)">.*?class="value">([\d,]+)<', page.text, re.S)
    assert {name: int(count) for _address, name, count in figures} == {
        "out": 1, "delivered": 1, "read": 1, "replied": 1, "waiting": 3, "failed": 1, "unknown": 1, "skipped": 1,
    }  # fmt: skip
    for address, name, count in figures:
        assert client.get(html.unescape(address)).text.count('class="recipient"') == int(count), name
    said = text_of(page)
    assert "WhatsApp could not deliver to this number." in said
    assert "Check that the number is on WhatsApp." in said
    assert "No number known." in said
    assert "It may have been sent: WhatsApp's answer never reached us." in said
    assert "99,999" not in said
    assert "100,000 of 100,000 new people left today" in said
    causes = re.findall(r'class="cause" href="([^"]*)"><span class="amount">(\d+)<', page.text)
    assert len(causes) == 3
    for address, count in causes:
        assert client.get(html.unescape(address)).text.count('class="recipient"') == int(count), address


def test_why_it_does_not_move_is_one_sentence(client: Client, manager: Actor, running: Campaign) -> None:
    sign_in(client, manager)

    def sentence() -> str:
        found = re.search(r'role="status">([^<]+)<', client.get(f"{CAMPAIGNS}{running.pk}/now/").text)
        assert found
        return html.unescape(found[1])

    assert sentence() == "No worker is sending it. One is called every 15 seconds; 3 are waiting."
    CampaignEngine.objects.update(heartbeat_at=timezone.now())
    assert sentence() == "It is about to be sent; 3 are waiting."
    services.pause_campaign(actor=manager, campaign=running, reason="A complaint came in.", at=timezone.now())
    assert sentence() == "Paused: A complaint came in. 3 are waiting."


def test_decisions_say_what_they_do_before_they_are_taken(
    client: Client, manager: Actor, second_manager: Actor, project: Project, number: Channel
) -> None:
    campaign = factories.draft(manager, project, [number])
    mine, theirs = sign_in(client, manager), sign_in(Client(), second_manager)
    here = f"{CAMPAIGNS}{campaign.pk}/decisions"

    def press(who: Client, decision: str, status: int = 302, **given) -> str:
        asked = who.get(f"{here}/{decision}/")
        assert asked.status_code == 200
        answer = who.post(f"{here}/{decision}/", given)
        assert answer.status_code == status, text_of(answer)
        campaign.refresh_from_db()
        return text_of(answer if status != 302 else asked)

    assert "Nothing is sent" in press(mine, "submit")
    own = press(mine, "approve", 403)
    assert "You wrote or changed this campaign, so somebody else must approve it." in own
    assert "<button" not in mine.get(f"{here}/approve/").text.partition("<main")[2].partition("</main")[0]
    assert campaign.status == "in_review"
    assert "Say why" in press(theirs, "give_back", 422)
    press(theirs, "give_back", reason="Name the unit.")
    assert "Name the unit." in text_of(mine.get(f"{CAMPAIGNS}{campaign.pk}/"))
    press(mine, "submit")
    press(theirs, "approve")
    assert "The audience is frozen" in press(mine, "start")
    assert campaign.status == "running"
    assert "6 people are waiting now" in press(mine, "pause", reason="Lunch.")
    press(mine, "resume")
    press(mine, "cancel", reason="Sold.")
    assert campaign.status == "cancelled"
    assert "That is not possible now" in text_of(mine.get(f"{here}/pause/"))
    assert "it cannot become paused" in press(mine, "pause", 409, reason="Too late.")
    assert mine.get(f"{here}/explode/").status_code == 404


def test_agents_read_their_own_and_decide_nothing(
    client: Client, manager: Actor, agent: Actor, outsider: Actor, running: Campaign
) -> None:
    theirs = Campaign.objects.create(
        organization=running.organization,
        name="Agent's own",
        template=running.template,
        created_by=agent.membership,
        edited_by=agent.membership,
    )
    sign_in(client, agent)

    said = text_of(client.get(CAMPAIGNS))
    assert "Agent's own" in said
    assert "Spring" not in said
    for path in ("", "now/", "stream/", "preflight/", "recipients/", "decisions/pause/"):
        assert client.get(f"{CAMPAIGNS}{running.pk}/{path}").status_code in (403, 404), path
    assert client.get(f"{CAMPAIGNS}{theirs.pk}/").status_code == 200
    assert "decisions/" not in client.get(f"{CAMPAIGNS}{theirs.pk}/").text
    assert client.post(f"{CAMPAIGNS}{theirs.pk}/decisions/cancel/", {"reason": "x"}).status_code == 403
    assert sign_in(Client(), outsider).get(f"{CAMPAIGNS}{running.pk}/").status_code == 404


def test_the_list_is_filtered_searched_paged_and_taken_along(
    client: Client, manager: Actor, running: Campaign, project: Project, number: Channel
) -> None:
    for index in range(31):
        factories.draft(manager, project, [number], name=f"Draft {index:02}")
    sign_in(client, manager)

    first = client.get(CAMPAIGNS)
    assert first.text.count('class="campaign-row"') == 30
    after = re.search(r'href="\?after=(\d+)"', first.text)
    assert after
    assert client.get(f"{CAMPAIGNS}?after={after[1]}").text.count('class="campaign-row"') == 2
    assert "1 of 7 went out · 1 read · 1 replied · 1 failed" in text_of(client.get(f"{CAMPAIGNS}?status=running"))
    assert client.get(f"{CAMPAIGNS}?q=draft 07").text.count('class="campaign-row"') == 1
    assert client.get(f"{CAMPAIGNS}?project={project.pk}&status=draft").text.count('class="campaign-row"') == 30
    assert "No campaign fits" in client.get(f"{CAMPAIGNS}?q=nothing").text
    file = client.post("/o/palm/lists/campaigns/export/", {"format": "csv", "asked": "status=running"})
    lines = b"".join(file).decode("utf-8-sig").splitlines()  # type: ignore[arg-type]
    assert len(lines) == 2
    assert "Spring" in lines[1]


def test_recipients_are_searched_and_taken_along_with_masked_numbers(
    client: Client, manager: Actor, running: Campaign
) -> None:
    sign_in(client, manager)
    here = f"{CAMPAIGNS}{running.pk}/recipients/"

    assert client.get(f"{here}?q=owner 3").text.count('class="recipient"') == 1
    found = client.get(f"{here}?q={factories.phone_of(4)}")
    assert found.text.count('class="recipient"') == 1
    assert "Owner 4" in found.text
    assert factories.phone_of(4)[-9:] not in re.sub(r"value=\"[^\"]*\"", "", found.text)
    page = client.get(f"{here}?step=failed&code=131026")
    exported = re.search(r'name="asked" value="([^"]*)"', page.text)
    assert exported
    file = client.post(
        "/o/palm/lists/campaign-recipients/export/", {"format": "csv", "asked": html.unescape(exported[1])}
    )
    lines = b"".join(file).decode("utf-8-sig").splitlines()  # type: ignore[arg-type]
    assert len(lines) == 2
    assert "Owner 1" in lines[1]
    assert "WhatsApp could not deliver" in lines[1]
    assert factories.phone_of(1) not in lines[1]


def queries_of(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def test_pages_cost_the_same_at_ten_thousand_recipients(
    client: Client,
    manager: Actor,
    running: Campaign,
    project: Project,
) -> None:
    sign_in(client, manager)
    paths = (CAMPAIGNS, f"{CAMPAIGNS}{running.pk}/now/", f"{CAMPAIGNS}{running.pk}/recipients/")
    few = [queries_of(client, path) for path in paths]
    contacts = factories.owners(project, 10_000, start=100)
    CampaignMessage.objects.bulk_create(
        CampaignMessage(
            organization=running.organization,
            campaign=running,
            contact_id=contact,
            recipient=factories.phone_of(100 + index),
            status=("pending", "delivered", "read", "failed")[index % 4],
            error_code=131026 if index % 4 == 3 else None,
        )
        for index, contact in enumerate(contacts)
    )

    many = [queries_of(client, path) for path in paths]

    # session, user, membership, organisation, scope in and out; campaigns and funnels, and what each page has beside
    assert many == few
    assert max(many) <= 20


def test_a_campaign_is_written_on_pages_and_changed(
    client: Client, manager: Actor, project: Project, number: Channel
) -> None:
    sign_in(client, manager)
    template = number.templates.get()
    assert f"templates/{template.pk}/" in client.get(f"{CAMPAIGNS}templates/").text
    here = f"{CAMPAIGNS}templates/{template.pk}/"
    assert client.get(here).status_code == 200
    given = {
        "name": "Summer", "channels": [number.pk], "target": "all_owners", "project": project.pk,
        "clusters": "Aster, Lily", "skip_messaged_within_hours": "24", "skip_talking_within_hours": "24", "source.1": "contact.first_name", "text.1": "",
        "source.2": "text", "text.2": "", "quiet_from": "21:00", "quiet_until": "",
    }  # fmt: skip

    bubble = client.post(f"{here}preview/", {**given, "text.2": "yours"})
    assert "Dear <mark>{{First name}}</mark>, is your unit yours available?" in bubble.text
    refused = client.post(here, given)
    assert refused.status_code == 422
    assert "2: write the text" in text_of(refused)
    refused = client.post(here, {**given, "text.2": "yours"})
    assert "Quiet hours need two different times" in text_of(refused)
    assert not Campaign.objects.exists()
    kept = client.post(here, {**given, "text.2": "yours", "quiet_until": "09:00"})

    campaign = Campaign.objects.get()
    assert kept.headers["Location"] == f"{CAMPAIGNS}{campaign.pk}/"
    assert (campaign.audience, campaign.project) == ({"clusters": ["Aster", "Lily"]}, project)
    assert campaign.variables == {"1": {"source": "contact.first_name"}, "2": {"text": "yours"}}
    form = client.get(f"{CAMPAIGNS}{campaign.pk}/change/")
    assert 'value="Aster, Lily"' in form.text
    assert 'value="21:00"' in form.text
    assert 'value="yours"' in form.text
    units = {**given, "text.2": "yours", "quiet_from": "", "target": "specific_property"}
    stranger = client.post(f"{CAMPAIGNS}{campaign.pk}/change/", {**units, "units": "P1-0, P1-999"})
    assert "There is no unit P1-999 among yours." in text_of(stranger)
    client.post(f"{CAMPAIGNS}{campaign.pk}/change/", {**units, "units": "P1-0\nP1-1"})
    campaign.refresh_from_db()
    assert (campaign.target, len(campaign.audience["property_ids"]), campaign.quiet_from) == (
        "specific_property",
        2,
        None,
    )
    client.post(
        f"{CAMPAIGNS}{campaign.pk}/change/", {**units, "units": "P1-0\nP1-1", "budget": "1,250.50", "canary_size": "1"}
    )
    campaign.refresh_from_db()
    assert (campaign.budget_minor, campaign.canary_size, campaign.stop_at_failure_percent) == (125_050, 1, None)
    assert 'value="1250.50"' in client.get(f"{CAMPAIGNS}{campaign.pk}/change/").text
    flight = text_of(client.get(f"{CAMPAIGNS}{campaign.pk}/preflight/"))
    assert "Would get it 2 of 2 people" in flight
    assert "Dear Owner0, is your unit yours available?" in flight
    people = client.get(f"{CAMPAIGNS}{campaign.pk}/preflight/people/")
    assert people.text.count('class="list-item"') == 2
    contact = re.search(r"\?contact=(\d+)", people.text)
    assert contact
    read = text_of(client.get(f"{CAMPAIGNS}{campaign.pk}/preflight/people/?contact={contact[1]}"))
    assert "is your unit yours available? Reply STOP" in read
    assert "Nobody of the audience" in client.get(f"{CAMPAIGNS}{campaign.pk}/preflight/people/?reason=landline").text


def test_who_may_not_write_sees_no_form_and_a_started_one_is_not_changed(
    client: Client, agent: Actor, manager: Actor, running: Campaign
) -> None:
    sign_in(client, agent)
    assert client.get(f"{CAMPAIGNS}templates/").status_code == 403
    assert "New campaign" not in client.get(CAMPAIGNS).text
    sign_in(client, manager)
    assert client.get(f"{CAMPAIGNS}{running.pk}/change/").status_code == 409
