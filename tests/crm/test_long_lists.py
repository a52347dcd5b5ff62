"""Ten thousand units and owners: pages that ask the database no more than with ten, and one change of them all."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.actors import Actor
from crm.models import BulkChange, Contact, Ownership, Project, Property
from tests.crm import factories
from tests.crm.test_pages import signed_in

MANY = 10_000


def fill(project: Project, count: int, start: int = 0) -> None:
    """So many units of a project, each with an owner of its own."""
    house, numbers = {"organization": project.organization}, range(start, start + count)
    units = Property.objects.bulk_create(
        [
            Property(project=project, p_number=str(5_000_000 + number), status="available", **house)
            for number in numbers
        ],
        batch_size=2_000,
    )
    names = [f"Owner {number}" for number in numbers]
    owners = Contact.objects.bulk_create(
        [Contact(display_name=name, normalized_name=name.lower(), **house) for name in names], batch_size=2_000
    )
    Ownership.objects.bulk_create(
        [Ownership(property=unit, contact=owner, **house) for unit, owner in zip(units, owners, strict=True)],
        batch_size=2_000,
    )


def asked(client: Any, address: str) -> tuple[int, str]:
    """How many queries the page takes, and the page."""
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
    assert answer.status_code == 200
    return len(queries), answer.content.decode()


@pytest.mark.timeout(300)
def test_ten_thousand_rows_cost_what_ten_do_and_are_changed_in_one_go(manager: Actor) -> None:
    project = factories.project(manager.organization)
    client = signed_in(manager)
    addresses = [
        "/o/palm/units/",
        "/o/palm/units/?price_min=1&sort=-price",
        "/o/palm/owners/?sort=name",
        "/o/palm/owners/?nationality=AE",
        "/o/palm/duplicates/",
        "/o/palm/changes/",
    ]
    fill(project, 10)
    few = [asked(client, address)[0] for address in addresses]
    fill(project, MANY - 10, start=10)

    for address, cost in zip(addresses, few, strict=True):
        found, page = asked(client, address)
        assert found <= cost + 1, address  # a page that goes on has one look-up more
        assert page.count('name="row"') <= 40
    assert "1000+ units" in asked(client, "/o/palm/units/")[1]

    client.post(reverse("list-changes", args=["palm", "owners"]), {"which": "all", "asked": ""})
    change = BulkChange.objects.get()
    assert len(change.ids) == MANY
    _queries, page = asked(client, f"/o/palm/changes/{change.pk}/")
    assert "10000" in page
    assert 'name="row"' not in page
    with CaptureQueriesContext(connection) as queries:
        shown = client.post(
            reverse("bulk-preview", args=["palm", change.pk]), {"action": "language", "language": "ar"}
        ).content.decode()
    assert "Change 10000 rows" in shown
    assert len(queries) < 40
    client.post(reverse("bulk-confirmation", args=["palm", change.pk]))
    change.refresh_from_db()
    assert change.status == "running", "a worker does it"


@pytest.mark.parametrize("page", ["units", "owners", "duplicates", "merges", "changes", "imports", "projects"])
def test_an_empty_house_says_what_to_do_and_odd_addresses_are_answered(page: str, manager: Actor) -> None:
    client = signed_in(manager)

    assert 'class="empty"' in client.get(f"/o/palm/{page}/").content.decode()
    for odd in ("after=x", "before=%00", "sort=%27", "q=%00%25", "nationality=" + "x" * 500, "status=%F0%9F%8F%A0"):
        assert client.get(f"/o/palm/{page}/?{odd}").status_code == 200, odd


def test_ticks_that_make_no_sense_change_nothing(manager: Actor) -> None:
    client = signed_in(manager)
    fill(factories.project(manager.organization), 2)

    for rows in ([], ["x"], ["9" * 30], ["-1"], [10**15]):
        for name in ("units", "owners"):
            answer = client.post(reverse("list-changes", args=["palm", name]), {"which": "ticked", "row": rows})
            assert answer.status_code == 302
    assert client.post(reverse("list-changes", args=["palm", "cats"]), {"which": "all"}).status_code == 404
    assert not BulkChange.objects.exists()
