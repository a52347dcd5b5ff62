"""The list of units as people narrow it: each filter at the page's selector and at the API, pages by key, chips."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from core.actors import Actor
from crm import selectors
from crm.models import Project, Property
from tests.crm import factories
from tests.crm.doors import Caller

SQUARE_FEET_A_METRE = Decimal("10.7639104")


@pytest.fixture
def stock(manager: Actor) -> dict[str, Property]:
    """Four units that differ in everything that one narrows by."""
    bay, hills = factories.project(manager.organization, "Bay"), factories.project(manager.organization, "Hills")
    tower = factories.unit(
        bay, unit_number="12", building="Tower A", layout="2B", bedrooms=2, area_sqm=100, asking_price_minor=120_000_000,
        status="available", purpose="sale",
    )  # fmt: skip
    villa = factories.unit(
        bay, unit_number="7", cluster="Cluster 3", layout="V4", bedrooms=4, area_sqm=400, asking_price_minor=500_000_000,
        status="rented", purpose="rent",
    )  # fmt: skip
    flat = factories.unit(
        hills, unit_number="3", building="Tower B", bedrooms=0, area_sqm=50, asking_price_minor=60_000_000,
        status="sold", purpose="both",
    )  # fmt: skip
    bare = factories.unit(hills, p_number="1999999")
    known, reachable = (
        factories.contact(manager.organization),
        factories.contact(manager.organization, "Rana Saba", nationality="LB"),
    )
    factories.point(reachable, "+971501234567")
    factories.point(known, "+97142345678", line_type="fixed")
    factories.ownership(tower, reachable)
    factories.ownership(villa, known)
    Property.objects.filter(pk=flat.pk).update(updated_at=timezone.now() - timedelta(days=90))
    return {"tower": tower, "villa": villa, "flat": flat, "bare": bare}


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("q=tower", "tower flat"),
        ("project={bay}", "tower villa"),
        ("project={bay}&project={hills}", "tower villa flat bare"),
        ("project={bay},{hills}", "tower villa flat bare"),
        ("project=9999999999999", ""),
        ("building=Tower A", "tower"),
        ("cluster=Cluster 3", "villa"),
        ("layout=V4", "villa"),
        ("bedrooms_min=2", "tower villa"),
        ("bedrooms_max=2", "tower flat"),
        ("bedrooms_min=0&bedrooms_max=0", "flat"),
        ("price_min=1.2M", "tower villa"),
        ("price_max=1,200,000", "tower flat"),
        ("price_min=500K&price_max=700k", "flat"),
        ("price_max=0", ""),
        ("sqft_min=1000&sqft_max=1100", "tower"),
        ("sqft_max=600", "flat"),
        ("status=sold", "flat"),
        ("status=sold&status=rented", "villa flat"),
        ("purpose=sale", "tower flat"),
        ("purpose=rent", "villa flat"),
        ("has_owner=true", "tower villa"),
        ("has_owner=false", "flat bare"),
        ("has_number=true", "tower"),
        ("has_number=false", "villa flat bare"),
        ("nationality=lb", "tower"),
        ("since={yesterday}", "tower villa bare"),
        ("project={bay}&status=available&bedrooms_min=1&price_max=2M&has_number=true", "tower"),
    ],
)
def test_each_filter_means_the_same_on_the_page_and_over_the_api(asked, names, stock, manager, client):
    asked = asked.format(
        bay=stock["tower"].project_id,
        hills=stock["flat"].project_id,
        yesterday=timezone.localdate() - timedelta(days=1),
    )

    shown = {row.unit_id for row in selectors.unit_list(actor=manager, asked=QueryDict(asked)).rows}
    told = Caller(client, manager).get(f"properties/?{asked.replace('q=', 'search=')}").json()["results"]

    assert shown == {stock[name].pk for name in names.split()}
    assert {row["id"] for row in told} == shown


def test_the_unit_of_an_agent_is_found_by_the_agent(stock, manager):
    whole, one = factories.agent_of(manager.organization, "Whole"), factories.agent_of(manager.organization, "One")
    factories.assignment(whole, stock["tower"].project)
    factories.assignment(one, stock["flat"].project, property=stock["flat"])

    def of(agent: Any) -> set[int]:
        return {row.unit_id for row in selectors.unit_list(actor=manager, asked={"agent": str(agent.pk)}).rows}

    assert of(whole) == {stock["tower"].pk, stock["villa"].pk}
    assert of(one) == {stock["flat"].pk}


@pytest.mark.parametrize(
    "asked",
    ["price_min=cheap", "bedrooms_min=many", "status=gone", "project=x", "since=soon", "agent=0", "has_owner=2"],
)
def test_what_makes_no_sense_is_said_and_passed_over_and_refused_by_the_api(asked, stock, manager, client: Client):
    client.force_login(manager.user)
    page = client.get(f"/o/palm/units/?{asked}&building=Tower A").content.decode()

    assert page.count('class="list-item"') == 1
    assert 'data-tone="warn"' in page
    assert Caller(client, manager).get(f"properties/?{asked}").status_code == 400


def test_an_own_only_agent_narrows_only_what_he_sees(stock, agent, outsider):
    factories.assignment(factories.agent(agent), stock["flat"].project, property=stock["flat"])

    assert [row.unit_id for row in selectors.unit_list(actor=agent, asked=QueryDict("q=tower")).rows] == [
        stock["flat"].pk
    ]
    everything = f"project={stock['tower'].project_id},{stock['flat'].project_id}"
    assert [row.unit_id for row in selectors.unit_list(actor=agent, asked=QueryDict(everything)).rows] == [
        stock["flat"].pk
    ]
    assert selectors.place_names(agent)["building"] == ["Tower B"]
    assert selectors.unit_list(actor=outsider, asked=QueryDict(everything)).rows == []


def test_a_chip_takes_its_own_filter_away_and_says_what_is_gone(stock, manager, client: Client):
    client.force_login(manager.user)
    page = client.get(
        f"/o/palm/units/?project={stock['tower'].project_id}&project=999999&status=available&sort=price"
    ).content.decode()

    assert f"?project={stock['tower'].project_id}&amp;status=available&amp;sort=price" in page  # 999999 taken away
    assert "It is not there any more" in page
    assert f"?project={stock['tower'].project_id}&amp;project=999999&amp;sort=price" in page  # the status taken away


# ── pages by key ─────────────────────────────────────────────────────────────


def walked(actor: Actor, sort: str, limit: int = 2) -> list[int]:
    """Every unit in the order of the list, page by page."""
    seen, after = [], ""
    while True:
        page = selectors.unit_list(actor=actor, asked={"sort": sort}, after=after, limit=limit)
        seen += [row.unit_id for row in page.rows]
        if not page.next:
            return seen
        after = page.next


@pytest.fixture
def uneven(manager: Actor) -> Project:
    """Ties, and units that have no price, no size, no place."""
    project = factories.project(manager.organization)
    for price, size in [(5, 10), (5, 10), (None, None), (3, 20), (5, None), (None, 10), (9, 1), (None, None)]:
        factories.unit(project, asking_price_minor=price, area_sqm=size)
    factories.unit(project, building="Ajmal", unit_number="10")
    factories.unit(project, building="Ajmal", unit_number="9")
    factories.unit(project, building="برج", unit_number="1")
    return project


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 50])
@pytest.mark.parametrize("sort", ["", "price", "-price", "size", "-size", "unit"])
def test_pages_show_every_unit_once_in_order_with_those_without_a_value_last(sort, limit, uneven, manager):
    seen = walked(manager, sort, limit)

    units = {unit.pk: unit for unit in Property.objects.all()}
    assert sorted(seen) == sorted(units)
    if sort.strip("-") in ("price", "size"):
        name = "asking_price_minor" if "price" in sort else "size_key"
        values = [getattr(units[pk], name) for pk in seen]
        had = [value for value in values if value is not None]
        assert had == sorted(had, reverse=sort.startswith("-"))
        assert values[: len(had)] == had
    elif sort == "unit":
        assert [units[pk].place_key for pk in seen] == sorted(unit.place_key for unit in units.values())
    else:
        assert seen == sorted(units, reverse=True)


def test_house_9_comes_before_house_10(uneven, manager):
    numbers = [Property.objects.get(pk=pk).unit_number for pk in walked(manager, "unit")]

    assert numbers.index("9") < numbers.index("10")


def test_nothing_is_skipped_or_shown_twice_while_units_are_added(uneven, manager):
    first = selectors.unit_list(actor=manager, asked={"sort": "price"}, limit=3)
    cheaper = factories.unit(uneven, asking_price_minor=1)
    dearer = factories.unit(uneven, asking_price_minor=7)

    seen, after = [row.unit_id for row in first.rows], first.next
    while after:
        page = selectors.unit_list(actor=manager, asked={"sort": "price"}, after=after, limit=3)
        seen, after = seen + [row.unit_id for row in page.rows], page.next

    assert len(seen) == len(set(seen)) == Property.objects.count() - 1
    assert dearer.pk in seen
    assert cheaper.pk not in seen  # it stands before where we are


@pytest.mark.parametrize(
    "after", ["nonsense", "~", "x~1", "5~", "~" * 50, "9" * 40, "5~" + "9" * 40, "\x00", "-~1", "=~x"]
)
@pytest.mark.parametrize("sort", ["", "price", "unit"])
def test_a_cursor_that_cannot_be_read_breaks_nothing(after, sort, uneven, manager):
    page = selectors.unit_list(actor=manager, asked={"sort": sort}, after=after, limit=50)

    assert len(page.rows) <= Property.objects.count()


def test_the_count_stops_where_nobody_counts_on(manager, monkeypatch, uneven):
    monkeypatch.setattr("crm.selectors.units.COUNTED_TO", 3)

    assert selectors.unit_list(actor=manager, counted=True).count == 4


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("building=Tower A", "tower"),
        ("cluster=Cluster 3", "villa"),
        ("layout=V4", "villa"),
        ("bedrooms_min=2&price_max=2M", "tower"),
        ("price_min=500K&price_max=700k", "flat"),
        ("sqft_min=1000&sqft_max=1100", "tower"),
        ("has_owner=false&status__exact=sold", "flat"),
        ("has_number=true", "tower"),
        ("nationality=LB", "tower"),
        ("agent={agent}", "flat"),
        ("price_min=cheap", "tower villa flat bare"),
        ("agent=x", "tower villa flat bare"),
        ("since=tomorrow", "tower villa flat bare"),
    ],
)
def test_the_back_office_narrows_as_the_page_does_and_says_what_makes_no_sense(asked, names, stock, manager, client):
    agent = factories.agent_of(manager.organization, "One")
    factories.assignment(agent, stock["flat"].project, property=stock["flat"])
    client.force_login(manager.user)

    answer = client.get(f"/o/palm/admin/crm/property/?{asked.format(agent=agent.pk)}")

    shown = answer.context["cl"].queryset.values_list("pk", flat=True)
    assert set(shown) == {stock[name].pk for name in names.split()}
    told = [str(message) for message in answer.context["messages"]]
    assert bool(told) == (asked in {"price_min=cheap", "agent=x", "since=tomorrow"})


def test_contacts_are_narrowed_in_the_back_office(stock, manager, client):
    client.force_login(manager.user)
    for asked, names in (
        ("nationality=LB", {"Rana Saba"}),
        (f"project={stock['villa'].project_id}&has_number=false", {"Tareema Wadar"}),
        ("units_min=2", set()),
        ("has_number=true", {"Rana Saba"}),
    ):
        answer = client.get(f"/o/palm/admin/crm/contact/?{asked}")
        assert set(answer.context["cl"].queryset.values_list("display_name", flat=True)) == names, asked
