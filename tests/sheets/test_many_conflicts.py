"""Ten thousand cells wait in the inbox: it is as quick as with ten, and they are decided together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core import statistics
from core.actors import Actor
from core.models import AuditEntry
from crm import services
from crm.models import Project, Property
from sheets import selectors
from sheets.models import Conflict, ImportRun
from sheets.selectors import Asked
from tests.crm.doors import Caller
from tests.sandbox.google import Google, running
from tests.sheets.linked import Office, lines

MANY = 10_000
CONFLICTS = "/o/palm/conflicts/"
ROWS = lines(
    *(
        {"P-NUMBER": n, "PROJECT": "Vardon" if n < 3 else "Merrow", "NAME": f"Owner Number{n}", "Status": "Rented"}
        for n in range(1, 5)
    )
)


@pytest.fixture(scope="module")
def google() -> Iterator[Google]:
    with running() as found:
        found.admin("configure", {"quota": None})
        yield found


@pytest.fixture
def office(google: Google, manager: Actor, settings: Any) -> Office:
    """Units 1 to 4 are `Vacant` here and `Sold` in the sheet."""
    settings.SHEETS_API_URL = google.url
    settings.SHEETS_RETRY_WAIT = 0.01
    google.admin("faults", method="DELETE")
    office = Office(google, manager)
    office.link(ROWS)
    office.sync()
    office.set(**{f"E{row}": "Sold" for row in range(2, 6)})
    for unit in Property.objects.all():
        services.update_property(actor=manager, property=unit, status="vacant")
    office.sync()
    assert Conflict.objects.open().count() == 4
    return office


@pytest.fixture
def desk(manager: Actor) -> Client:
    client = Client()
    client.force_login(manager.user)  # type: ignore[arg-type]
    return client


def multiply(office: Office) -> None:
    """Ten thousand more of them, and as many that are settled."""
    pattern = Conflict.objects.order_by("pk")[0]
    fields = {name: getattr(pattern, name) for name in ("organization", "spreadsheet", "link", "run", "row", "column")}
    Conflict.objects.bulk_create(
        [
            Conflict(**fields, field=f"field{n}", ours="A", theirs="B", settled_at=timezone.now() if n % 2 else None)
            for n in range(2 * MANY)
        ],
        batch_size=2000,
    )
    statistics.refresh([Conflict])


def test_ten_thousand_are_read_page_by_page_from_an_index_and_never_counted_whole(
    office: Office, desk: Client, django_assert_max_num_queries: Any
) -> None:
    multiply(office)

    with django_assert_max_num_queries(14):
        page = desk.get(CONFLICTS).content.decode()

    assert "1,000+" in page
    for asked in (Asked(), Asked(sheet=office.sheet.pk), Asked(box="settled")):
        rows = selectors.conflicts_asked(actor=office.actor, asked=asked).order_by("-pk")[:51]
        plan = json.loads(rows.explain(format="json", analyze=True))[0]["Plan"]
        read = _read(plan)
        assert read <= 250, plan  # of twenty thousand
    seen: set[int] = set()
    found = selectors.conflict_list(actor=office.actor, asked=Asked(), limit=500)
    while True:
        ids = {row.conflict.pk for row in found.rows}
        assert not ids & seen
        seen |= ids
        if found.next is None:
            break
        found = selectors.conflict_list(actor=office.actor, asked=Asked(), before=found.next, limit=500)
    assert len(seen) == MANY + 4


def _read(plan: dict[str, Any]) -> int:
    """How many rows of conflicts were looked at."""
    own = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) if "Relation Name" in plan else 0
    return int(own) + sum(_read(part) for part in plan.get("Plans", []))


def test_the_inbox_is_narrowed_by_sheet_column_age_and_project_on_the_page_and_over_the_api(
    office: Office, desk: Client, client: Client, manager: Actor
) -> None:
    vardon = Project.objects.get(name="Vardon").pk
    old = Conflict.objects.order_by("pk")[0]
    Conflict.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=10))
    api = Caller(client, manager)

    def shown(query: str) -> int:
        return desk.get(f"{CONFLICTS}?{query}").content.decode().count('type="checkbox" name="conflict"')

    for page, filters, expected in (
        ("", "", 4), (f"project={vardon}", f"project={vardon}", 2), ("age=7", "older_than_days=7", 1),
        ("age=30", "older_than_days=30", 0), ("column=Status", "column=Status", 4), ("column=View", "column=View", 0),
        (f"sheet={office.sheet.pk}", f"spreadsheet={office.sheet.pk}", 4), ("sheet=999999", "spreadsheet=999999", None),
        (f"project={vardon}&age=7", f"project={vardon}&older_than_days=7", 1),
    ):  # fmt: skip
        assert shown(page) == (expected or 0), page
        if expected is not None:
            assert len(api.get(f"conflicts/?{filters}").json()["results"]) == expected, filters
    assert shown("project=nonsense&age=x&sheet=-1") == 4


def test_all_of_a_project_are_decided_on_the_page_after_they_were_shown(office: Office, desk: Client) -> None:
    vardon = Project.objects.get(name="Vardon").pk
    asked = {"query": f"project={vardon}", "resolution": "theirs"}

    preview = desk.post(f"{CONFLICTS}decisions/matching/", asked).content.decode()

    assert "Decide 2 cells" in preview
    assert not Conflict.objects.resolved().exists()
    state = preview.split('name="state" value="')[1].split('"')[0]
    services.update_property(actor=office.actor, property=Property.objects.get(p_number="1"), status="rented")
    office.sync()
    moved = desk.post(f"{CONFLICTS}decisions/matching/", asked | {"state": state}).content.decode()
    assert "Nothing was decided; look again" in moved
    assert not Conflict.objects.resolved().exists()
    state = moved.split('name="state" value="')[1].split('"')[0]
    done = desk.post(f"{CONFLICTS}decisions/matching/", asked | {"state": state}, follow=True).content.decode()
    assert "cells are decided" in done or "cell is decided" in done
    office.sync_asked()

    assert {u.status for u in Property.objects.filter(project=vardon)} <= {"sold", "rented"}
    assert {u.status for u in Property.objects.exclude(project=vardon)} == {"vacant"}


def test_all_of_a_sheet_are_decided_over_the_api_however_many(
    office: Office, client: Client, manager: Actor, agent: Actor
) -> None:
    multiply(office)
    api, place = Caller(client, manager), f"conflicts/matching/?spreadsheet={office.sheet.pk}"

    found = api.get(place).json()
    assert (found["count"], len(found["first"])) == (MANY + 4, 20)
    stale = api.post(place, {"resolution": "theirs", "state": "0" * 16})
    assert (stale.status_code, stale.json()["code"]) == (409, "conflict_moved")
    assert Caller(client, agent).post(place, {"resolution": "theirs", "state": found["state"]}).status_code == 403
    assert not Conflict.objects.resolved().exists()
    done = Caller(client, manager).post(place, {"resolution": "theirs", "state": found["state"]})

    assert (done.status_code, done.json()) == (200, {"decided": MANY + 4})
    assert not Conflict.objects.open().exists()
    assert AuditEntry.objects.filter(action="sheets.conflict_resolved").count() == MANY + 4
    assert ImportRun.objects.filter(status="queued").count() == 1
    office.sync_asked()
    assert {u.status for u in Property.objects.all()} == {"sold"}
