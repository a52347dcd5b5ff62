"""One unit came from two sheets: it becomes one, and two again."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from core.actors import Actor
from core.errors import CapabilityMissing
from crm import selectors, services
from crm.errors import MergeRefused
from crm.models import Contact, Deal, Merge, Ownership, ProjectAssignment, Property
from crm.services import merging
from sheets.models import RowLink, Spreadsheet
from tests.crm import factories
from tests.crm.merging import NOON, dump


@pytest.fixture
def pair(manager: Actor) -> tuple[Property, Property]:
    """The first by building and number; the second, of a newer sheet, by its P-number."""
    project = factories.project(manager.organization)
    first = factories.unit(project, p_number="", building="Rose 2", unit_number="1204", view="Sea")
    second = factories.unit(project, p_number="77001", bedrooms=3, view="Park")
    return first, second


def join(actor: Actor, pair: tuple[Property, Property], **kwargs: object) -> Merge:
    given = {"noun": "property", "survivor_id": pair[0].pk, "other_id": pair[1].pk, "at": NOON, **kwargs}
    return merging.merge(actor=actor, **given)


def owners(unit: Property) -> set[tuple[str, int | None, bool]]:
    rows = Ownership.objects.current().filter(property=unit)
    return set(rows.values_list("contact__display_name", "share_basis_points", "is_primary"))


def test_the_survivor_gains_what_it_lacked_and_the_old_id_leads_to_it(
    pair: tuple[Property, Property], manager: Actor
) -> None:
    sheet = Spreadsheet.objects.create(
        organization=manager.organization, table="crm.units", name="Stock", signature="s"
    )
    RowLink.objects.create(
        organization=manager.organization, spreadsheet=sheet, row_key="1", fingerprint=b"1", object_id=pair[1].pk
    )

    join(manager, pair)

    stays = Property.objects.live().get()
    assert (stays.pk, stays.p_number, stays.unit_number, stays.bedrooms, stays.view) == (
        pair[0].pk, "77001", "1204", 3, "Sea",
    )  # fmt: skip
    assert Property.objects.survivor_of(pair[1].pk).get() == stays
    assert RowLink.objects.get().object_id == stays.pk  # its row goes on syncing


def test_owners_of_both_join_while_their_shares_fit(pair: tuple[Property, Property], manager: Actor) -> None:
    same, other = (factories.contact(manager.organization, name) for name in ("Noura", "Peter"))
    factories.ownership(pair[0], same, is_primary=True)
    factories.ownership(pair[1], same, share_basis_points=5_000)
    factories.ownership(pair[1], other, share_basis_points=5_000, is_primary=True)

    join(manager, pair)

    assert owners(pair[0]) == {("Noura", 5_000, True), ("Peter", 5_000, False)}


def test_where_shares_exceed_the_whole_the_survivors_owners_are_right(
    pair: tuple[Property, Property], manager: Actor
) -> None:
    ours, theirs = (factories.contact(manager.organization, name) for name in ("Noura", "Peter"))
    factories.ownership(pair[0], ours, share_basis_points=10_000, is_primary=True)
    factories.ownership(pair[1], theirs, share_basis_points=10_000, is_primary=True, since=date(2019, 1, 1))

    made = join(manager, pair)

    assert owners(pair[0]) == {("Noura", 10_000, True)}
    ended = Ownership.objects.live().get(contact=theirs)
    assert (ended.property, ended.until) == (pair[0], date(2026, 6, 1))
    assert merging.moves_of(made)["owners whose time ends"] == 1


def test_work_on_it_goes_along_and_is_there_once(
    pair: tuple[Property, Property], manager: Actor, agent: Actor, other_agent: Actor
) -> None:
    omar, layla = factories.agent(agent), factories.agent(other_agent)
    project = pair[0].project
    factories.assignment(omar, project, property=pair[0])
    factories.assignment(omar, project, property=pair[1])
    factories.assignment(layla, project, property=pair[1])
    deal = factories.deal(pair[1], layla, buyer=factories.contact(manager.organization))

    join(manager, pair)

    held = ProjectAssignment.objects.active().filter(property=pair[0])
    assert set(held.values_list("agent", flat=True)) == {omar.pk, layla.pk}
    assert held.count() == 2
    deal.refresh_from_db()
    assert deal.property == pair[0]


@pytest.mark.parametrize("way", [(0, 1), (1, 0)])
@pytest.mark.parametrize("take", [[], ["view"]])
def test_undoing_restores_every_row(
    pair: tuple[Property, Property], manager: Actor, agent: Actor, way: tuple[int, int], take: list[str]
) -> None:
    profile = factories.agent(agent)
    people = [factories.contact(manager.organization, name) for name in ("Noura", "Peter", "Ivan")]
    factories.ownership(pair[0], people[0], share_basis_points=10_000, is_primary=True)
    factories.ownership(pair[1], people[0], share_basis_points=4_000)
    factories.ownership(pair[1], people[1], share_basis_points=6_000, is_primary=True)
    factories.ownership(pair[1], people[2], until=date(2018, 1, 1))
    for unit in pair:
        factories.assignment(profile, unit.project, property=unit)
    factories.deal(pair[1], profile, buyer=people[1])
    before = dump()

    made = join(manager, (pair[way[0]], pair[way[1]]), take=take)
    assert dump() != before
    made = merging.reverse_merge(actor=manager, merge=made, at=NOON + timedelta(hours=1))

    after = dump()
    assert made.kept == []
    assert {name for name in before if before[name] != after[name]} == set()


def test_two_that_are_both_being_sold_are_refused(
    pair: tuple[Property, Property], manager: Actor, agent: Actor
) -> None:
    profile = factories.agent(agent)
    for unit in pair:
        factories.deal(unit, profile, kind="sale", buyer=factories.contact(manager.organization))
    Deal.objects.update(stage="accepted")
    before = dump()

    with pytest.raises(MergeRefused, match="Both are being sold"):
        join(manager, pair)
    with pytest.raises(CapabilityMissing):
        join(agent, pair)

    assert dump() == before


def test_the_timeline_of_the_survivor_tells_of_both(pair: tuple[Property, Property], manager: Actor) -> None:
    services.update_property(actor=manager, property=pair[1], asking_price="900000")
    join(manager, pair)

    told = selectors.unit_history(actor=manager, unit_id=pair[0].pk).rows

    assert "900,000" in " ".join(each.after for each in told)
    assert Contact.objects.count() == 0
