"""From the upload to the error file, at the API; and what a killed import leaves behind."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from python_calamine import CalamineWorkbook

from core.actors import Actor
from core.models import AuditEntry, Organization
from core.tenancy import organization_scope
from crm.models import Contact, Property
from sheets import services, tasks
from sheets.models import ImportCreation, ImportRun, RowLink
from tests.databases import url_of
from tests.sheets.imports import comma_separated, master, upload, xlsx

IMPORTS = "/api/v1/palm/imports/"
ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    {"P-NUMBER": 1, "PROJECT": "Vardon", "NAME": "=cmd()", "MOBILE": "0500000001"},
    {"P-NUMBER": 2, "PROJECT": "Vardon", "NAME": "Ledaan Dahari", "MOBILE": "97150000000"},
    {"PROJECT": "Vardon", "NAME": "Ruwais Tibi", "PLOT NUMBER": "12-"},
]


def test_the_whole_way_over_the_api(client: Client, manager: Actor) -> None:
    assert manager.user
    client.force_login(manager.user)
    run = client.post(IMPORTS, {"file": SimpleUploadedFile("Units.xlsx", xlsx(master(*ROWS)))}).json()
    assert (run["status"], run["kind"], run["mapping"]["columns"]["P-NUMBER"]) == ("draft", "xlsx", "p_number")
    address = f"{IMPORTS}{run['id']}/"

    mapping = {"columns": {"SD": ""}, "options": {"area_unit": "sqft"}}
    changed = client.patch(address, {"mapping": mapping}, content_type="application/json").json()
    assert (changed["mapping"]["options"], changed["mapping"]["columns"]["SD"]) == ({"area_unit": "sqft"}, "")

    previewed = client.post(f"{address}preview/")
    assert previewed.status_code == 200
    counts = previewed.json()["counts"]
    assert {name: counts[name] for name in ("read", "new", "errors", "warnings", "properties_new", "contacts_new")} == {
        "read": 3, "new": 2, "errors": 1, "warnings": 1, "properties_new": 2, "contacts_new": 2,
    }  # fmt: skip
    with organization_scope(manager.organization.pk):
        assert not Property.objects.exists()
        assert not Contact.objects.exists()
        assert not RowLink.objects.exists()

    assert client.post(f"{address}commit/").status_code == 202
    tasks.commit_import(organization_id=manager.organization.pk, run_id=run["id"])
    tasks.commit_import(organization_id=manager.organization.pk, run_id=run["id"])
    done = client.get(address).json()
    assert (done["status"], done["percent"], done["counts"]) == ("done", 100, counts)
    with organization_scope(manager.organization.pk):
        assert Property.objects.count() == RowLink.objects.count() == 2
        made = dict(ImportCreation.objects.values_list("target_type", "ids"))
        assert sorted(made["crm.property"]) == sorted(Property.objects.values_list("pk", flat=True))
        assert AuditEntry.objects.filter(action="sheets.import_committed").count() == 1

    errors = client.get(f"{address}errors/").json()["results"]
    assert sorted((each["row"], each["column"], each["severity"], each["code"]) for each in errors) == [
        (3, "MOBILE", "warning", "phone_invalid"),
        (4, "P-NUMBER", "error", "unit_has_no_key"),
    ]
    again = client.post(f"{address}commit/")
    assert (again.status_code, again.json()["code"]) == (409, "import_not_open")


def test_the_error_file_holds_the_wrong_rows_and_no_formulas(client: Client, manager: Actor, tmp_path: Path) -> None:
    assert manager.user
    rows = [*ROWS, {"PROJECT": "Vardon", "NAME": "+evil", "View": "@x", "Layout": "=1+1"}]
    run = upload(manager, xlsx(master(*rows)))
    services.request_preview(actor=manager, run=run, at=timezone.now())
    client.force_login(manager.user)

    answer = client.get(f"{IMPORTS}{run.pk}/error-file/?kind=csv")
    lines = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert [line["NAME"] for line in lines] == ["Ledaan Dahari", "Ruwais Tibi", "'+evil"]
    assert (lines[2]["View"], lines[2]["Layout"]) == ("'@x", "'=1+1")
    assert lines[0]["What is wrong"].startswith("MOBILE: This is not a valid number of AE")

    answer = client.get(f"{IMPORTS}{run.pk}/error-file/")
    (tmp_path / "wrong.xlsx").write_bytes(answer.getvalue())
    sheet = CalamineWorkbook.from_path(str(tmp_path / "wrong.xlsx")).get_sheet_by_index(0).to_python()
    assert [row[4] for row in sheet] == ["NAME", "Ledaan Dahari", "Ruwais Tibi", "'+evil"]


def test_the_mapping_is_remembered_for_the_next_file_with_that_header(manager: Actor) -> None:
    header = [["Listing", "Neighborhood", "Who", "price"], ["1", "Vardon", "Tareema", "5"]]
    run = upload(manager, comma_separated(header), "one.csv")
    assert run.mapping["columns"] == {"Listing": "", "Neighborhood": "project", "Who": "", "price": "asking_price"}
    document = {"columns": {"Listing": "p_number", "Who": "owner_name"}}
    services.change_mapping(actor=manager, run=run, document=document, at=timezone.now())

    again = upload(manager, comma_separated(header), "two.csv")

    assert again.spreadsheet == run.spreadsheet
    assert again.mapping["columns"]["Listing"] == "p_number"


def test_another_house_sees_nothing_of_it(client: Client, manager: Actor, outsider: Actor) -> None:
    assert outsider.user
    run = upload(manager, xlsx(master(*ROWS)))
    client.force_login(outsider.user)

    for method, path in [("get", ""), ("patch", ""), ("post", "preview/"), ("post", "commit/"), ("get", "error-file/")]:
        assert getattr(client, method)(f"{IMPORTS}{run.pk}/{path}").status_code == 404
        assert getattr(client, method)(f"/api/v1/cedar/imports/{run.pk}/{path}").status_code == 404
    with organization_scope(manager.organization.pk):
        assert ImportRun.objects.get().status == "draft"


def test_a_page_of_imports_costs_the_same_however_many(
    client: Client, manager: Actor, django_assert_num_queries: Any
) -> None:
    assert manager.user
    for _ in range(6):
        upload(manager, xlsx(master(*ROWS)))
    client.force_login(manager.user)
    client.get(IMPORTS)

    # 1 organisation, 2 scope in and out, 1 session, 1 user, 1 membership, 1 page of imports with their sheets
    with django_assert_num_queries(7):
        assert len(client.get(IMPORTS).json()["results"]) == 6


def test_a_killed_import_leaves_nothing_and_is_started_again(committed: str, tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    house = Organization.objects.create(slug="palm", name="Palm Brokers")
    rows = [{"P-NUMBER": n, "PROJECT": "Vardon", "NAME": f"Owner {n}", "MOBILE": f"05000{n:05}"} for n in range(15_000)]
    (tmp_path / "units.csv").write_bytes(comma_separated(master(*rows)))
    command = [sys.executable, "manage.py", "import_sheet", str(tmp_path / "units.csv"), "--organization", "palm"]
    env = os.environ | {
        "DATABASE_URL": url_of(committed),
        "DATABASE_OWNER_URL": url_of(committed, "owner"),
        "MEDIA_ROOT": str(tmp_path / "media"),
    }
    with organization_scope(house.pk):
        with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, start_new_session=True) as process:
            _wait(lambda: ImportRun.objects.filter(status="running").exists() or process.poll() is not None)
            time.sleep(0.7)  # in the middle of reading and staging
            os.killpg(process.pid, signal.SIGKILL)
        run = ImportRun.objects.get()
        assert run.status == "running"
        assert not Property.objects.exists()
        assert not Contact.objects.exists()

        now = timezone.now()
        assert services.sweep(organization=house, at=now) == 0
        later = now + timedelta(minutes=2)
        _wait(lambda: services.sweep(organization=house, at=later))
        assert ImportRun.objects.get().status == "queued"
        services.commit(organization=house, run_id=run.pk, at=later)

        run.refresh_from_db()
        assert (run.status, run.counts["new"], Property.objects.count()) == ("done", 14_999, 14_999)


def _wait(condition: Any, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
