"""What managers and supervisors decide and look into: approvals, exceptions, the team and its charts."""

from __future__ import annotations

import re
from datetime import timedelta

from django.utils import timezone

from commissions import services
from commissions.models import Status
from tests.commissions import factories
from tests.commissions.doors import Door


def test_ticked_commissions_are_approved_and_those_of_ones_own_making_say_why_not(house, manager, second_manager):
    mine = factories.commission(second_manager, factories.closed_deal(house["omar"]))
    others = [factories.commission(manager, factories.closed_deal(house["omar"])) for _ in range(2)]
    door = Door(second_manager)

    page = door.text("commission-approvals")

    assert page.count('type="checkbox" name="row"') == 2
    assert "You made this commission; somebody else must approve it." in page
    door.post("commission-approvals", act="approve", row=[str(one.pk) for one in [mine, *others]])
    statuses = []
    for one in [mine, *others]:
        one.refresh_from_db()
        statuses.append(one.status)
    assert statuses == [Status.PENDING, Status.APPROVED, Status.APPROVED]
    assert "2 approved." in door.text("commission-approvals")


def test_a_rejection_needs_a_reason_and_the_agent_reads_it(house, manager, second_manager, agent):
    made = factories.commission(manager, factories.closed_deal(house["omar"]))
    door = Door(second_manager)

    door.post("commission-approvals", act="reject", row=str(made.pk), reason="")
    made.refresh_from_db()
    assert made.status == Status.PENDING
    door.post("commission-approvals", act="reject", row=str(made.pk), reason="Booked twice.")

    made.refresh_from_db()
    assert made.status == Status.CANCELLED
    assert "Booked twice." in Door(agent).text("commission", made.pk)


def test_agents_have_no_door_to_decisions_and_teams(house, agent):
    door = Door(agent)

    assert door.get("commission-approvals").status_code == 403
    assert door.post("commission-approvals", act="approve").status_code == 403
    assert door.get("commission-team").status_code == 404
    assert door.get("commission-exceptions").status_code == 404


def test_a_supervisor_sees_reports_and_no_other_agent(house, supervisor):
    door = Door(supervisor)

    team, listed = door.text("commission-team"), door.text("commission-parts")

    assert "Omar" in team
    assert "Huda" not in team
    assert "Omar" in listed
    assert "Huda" not in listed
    assert door.get("my-commissions", agent=house["huda"].pk).status_code == 404


def test_every_bar_opens_the_rows_that_it_sums(house, manager):
    door = Door(manager)
    page = door.text("commission-team")

    bars = re.findall(
        r'href="([^"]+)"><span class="bar-label.*?<span class="number strong small">([^<]+)</span>', page, re.S
    )

    # one month, one project, two agents
    assert [amount for _, amount in bars] == ["AED 37,500", "AED 37,500", "AED 32,500", "AED 5,000"]
    for address, amount in bars:
        assert f"{amount}.00" in door.client.get(address.replace("&amp;", "&")).content.decode(), address


def test_exceptions_show_disputes_what_is_overdue_and_what_came_back(house, manager, agent, second_manager):
    services.dispute_commission(actor=agent, commission=house["shared"], reason="It was to be 70/30.", at=factories.AT)
    assert timezone.localdate() - factories.AT.date() > timedelta(days=30)
    door = Door(manager)

    page = door.text("commission-exceptions")

    assert "It was to be 70/30." in page
    assert "AED 12,500.00" in page  # in dispute
    assert "AED 20,000.00" in page  # approved in March, and of 25,000 only 5,000 paid
    for address, amount in re.findall(r'href="([^"]+\?[^"]+)">(AED [\d,.]+)', page):
        assert amount in door.client.get(address.replace("&amp;", "&")).content.decode(), address


def test_pages_of_a_team_cost_the_same_however_large_it_is(house, manager, second_manager, django_assert_num_queries):
    door = Door(second_manager)
    for _ in range(5):
        factories.commission(manager, factories.closed_deal(house["omar"]))
        factories.approved(manager, second_manager, factories.closed_deal(house["huda"]))

    # 1 session, 1 user, 1 organisation, 1 member, 1 scope; then what the selectors promise, and two lists of choices
    for name, count in (("commission-approvals", 10), ("commission-team", 11), ("commission-exceptions", 15)):
        door.get(name)
        with django_assert_num_queries(count):
            door.get(name)
