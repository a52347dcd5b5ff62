"""Projects, agents and owners: pages whose figures open their rows, and the work that is given from them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.errors import DomainError
from crm import services
from crm.models import OwnerDisclosure, Project, ProjectAssignment
from tests.crm import factories
from tests.crm.test_pages import signed_in
from tests.crm.test_query_counts import grow


@pytest.fixture
def project(organization):
    """Three units, two of them on offer; two owners, one without a number."""
    made = factories.project(organization, "Viridis", number=7)
    units = [
        factories.unit(made, status=status, cluster="A", layout="2B") for status in ("available", "available", "sold")
    ]
    reachable, silent = factories.contact(organization, "Noura"), factories.contact(organization, "Khalid")
    factories.point(reachable, "+971501112233")
    factories.ownership(units[0], reachable)
    factories.ownership(units[1], reachable)
    factories.ownership(units[2], silent)
    return made


def test_the_list_counts_what_each_project_has_and_opens_it(project, manager):
    page = signed_in(manager).get(reverse("projects", args=["palm"]), {"q": "virid"}).content.decode()

    assert "3 units" in page
    assert "2 available" in page
    assert "2 owners" in page
    assert f"{reverse('units', args=['palm'])}?project={project.pk}&amp;status=available" in page


def test_agents_see_their_projects_only(project, agent, other_agent):
    factories.assignment(factories.agent(agent), project)

    assert "Viridis" in signed_in(agent).get(reverse("projects", args=["palm"])).content.decode()
    assert "Viridis" not in signed_in(other_agent).get(reverse("projects", args=["palm"])).content.decode()
    assert signed_in(other_agent).get(reverse("project", args=["palm", 7])).status_code == 404


def test_a_project_shows_its_figures_and_offers_only_moves_that_are_possible(project, manager):
    page = signed_in(manager).get(reverse("project", args=["palm", 7])).content.decode()

    assert page.count('<span class="swatch"') == 2
    assert 'value="paused"' in page
    assert 'value="active"' not in page
    assert "cluster=A" in page


def test_a_project_is_paused_and_an_impossible_move_is_refused_in_words(project, manager, agent):
    client, address = signed_in(manager), reverse("project-status", args=["palm", 7])

    client.post(address, {"status": "completed"})
    answer = client.post(address, {"status": "paused"}, follow=True)

    assert Project.objects.get(pk=project.pk).status == "completed"
    assert "It is Completed; from there" in answer.content.decode()
    assert signed_in(agent).post(address, {"status": "active"}).status_code == 403


def test_a_supervisor_assigns_completes_and_transfers_on_the_page(project, supervisor, agent, manager, other_agent):
    omar, huda = factories.agent(agent), factories.agent(other_agent)
    client = signed_in(manager)

    client.post(reverse("project-assignments", args=["palm", 7]), {"agent": omar.pk, "due_on": "2027-01-31"})
    work = ProjectAssignment.objects.get()
    client.post(reverse("assignment-transfer", args=["palm", work.pk]), {"successor": huda.pk})
    again = client.post(reverse("assignment-transfer", args=["palm", work.pk]), {"successor": huda.pk}, follow=True)

    assert str(work.due_on) == "2027-01-31"
    assert [(each.agent, each.status) for each in ProjectAssignment.objects.order_by("pk")] == [
        (omar, "transferred"),
        (huda, "active"),
    ]
    assert "This assignment is transferred already" in again.content.decode()
    # Huda is nobody's report: the supervisor's page does not know her
    page = signed_in(supervisor).post(
        reverse("assignment-completion", args=["palm", ProjectAssignment.objects.last().pk])
    )
    assert page.status_code == 404


def test_pages_cost_the_same_with_two_rows_and_with_eight(organization, manager):
    grow(organization, 2)
    client = signed_in(manager)
    project, contact = Project.objects.first(), Project.objects.first().properties.first().ownerships.first().contact
    addresses = [
        reverse("projects", args=["palm"]),
        reverse("project", args=["palm", project.number]),
        reverse("agents", args=["palm"]),
        reverse("owner", args=["palm", contact.pk]),
    ]

    def costs():
        counted = {}
        for address in addresses:
            client.get(address)
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address).status_code == 200
            counted[address] = len(queries)
        return counted

    before = costs()
    grow(organization, 6, start=2)
    unit = project.properties.first()
    for nth in range(6):
        factories.assignment(factories.agent_of(organization, f"Extra{nth}"), project)
        factories.ownership(factories.unit(project, status="sold", cluster=f"C{nth}"), contact)
        factories.point(contact, f"+9715099900{nth:02}")
        factories.deal(unit, factories.agent_of(organization, f"More{nth}"), seller=contact)

    assert costs() == before
    assert max(before.values()) <= 26, before


def test_managers_see_who_has_how_much_work(organization, manager, agent, other_agent):
    project = factories.project(organization)
    omar = factories.agent(agent, whatsapp_number="+971501112244", expertise_areas=["Jumeirah"])
    factories.assignment(omar, project)
    factories.contact(organization, "Noura", assigned_to=agent.membership)

    listing = signed_in(manager).get(reverse("agents", args=["palm"])).content.decode()
    page = signed_in(manager).get(reverse("agent", args=["palm", omar.pk])).content.decode()

    assert "1 assignment" in listing
    assert "Jumeirah" in listing
    assert "Noura" in page
    assert signed_in(other_agent).get(reverse("agents", args=["palm"])).status_code == 403


def test_what_is_overdue_is_marked_and_another_date_is_given_on_the_page(organization, manager, agent):
    project = factories.project(organization)
    omar = factories.agent(agent)
    work = factories.assignment(omar, project, due_on=timezone.localdate() - timedelta(days=1))
    office, due = signed_in(manager), reverse("assignment-due", args=["palm", work.pk])
    pages = [reverse("agents", args=["palm"]), reverse("agent", args=["palm", omar.pk])]
    pages.append(reverse("project", args=["palm", project.number]))
    assert all("overdue" in office.get(page).content.decode() for page in pages)

    later = timezone.localdate() + timedelta(days=7)
    assert office.post(due, {"due_on": later.isoformat(), "next": pages[1]})["Location"] == pages[1]
    work.refresh_from_db()
    assert work.due_on == later
    assert not any("overdue" in office.get(page).content.decode() for page in pages)
    office.post(due, {"due_on": "soon"})
    work.refresh_from_db()
    assert work.due_on == later
    office.post(due, {"due_on": ""})
    work.refresh_from_db()
    assert work.due_on is None
    assert signed_in(agent).post(due, {"due_on": "2026-01-01"}).status_code == 403


def test_an_archived_project_gets_nothing_new_by_hand(organization, manager, agent):
    project = factories.project(organization, number=7)
    unit = factories.unit(factories.project(organization, "Elsewhere"))
    omar = factories.agent(agent)
    services.archive_project(actor=manager, project=project)

    refused = signed_in(manager).post(reverse("project-assignments", args=["palm", 7]), {"agent": omar.pk})

    assert refused.status_code == 409
    assert "take it up again first" in refused.content.decode()
    for by_hand in (
        lambda: services.create_property(actor=manager, project=project, p_number="1"),
        lambda: services.update_property(actor=manager, property=unit, project=project),
        lambda: services.assign_agent(actor=manager, agent=omar, project=project),
    ):
        with pytest.raises(DomainError) as refusal:
            by_hand()
        assert refusal.value.code == "project_archived"
    services.update_project(actor=manager, project=project, status="active")
    assert services.assign_agent(actor=manager, agent=omar, project=project).pk


class TestOwner:
    @pytest.fixture
    def noura(self, organization, agent):
        """An owner whom the agent looks after."""
        made = factories.contact(organization, "Noura", assigned_to=agent.membership, language="ar")
        factories.point(made, "+971501112233", is_primary=True)
        return made

    def test_a_number_is_shown_for_a_reason_and_that_is_kept(self, noura, agent):
        client, page = signed_in(agent), reverse("owner", args=["palm", noura.pk])
        address = reverse("owner-disclosure", args=["palm", noura.pk])
        assert "+971501112233" not in client.get(page).content.decode()

        client.post(address, {"reason": " "})
        assert not OwnerDisclosure.objects.exists()
        client.post(address, {"reason": "Viewing on Sunday"})

        assert "+971501112233" in client.get(page).content.decode()
        assert OwnerDisclosure.objects.get().reason == "Viewing on Sunday"

    def test_a_bad_contact_is_marked_with_a_reason_seen_at_once_and_taken_back(self, noura, agent):
        client, page = signed_in(agent), reverse("owner", args=["palm", noura.pk])
        address = reverse("bad-contact", args=["palm", noura.pk])

        client.post(address, {"is_bad": "1", "reason": ""})
        noura.refresh_from_db()
        assert not noura.is_bad_contact
        client.post(address, {"is_bad": "1", "reason": "Threatens agents"})
        assert "Nobody is to write to this contact first" in client.get(page).content.decode()
        client.post(address, {"is_bad": "0", "reason": "Mistaken for another"})

        noura.refresh_from_db()
        assert not noura.is_bad_contact

    def test_do_not_contact_is_the_agents_to_mark_and_the_offices_to_lift(self, noura, agent, manager):
        point = noura.points.get()
        address = reverse("do-not-contact", args=["palm", point.pk])

        signed_in(agent).post(address, {"reason": "Said stop"})
        point.refresh_from_db()
        assert point.status == "do_not_contact"
        signed_in(agent).post(address, {"lift": "1", "reason": "Changed his mind"}, follow=True)
        point.refresh_from_db()
        assert point.status == "do_not_contact"
        signed_in(manager).post(address, {"lift": "1", "reason": "Wrote to us himself"})

        point.refresh_from_db()
        assert point.status == "unverified"

    def test_tags_and_language_are_changed_on_the_page(self, noura, agent):
        typed = {
            "display_name": "نورة الزعابي",
            "language": "ar",
            "tags": "vip, vip, ساحل",
            "assigned_to": agent.membership.pk,
        }

        answer = signed_in(agent).post(reverse("owner-change", args=["palm", noura.pk]), typed)

        assert answer.status_code == 302
        noura.refresh_from_db()
        assert (noura.display_name, noura.tags) == ("نورة الزعابي", ["vip", "ساحل"])

    def test_an_agent_gives_contacts_to_nobody_but_himself(self, noura, agent, manager):
        typed = {"display_name": "Noura", "language": "ar", "assigned_to": manager.membership.pk}

        answer = signed_in(agent).post(reverse("owner-change", args=["palm", noura.pk]), typed)

        assert answer.status_code == 422
        noura.refresh_from_db()
        assert noura.assigned_to == agent.membership

    def test_colleagues_and_outsiders_find_nobody(self, noura, other_agent, outsider):
        for stranger in (other_agent, outsider):
            assert signed_in(stranger).get(reverse("owner", args=["palm", noura.pk])).status_code == 404
            post = signed_in(stranger).post(
                reverse("bad-contact", args=["palm", noura.pk]), {"is_bad": "1", "reason": "x"}
            )
            assert post.status_code == 404
