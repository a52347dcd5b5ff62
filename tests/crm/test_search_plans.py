"""Which indexes the lists and the search box read, in a house of 20,000 units beside one whose units are newer.

The server counts what really ran, inside the search functions too, so a table that was read from end to end shows.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core.actors import Actor
from core.models import Organization
from core.statistics import refresh
from core.tenancy import organization_scope
from crm import selectors
from crm.models import Contact, Ownership, Project, Property
from tests.crm import factories
from tests.scans import read, whole

UNITS, OF_OTHERS = 20_000, 4_000
TABLES = ("crm_property", "crm_contact")
# 60 buildings in 20 projects, and clusters; three of four units have a price; a few owners.
FILL = [
    """INSERT INTO crm_project (organization_id, created_at, updated_at, number, name, description, developer, city,
           master_project, area, status, currency)
       SELECT %(house)s, now(), now(), n, 'Project ' || n, '', '', 'Dubai', '', '', 'active', 'AED' FROM generate_series(1, 20) AS n""",
    """INSERT INTO crm_property (organization_id, created_at, updated_at, project_id, p_number, registration, municipality_number,
           plot_number, unit_number, building, cluster, dewa_number, floor, layout, view, rooms, bedrooms, area_sqm, asking_price_minor,
           currency, price_note, purpose, status, amenities, description, extra)
       SELECT %(house)s, now(), now() - n * interval '1 hour', j.first + n %% 20, (1000000 + n)::text, 'XG' || to_hex(n * 7919), (n * 31)::text,
              '', (n / 60 + 101)::text, CASE WHEN n %% 3 > 0 THEN 'Marina Gate ' || n %% 60 ELSE '' END,
              CASE WHEN n %% 3 = 0 THEN 'Cluster ' || n %% 60 ELSE '' END, '', '', 'Type ' || n %% 9, '', '', n %% 5, 30 + n %% 400,
              CASE WHEN n %% 4 > 0 THEN n * 10000 END, 'AED', '', 'sale', (ARRAY['available', 'vacant', 'rented', 'sold'])[1 + n %% 4], '{}', '', '{}'
         FROM generate_series(1, %(units)s) AS n, (SELECT min(id) AS first FROM crm_project WHERE organization_id = %(house)s) j""",
    """INSERT INTO crm_contact (organization_id, created_at, updated_at, kind, display_name, first_name, last_name, normalized_name,
           language, nationality, national_id, national_id_index, address, tags, is_bad_contact, source)
       SELECT %(house)s, now(), now(), 'person', name, '', '', lower(name), '', '', '', '', '', '{}', false, 'test'
         FROM generate_series(1, %(units)s) AS n, LATERAL (
              SELECT (ARRAY['Fatima', 'Omar', 'Layla', 'Rashid'])[1 + n %% 4] || ' Al ' || initcap(translate(n::text, '0123456789', 'abdefghiko'))
              ) AS named (name)""",
    """INSERT INTO crm_ownership (organization_id, created_at, updated_at, property_id, contact_id, is_primary)
       SELECT %(house)s, now(), now(), p.id, c.id, true
         FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM crm_property WHERE organization_id = %(house)s) p
         JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM crm_contact WHERE organization_id = %(house)s) c USING (n)
        WHERE n <= 500""",
]


@pytest.fixture
def city(organization: Organization, other_organization: Organization) -> None:
    """Statistics are those of after an import."""
    with connection.cursor() as cursor:
        for house, units in [(organization, UNITS), (other_organization, OF_OTHERS)]:
            with organization_scope(house.pk):
                for statement in FILL:
                    cursor.execute(statement, {"house": house.pk, "units": units})
    refresh([Project, Property, Contact, Ownership])


NEWEST = (
    "crm_property_organization_id_key"  # as good where a tenth of the units fit and any fifty of them are asked for
)
LISTS = {
    "": {NEWEST},
    "status=available": {"crm_property_by_status", NEWEST},
    "status=reserved": {"crm_property_by_status"},
    "building=Marina Gate 7": {"crm_property_of_building"},
    "cluster=Cluster 9": {"crm_property_of_cluster"},
    "layout=Type 3": {"crm_property_of_layout", NEWEST},
    "sort=price": {"crm_property_by_price"},
    "sort=-price": {"crm_property_by_price"},
    "sort=size": {"crm_property_by_size"},
    "sort=unit": {"crm_property_by_place"},
    "price_min=190M": {"crm_property_by_price"},
    "since=2099-01-01": {"crm_property_by_update"},
    "q=1012345": {"crm_property_words"},
}
OWN = {"crm_property_of_project"}  # of an agent's few
BOX = {
    "1012345": {"crm_property_words"},
    "marina gate 7 150": {"crm_property_words"},
    "gate": {"crm_property_words"},
    "fatima": {"crm_contact_words", "crm_contact_by_words"},
    "layla al baef": {"crm_contact_words", "crm_contact_by_words"},
}


def test_lists_and_the_box_read_the_indexes_that_were_made_for_them(
    city: None, manager: Actor, agent: Actor, organization: Organization
) -> None:
    for asked, indexes in LISTS.items():
        page = dict([asked.split("=")]) if asked else {}
        page = {name: [value] if name == "status" else value for name, value in page.items()}
        found = read(lambda page=page: selectors.unit_list(actor=manager, asked=_query(page)), TABLES)  # type: ignore[misc]
        assert found & indexes, (asked, found)
        assert not whole(found), (asked, found)
    profile = factories.agent(agent)
    for project in Project.objects.order_by("pk")[:2]:
        factories.assignment(profile, project)
    for actor in (manager, agent):
        for text, indexes in BOX.items():
            found = read(
                lambda text=text, actor=actor: selectors.search(actor=actor, text=text, at=timezone.now()), TABLES
            )  # type: ignore[misc]
            assert found & (indexes | OWN), (text, found)
            assert not whole(found), (text, found)


def test_the_names_to_choose_from_are_stepped_through(city: None, manager: Actor) -> None:
    stepped = read(lambda: selectors.place_names(manager), TABLES)

    assert stepped == {"crm_property_of_building", "crm_property_of_cluster", "crm_property_of_layout"}


def _query(asked: dict[str, Any]) -> Any:
    from django.http import QueryDict

    query = QueryDict(mutable=True)
    for name, value in asked.items():
        query.setlist(name, value if isinstance(value, list) else [value])
    return query
