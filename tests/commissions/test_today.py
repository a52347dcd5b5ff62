"""The page of the day also says what of campaigns and commissions waits for this member."""

from __future__ import annotations

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.models import Campaign
from commissions import services
from tests.campaigns import factories as campaigning
from tests.commissions import factories
from tests.crm import factories as crm


def today(actor):
    client = Client()
    client.force_login(actor.user)
    return client.get("/o/palm/today/").content.decode()


def test_each_finds_what_waits_for_him(house, organization, manager, second_manager, agent):
    waits = factories.commission(manager, factories.closed_deal(house["omar"]))
    project = crm.project(organization, "Acuna")
    channel = campaigning.channel(organization)
    for name, status in (("Spring offer", "in_review"), ("Stopped by itself", "paused"), ("Done", "completed")):
        draft = campaigning.draft(manager, project, [channel])
        Campaign.objects.filter(pk=draft.pk).update(name=name, status=status, started_at=factories.AT)

    mine, others, agents = today(manager), today(second_manager), today(agent)

    assert "Spring offer" in others
    assert "Spring offer" not in mine  # nobody approves his own
    assert "Stopped by itself" in mine
    assert "Done" not in others
    assert "Commissions to approve" in others
    assert "Due to you now" not in others
    assert "Due to you now" in agents
    assert "Spring offer" not in agents
    services.approve_commission(actor=second_manager, commission=waits, at=factories.AT)
    assert "Commissions to approve" not in today(second_manager)


def test_the_page_asks_as_often_however_many_wait(house, organization, manager, second_manager):
    project, channel = crm.project(organization, "Acuna"), campaigning.channel(organization)

    def queries():
        with CaptureQueriesContext(connection) as asked:
            today(second_manager)
        return len(asked)

    Campaign.objects.filter(pk=campaigning.draft(manager, project, [channel]).pk).update(
        status="paused", started_at=factories.AT
    )
    few = queries()
    for _ in range(5):
        Campaign.objects.filter(pk=campaigning.draft(manager, project, [channel]).pk).update(
            status="paused", started_at=factories.AT
        )
    assert queries() == few
