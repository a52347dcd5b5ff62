"""The back office's first page: every number is the number of rows behind it, and every link stays in the house."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone

from config.cards import CARDS, DESKS
from config.unfold import GROUPS
from core.actors import Actor
from core.admin import site
from core.roles import Role
from crm.models.stock import PropertyStatus
from messaging.models import OptOut
from tests.conftest import member
from tests.crm import factories as crm
from tests.messaging import factories as messaging


def signed_in(actor):
    client = Client()
    client.force_login(actor.user)
    return client


@pytest.fixture
def work(organization, agent):
    """Something behind most figures, and something that none counts."""
    channel = messaging.channel(organization)
    messaging.always_open(organization)
    now = timezone.now()
    for hours, assignee in ((1, agent.membership), (2, None), (23, None), (30, agent.membership)):
        wrote = now - timedelta(hours=hours)
        fields = {"last_message_at": wrote, "last_inbound_at": wrote, "window_expires_at": wrote + timedelta(hours=24)}
        talk = messaging.conversation(
            channel, crm.contact(organization, f"Owner {hours}"), assigned_to=assignee, **fields
        )
        messaging.message(talk)
    stopped = crm.contact(organization, "Stopped Example")
    OptOut.objects.create(organization=organization, contact=stopped, source="keyword", said="STOP", at=now)
    project = crm.project(organization)
    for status in (PropertyStatus.AVAILABLE, PropertyStatus.AVAILABLE, PropertyStatus.SOLD):
        crm.unit(project, status=status)


def test_every_number_is_the_number_of_rows_that_its_link_opens(work, admin):
    client = signed_in(admin)

    overview = client.get("/o/palm/admin/")

    figures = overview.context["figures"] + overview.context["others"]
    assert len(figures) == len(CARDS)
    for figure in figures:
        page = client.get(figure["address"])
        assert page.status_code == 200, figure
        behind = page.context["cl"].result_count if "cl" in page.context else len(_listed(page, figure["address"]))
        assert behind == figure["count"], figure
    counted = {str(figure["title"]): figure["count"] for figure in figures}
    assert counted["Unanswered"] == 4
    assert counted["Window closing"] == 1
    assert counted["Unassigned"] == 2
    assert counted["Stops"] == 1
    assert counted["Units available"] == 2


def test_every_bar_opens_the_units_that_it_counts(work, admin):
    client = signed_in(admin)

    [chart] = client.get("/o/palm/admin/").context["charts"]
    bars = chart.bars

    assert {bar.title: bar.count for bar in bars} == {"Available": 2, "Sold": 1}
    assert [client.get(bar.address).context["cl"].result_count for bar in bars] == [bar.count for bar in bars]


def _listed(page, address):
    """The rows of an agents' page."""
    if "/commissions/" in address:
        return page.context["listing"].rows
    return page.context["rows" if "/whatsapp/" in address else "conversations"]


def test_each_role_finds_its_own_work_first(work, organization, admin, manager):
    accountant = Actor(organization, member(organization, Role.ACCOUNTANT, "Asma"))
    first = {
        actor: [str(figure["title"]) for figure in signed_in(actor).get("/o/palm/admin/").context["figures"]]
        for actor in (admin, manager, accountant)
    }

    assert "Webhooks stopped" in first[admin]
    assert first[manager][:3] == ["Unanswered", "Window closing", "Unassigned"]  # these have rows, so they come first
    assert first[accountant][0] == "Parts to pay"
    assert "Unanswered" not in first[accountant]
    assert {name for names in DESKS.values() for name in names} <= {card.name for card in CARDS}


def test_an_admin_is_told_whether_the_installation_runs_and_others_are_not(work, admin, manager):
    told = signed_in(admin).get("/o/palm/admin/")
    assert told.context["system"]["broker"] == "ok"
    assert told.context["system"]["scheduler"].startswith("no beat yet")  # none runs in this test
    assert "no beat yet" in told.content.decode()
    assert "The installation" not in signed_in(manager).get("/o/palm/admin/").content.decode()


def test_every_link_of_the_back_office_stays_in_the_house_and_opens(work, admin):
    client = signed_in(admin)

    page = client.get("/o/palm/admin/").content.decode()

    links = {link.partition("?")[0] for link in re.findall(r'href="([^"#?][^"]*)"', page)}
    inside = {link for link in links if not link.startswith("/static/")}
    assert {link for link in inside if not link.startswith("/o/palm/")} == set()
    wrong = {link: client.get(link).status_code for link in inside if "jsi18n" not in link and "logout" not in link}
    assert {link: status for link, status in wrong.items() if status not in (200, 302)} == {}


def test_the_sidebar_names_real_tables_and_hides_none():
    named = {label for _title, entries in GROUPS for label, _icon in entries}

    assert {label for label in named if apps.get_model(label) is None} == set()
    assert {model._meta.label_lower for model in site._registry} - named == set()


def test_the_sidebar_shows_a_member_only_what_that_member_may_open(work, manager):
    page = signed_in(manager).get("/o/palm/admin/").content.decode()

    assert "/o/palm/admin/crm/property/" in page
    assert "/o/palm/admin/core/membership/" not in page


def test_the_trail_of_a_row_says_who_changed_what(organization, admin, manager):
    from core import audit

    project = crm.project(organization, "Marina")
    audit.record(
        actor=manager, action="crm.project_changed", target=project, before={"city": "Dubai"}, after={"city": "Ajman"}
    )

    page = signed_in(admin).get(f"/o/palm/admin/crm/project/{project.pk}/history/")

    text = page.content.decode()
    assert page.status_code == 200
    assert all(word in text for word in ("Mona", "crm.project_changed", "Dubai", "Ajman"))


def test_an_agent_is_told_that_the_back_office_is_not_for_agents(agent):
    page = signed_in(agent).get("/o/palm/admin/")

    assert page.status_code == 403
    assert "capability_missing" in page.content.decode()
