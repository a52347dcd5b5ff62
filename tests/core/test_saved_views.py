"""A list of the back office is kept under a name, shared without what was searched, and dropped again."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.test import Client

from core.actors import Actor
from core.models import AuditEntry, SavedView
from core.roles import Role
from tests.conftest import member

UNITS = "/o/palm/admin/crm/property/"


def signed_in(actor: Actor) -> Client:
    client = Client()
    client.force_login(actor.user)
    return client


def keep(client: Client, name: str, query: str, **more: str):
    form = {"list": "crm.property", "name": name, "query": query, **more}
    return client.post("/o/palm/admin/views/keep/", form, follow=True)


def names(client: Client, address: str = UNITS) -> list[str]:
    return [view.name for view in client.get(address).context["saved_views"]]


@pytest.fixture
def colleague(organization) -> Actor:
    return Actor(organization, member(organization, Role.MANAGER, "Marwan"))


def test_a_view_keeps_filters_and_order_and_leads_back_to_them(manager):
    client = signed_in(manager)

    page = keep(client, "Sold, newest", "status__exact=sold&o=-3&p=4&e=1")

    assert page.redirect_chain[-1][0] == f"{UNITS}?status__exact=sold&o=-3"
    assert page.status_code == 200
    assert "The view “Sold, newest” is kept." in page.content.decode()
    assert page.context["may_keep_view"] is False
    assert names(client) == ["Sold, newest"]
    assert names(client, "/o/palm/admin/crm/contact/") == []
    assert AuditEntry.objects.get(action="core.view_kept").after["query"] == "status__exact=sold&o=-3"


def test_a_shared_view_is_there_for_everybody_and_only_its_owner_drops_it(manager, colleague):
    mine, theirs = signed_in(manager), signed_in(colleague)
    keep(mine, "Sold", "status__exact=sold", is_shared="1")
    keep(mine, "My own", "status__exact=rented")
    view = SavedView.objects.get(name="Sold")

    assert names(theirs) == ["Sold"]
    assert theirs.post(f"/o/palm/admin/views/{view.pk}/drop/").status_code == 404

    answer = mine.post(f"/o/palm/admin/views/{view.pk}/drop/", follow=True)
    assert answer.status_code == 200
    assert names(theirs) == []
    assert AuditEntry.objects.get(action="core.view_dropped").before["name"] == "Sold"


def test_what_was_searched_is_never_shared(manager, organization):
    client = signed_in(manager)

    refused = keep(client, "That owner", "q=0501234567&status__exact=sold", is_shared="1")

    assert "A view with a search is kept for yourself" in refused.content.decode()
    assert not SavedView.objects.exists()
    keep(client, "That owner", "q=0501234567")
    with pytest.raises(IntegrityError, match="core_saved_view_shared_without_search"), transaction.atomic():
        connection.cursor().execute("UPDATE core_savedview SET is_shared = true")


@pytest.mark.parametrize(
    ("name", "query", "said"),
    [
        ("Everything", "p=3", "There is nothing to keep"),
        ("  ", "status__exact=sold", "Give the view a name."),
        ("Sold", "status__exact=rented", "You have a view “Sold” of this list"),
    ],
)
def test_what_cannot_be_kept_is_said_and_changes_nothing(manager, name, query, said):
    client = signed_in(manager)
    keep(client, "Sold", "status__exact=sold")

    assert said in keep(client, name, query).content.decode()
    assert SavedView.objects.count() == 1


def test_a_viewer_keeps_for_himself_and_an_agent_has_no_back_office(organization, agent):
    viewer = signed_in(Actor(organization, member(organization, Role.VIEWER, "Vera")))

    keep(viewer, "Sold", "status__exact=sold")
    shared = viewer.post(
        "/o/palm/admin/views/keep/",
        {"list": "crm.property", "name": "Two", "query": "status__exact=rented", "is_shared": "1"},
        follow=True,
    )

    assert names(viewer) == ["Sold"]
    assert SavedView.objects.count() == 1, shared.content
    assert signed_in(agent).post("/o/palm/admin/views/keep/", {"list": "crm.property"}).status_code == 403
    assert viewer.post("/o/palm/admin/views/keep/", {"list": "no.such"}).status_code == 404
