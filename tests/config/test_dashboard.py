"""The back office's first page: every number is the number of rows behind it, and every link stays in the house."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone

from config.dashboard import CARDS
from config.unfold import GROUPS
from core.admin import site
from crm.models.stock import PropertyStatus
from messaging.models import OptOut
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

    figures = overview.context["figures"]
    assert len(figures) == len(CARDS)
    for figure in figures:
        page = client.get(figure["address"])
        assert page.status_code == 200, figure
        rows = "rows" if "/whatsapp/" in figure["address"] else "conversations"
        behind = page.context["cl"].result_count if "cl" in page.context else len(page.context[rows])
        assert behind == figure["count"], figure
    counted = {str(figure["title"]): figure["count"] for figure in figures}
    assert counted["Unanswered"] == 4
    assert counted["Window closing"] == 1
    assert counted["Unassigned"] == 2
    assert counted["Stops"] == 1
    assert counted["Units available"] == 2


def test_every_bar_opens_the_units_that_it_counts(work, admin):
    client = signed_in(admin)

    bars = client.get("/o/palm/admin/").context["stock"]

    assert {bar.title: bar.count for bar in bars} == {"Available": 2, "Sold": 1}
    assert [client.get(bar.address).context["cl"].result_count for bar in bars] == [bar.count for bar in bars]


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
