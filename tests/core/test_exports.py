"""Lists that are taken along: what is in the file, who may, and what is kept of it."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin.sites import AdminSite
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import translation
from python_calamine import CalamineWorkbook

from core import exports
from core.admin import site
from core.errors import CapabilityMissing
from core.exporting import declare, declared
from core.exporting.files import write_csv, write_xlsx
from core.models import AuditEntry, Export
from core.roles import Capability
from core.tenancy import organization_scope
from crm.models import BankDetails, Contact, Property
from tests.crm import factories
from tests.crm.doors import Caller

NOON = datetime(2026, 6, 1, 8, 30, tzinfo=UTC)
DUBAI = ZoneInfo("Asia/Dubai")
# Lists that stay in the house; each says why.
NOT_TAKEN_ALONG = {
    "core.export": "the list of exports themselves",
    "crm.bankdetails": "account numbers never leave the house",
    "commissions.payingaccount": "account numbers never leave the house",
    "core.apitoken": "tokens never leave the house",
    "crm.savedfilter": "addresses of lists, each of which is taken along itself",
    "sheets.googleaccount": "keys of service accounts never leave the house",
    "crm.duplicatesearch": "how far a search is",
    "core.hookendpoint": "at most twenty addresses, with the secrets that go with them",
    "core.hookdelivery": "bodies of ids that were sent to others, gone after 30 days",
}


def take(actor, rows=None, **options):
    rows = Property.objects.visible_to(actor).order_by("pk") if rows is None else rows
    name = rows.model._meta.label_lower
    return exports.take_list(
        actor=actor, name=name, rows=rows, **{"format": "csv", "filters": {}, "at": NOON, **options}
    )


def lines_of(export):
    return list(csv.DictReader(io.StringIO(bytes_of(export).decode("utf-8-sig"))))


def body(answer):
    """What was sent; the file is closed when all of it is."""
    return b"".join(answer.streaming_content)


def bytes_of(export):
    with export.file.open("rb") as file:
        return file.read()


def test_no_text_ever_becomes_a_formula_and_numbers_stay_numbers(tmp_path):
    dangerous = ["=1+1", "+971501112233", "-2+3", "@SUM(A1)", "\t=1", " =1", "＝1", "plain"]
    rows = [[text, -5, Decimal("-1.50"), True, NOON, NOON.date(), None, ["a", "نور"]] for text in dangerous]
    titles = ["=Title", "Count", "Price", "Is", "At", "On", "Nothing", "Tags"]

    write_csv(tmp_path / "list.csv", titles, rows, DUBAI)
    write_xlsx(tmp_path / "list.xlsx", "Units: [all]/now?", titles, rows, DUBAI)

    text = (tmp_path / "list.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(text.decode("utf-8-sig"))))
    assert read[0][0] == "'=Title"
    assert [row[0] for row in read[1:]] == [f"'{text}" for text in dangerous[:-1]] + ["plain"]
    assert read[1][1:] == ["-5", "-1.50", "Yes", "2026-06-01 12:30:00", "2026-06-01", "", "a, نور"]
    sheet = CalamineWorkbook.from_path(tmp_path / "list.xlsx").get_sheet_by_index(0).to_python()
    assert [row[0] for row in sheet] == ["=Title", *dangerous]
    assert sheet[1][1:4] == [-5.0, -1.5, "Yes"]
    assert sheet[1][4].isoformat() == "2026-06-01T12:30:00"
    with zipfile.ZipFile(tmp_path / "list.xlsx") as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")


def test_long_cells_long_numbers_and_tabs_that_are_full(tmp_path, monkeypatch):
    monkeypatch.setattr("core.exporting.files.MOST_ROWS", 2)
    rows = [["x" * 60_000, 12345678901234567890], ["\x00\x07emoji 🏝", Decimal("90071992547409.93")], ["third", 1]]

    write_xlsx(tmp_path / "list.xlsx", "Units", ["Text", "Number"], rows, DUBAI)

    book = CalamineWorkbook.from_path(tmp_path / "list.xlsx")
    first, second = (book.get_sheet_by_index(index).to_python() for index in range(2))
    assert len(first[1][0]) == 32_767
    assert first[1][1] == "12345678901234567890"
    assert first[2][1] == "90071992547409.93"
    assert second == [["Text", "Number"], ["third", 1.0]]


def test_secrets_cannot_be_declared():
    with pytest.raises(ImproperlyConfigured):
        declare(BankDetails, ["agent.name", "iban"], capability=Capability.BANK_DETAILS_READ)
    with pytest.raises(ImproperlyConfigured):
        declare(Contact, ["national_id"], capability=Capability.CRM_READ)
    with pytest.raises(ImproperlyConfigured):
        declare(Contact, ["no_such_field"], capability=Capability.CRM_READ)


def test_a_short_list_is_there_at_once_and_what_was_taken_is_in_the_trail(organization, manager):
    project = factories.project(organization, "Viridis", number=7)
    factories.unit(
        project, unit_number="7", building="B", asking_price_minor=123_450, status="sold", amenities=["Pool"]
    )

    export = take(manager, filters={"status": "sold"})

    assert export.status == "done"
    row = lines_of(export)[0]
    assert (row["Project"], row["Status"], row["Asking price"], row["Currency"]) == (
        "Viridis",
        "Sold",
        "1234.50",
        "AED",
    )
    entry = AuditEntry.objects.get(action="core.list_exported")
    assert (entry.user, entry.target_id) == (manager.user, export.pk)
    assert entry.after["sha256"] == hashlib.sha256(bytes_of(export)).hexdigest() == export.file_hash
    assert (entry.after["rows"], entry.after["format"], entry.after["filters"]) == (1, "csv", {"status": "sold"})


@pytest.mark.parametrize("who", ["agent", "supervisor"])
def test_those_without_the_capability_take_nothing(who, request, organization):
    actor = request.getfixturevalue(who)

    with pytest.raises(CapabilityMissing):
        take(actor)

    assert not Export.objects.exists()


def test_a_long_list_waits_for_a_worker_and_has_what_was_chosen(organization, manager):
    project = factories.project(organization)
    units = [factories.unit(project) for _ in range(5)]
    export = take(manager, at_once=2, format="xlsx")
    assert (export.status, export.row_count) == ("queued", 5)
    late = factories.unit(project)
    units[0].delete()

    exports.write_export(organization=organization, export_id=export.pk, at=NOON)
    again = exports.write_export(organization=organization, export_id=export.pk, at=NOON)

    assert (again.status, again.row_count, again.attempts) == ("done", 4, 1)
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(bytes_of(again))).get_sheet_by_index(0).to_python()
    numbers = [row[2] for row in sheet[1:]]
    assert numbers == [unit.p_number for unit in units[1:]]
    assert late.p_number not in numbers


def test_arabic_readers_get_a_tab_that_begins_at_the_right(organization, manager):
    factories.unit(factories.project(organization))
    with translation.override("ar"):
        export = take(manager, format="xlsx")

    with zipfile.ZipFile(io.BytesIO(bytes_of(export))) as book:
        assert b'rightToLeft="1"' in book.read("xl/worksheets/sheet1.xml")


def test_who_left_meanwhile_gets_no_file(organization, manager):
    factories.unit(factories.project(organization))
    export = take(manager, at_once=0)
    manager.membership.suspended_at = NOON
    manager.membership.save()

    export = exports.write_export(organization=organization, export_id=export.pk, at=NOON)

    assert export.status == "failed"
    assert not AuditEntry.objects.filter(action="core.list_exported").exists()


def test_a_lost_export_is_started_again_and_files_do_not_stay(organization, manager):
    factories.unit(factories.project(organization))
    export = take(manager, at_once=0)
    Export.objects.filter(pk=export.pk).update(status="running", leased_until=NOON - timedelta(minutes=1), attempts=1)

    export = exports.write_export(organization=organization, export_id=export.pk, at=NOON)
    assert export.status == "done"
    path = export.file.path
    exports.sweep(organization=organization, at=NOON + timedelta(hours=25))

    export.refresh_from_db()
    assert (export.status, export.ids, bool(export.file)) == ("expired", [], False)
    with pytest.raises(FileNotFoundError):
        open(path, "rb")  # noqa: SIM115


def test_what_is_tried_too_often_is_given_up(organization, manager):
    export = take(manager, at_once=-1)
    Export.objects.filter(pk=export.pk).update(status="running", leased_until=NOON - timedelta(minutes=1), attempts=3)

    exports.sweep(organization=organization, at=NOON)

    export.refresh_from_db()
    assert (export.status, export.error) == ("failed", "It was tried 3 times.")


def test_a_file_has_one_moment_though_rows_change_meanwhile(committed: str) -> None:
    from core.actors import Actor
    from core.roles import Role
    from tests.live import house

    organization, members = house()
    manager = Actor(organization, members[Role.MANAGER])
    with organization_scope(organization.pk):
        project = factories.project(organization)
        Property.objects.bulk_create(
            Property(organization=organization, project=project, p_number=str(nth), view="before")
            for nth in range(1_500)
        )
        export = take(manager, at_once=0)
    changed: list[int] = []

    def change_the_rest(*_: object) -> None:
        """Somebody changes every unit after the first thousand has been read."""
        if not changed:
            changed.append(rename_all(committed))

    original = exports.cache.set
    exports.cache.set = lambda *given: (change_the_rest(), original(*given))  # type: ignore[assignment,method-assign,func-returns-value]
    try:
        with organization_scope(organization.pk):
            export = exports.write_export(organization=organization, export_id=export.pk, at=NOON)
            views = {row["View"] for row in lines_of(export)}
    finally:
        exports.cache.set = original  # type: ignore[method-assign]

    assert changed == [1_500]
    assert views == {"before"}


def rename_all(database: str) -> int:
    """Over a connection of its own."""
    import os
    from urllib.parse import urlsplit, urlunsplit

    import psycopg

    parts = urlsplit(os.environ["MAJLIS_SUPERUSER_URL"])
    with psycopg.connect(urlunsplit(parts._replace(path=f"/{database}")), autocommit=True) as connection:
        return connection.execute("UPDATE crm_property SET view = 'after'").rowcount


class TestDoors:
    def test_the_api_gives_what_its_filters_leave(self, organization, manager, client):
        project = factories.project(organization)
        factories.unit(project, status="sold")
        factories.unit(project, status="available")

        answer = Caller(client, manager).get("properties/export/?format=csv&status=sold")

        rows = list(csv.DictReader(io.StringIO(body(answer).decode("utf-8-sig"))))
        assert [row["Status"] for row in rows] == ["Sold"]
        assert "palm-property-" in answer["Content-Disposition"]
        assert Export.objects.get().filters == {"status": "sold"}

    def test_a_long_list_is_asked_after_over_the_api(self, organization, manager, client, monkeypatch):
        monkeypatch.setattr(exports, "AT_ONCE", 0)
        factories.unit(factories.project(organization))
        caller = Caller(client, manager)

        answer = caller.get("properties/export/?format=xlsx")

        assert answer.status_code == 202
        place = answer["Location"].partition("/api/v1/palm/")[2]
        assert caller.get(f"{place}file/").status_code == 409
        exports.write_export(organization=organization, export_id=answer.json()["id"], at=NOON)
        assert caller.get(place).json()["status"] == "done"
        assert body(caller.get(f"{place}file/"))[:2] == b"PK"

    def test_unknown_formats_are_refused_and_agents_take_nothing(self, organization, manager, agent, client):
        assert Caller(client, manager).get("properties/export/?format=pdf").json()["code"] == "export_format_unknown"
        assert Caller(client, agent).get("properties/export/").status_code == 403
        assert not Export.objects.exists()

    def test_a_page_s_list_is_taken_as_it_is_filtered(self, organization, manager, agent, client):
        project = factories.project(organization)
        factories.unit(project, status="sold")
        factories.unit(project, status="available")
        client.force_login(manager.user)
        address = reverse("list-export", args=["palm", "units"])

        answer = client.post(address, {"format": "csv", "asked": f"status=sold&project={project.pk}"})

        assert body(answer).count(b"Sold") == 1
        page = client.get(reverse("exports", args=["palm"])).content.decode()
        assert "status: sold" in page
        client.force_login(agent.user)
        assert client.post(address, {"format": "csv"}).status_code == 403

    def test_a_file_is_for_whoever_asked_and_nobody_else(self, organization, manager, second_manager, outsider, client):
        factories.unit(factories.project(organization))
        address = reverse("export-file", args=["palm", take(manager).pk])

        for stranger in (second_manager, outsider):
            client.force_login(stranger.user)
            assert client.get(address).status_code == 404
        client.force_login(manager.user)
        assert body(client.get(address)).startswith(b"\xef\xbb\xbf")

    @pytest.mark.parametrize("format", ["csv", "xlsx"])
    def test_the_back_office_takes_what_was_chosen(self, organization, manager, client, format):
        project = factories.project(organization)
        chosen, _left = factories.unit(project), factories.unit(project)
        client.force_login(manager.user)

        answer = client.post(
            "/o/palm/admin/crm/property/", {"action": f"export_{format}", "_selected_action": [chosen.pk]}
        )

        assert body(answer)
        assert Export.objects.get().ids == [chosen.pk]


def test_every_list_of_the_back_office_can_be_taken_along():
    assert isinstance(site, AdminSite)
    lists = {model._meta.label_lower for model in site._registry}

    assert lists - set(declared()) - set(NOT_TAKEN_ALONG) == set()


def test_every_list_of_the_api_can_be_taken_along():
    lacking = {
        view.__name__
        for view in api_lists()
        if not hasattr(view, "export") or view.queryset.model._meta.label_lower not in declared()
        if view.queryset.model._meta.label_lower not in NOT_TAKEN_ALONG
    }

    assert lacking - set(REPORTS) == set()


# Worked out rather than listed: their rows are taken along from the list beside them.
REPORTS = {"TrialBalanceViewSet": "accounts/export/", "SearchViewSet": "properties/export/ and its neighbours"}


def api_lists(resolver: Any = None, before: str = "") -> list[Any]:
    """The viewsets with a list action under /api/v1/."""
    found = []
    for pattern in (resolver or get_resolver()).url_patterns:
        text = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += api_lists(pattern, text)
        elif isinstance(pattern, URLPattern) and text.startswith("api/v1/"):
            actions = getattr(pattern.callback, "actions", None) or {}
            if actions.get("get") == "list":
                found.append(pattern.callback.cls)
    return found


@pytest.mark.parametrize("name", sorted(set(declared()) - {"crm.contact"}) or ["-"])
def test_columns_of_every_list_can_be_read(name: str, organization: Any, manager: Any, admin: Any) -> None:
    """With one empty answer at least: a path that leads nowhere was refused when it was declared."""
    listed = declared()[name]

    read = [[column.value(row) for column in listed.columns] for row in listed.rows(admin)[:5]]

    assert listed.columns
    assert all(len(line) == len(listed.columns) for line in read)


def test_a_thousand_rows_cost_as_many_queries_as_one(organization, manager, django_assert_max_num_queries):
    project = factories.project(organization)
    for _ in range(30):
        unit = factories.unit(project)
        factories.ownership(unit, factories.contact(organization))
    everything = ["crm.property", "crm.ownership", "crm.contact", "crm.project", "core.auditentry"]

    for name in everything:
        listed = declared()[name]
        with django_assert_max_num_queries(3):
            for row in listed.rows(manager):
                for column in listed.columns:
                    column.value(row)


def test_client_cannot_reach_files_by_address(organization, manager):
    factories.unit(factories.project(organization))
    export = take(manager)

    assert Client().get(f"/{export.file.name}").status_code == 404
    assert Client().get(f"/media/{export.file.name}").status_code == 404
