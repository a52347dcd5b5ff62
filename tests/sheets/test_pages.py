"""A manager imports a sheet on the pages, without script: upload, mapping, preview, import, what was wrong, and back."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from core.actors import Actor
from core.tenancy import organization_scope
from crm.models import Property
from sheets import services
from sheets.models import ImportRun, RowError, RunStatus
from tests.sheets.imports import comma_separated, commit, master, upload, xlsx

IMPORTS = "/o/palm/imports/"
SHEET = [
    ["P-NUMBER", "NAME", "MOBILE", "Remark"],
    ["1001", "رنا عزيز 🏠", "0501234567", "x"],
    ["", "Nobody", "0501234568", "y"],
    ["1002", "Ledaan Dahari", "12", "z"],
]


@pytest.fixture
def desk(manager: Actor) -> Client:
    client = Client()
    client.force_login(manager.user)  # type: ignore[arg-type]
    return client


def shown(desk: Client, address: str, status: int = 200) -> str:
    answer = desk.get(address)
    assert answer.status_code == status
    return str(answer.content.decode())


def send(desk: Client, content: bytes, name: str = "units.csv") -> Any:
    return desk.post(f"{IMPORTS}new/", {"file": SimpleUploadedFile(name, content), "table": "crm.units"})


def chosen(run: ImportRun, **changes: str) -> dict[str, str]:
    """What the form of the mapping sends."""
    run.refresh_from_db()
    fields = {f"column-{n}": run.mapping["columns"][name] for n, name in enumerate(run.spreadsheet.header)}
    return fields | {"option-area_unit": "sqm"} | changes


def test_the_whole_way(desk: Client, manager: Actor) -> None:
    assert "No imports yet" in shown(desk, IMPORTS)
    sent = send(desk, comma_separated(SHEET))
    run = ImportRun.objects.get()
    page = f"{IMPORTS}{run.pk}/"
    assert (sent.status_code, sent["Location"]) == (302, page)

    mapping = shown(desk, page)
    assert "رنا عزيز 🏠" in mapping
    assert "Say which column names the project: every unit belongs to one." in mapping
    refused = desk.post(f"{page}mapping/", chosen(run, **{"column-3": "description", "preview": ""}))
    assert refused.status_code == 422
    assert '<option value="description" selected>' in refused.content.decode()

    sent = desk.post(
        f"{page}mapping/", chosen(run, **{"column-3": "description", "constant-project": "Vardon", "preview": ""})
    )
    assert sent.status_code == 302
    previewed = shown(desk, page)
    assert "This is what would happen" in previewed
    assert f'href="{page}rows/?severity=error"' in previewed
    with organization_scope(manager.organization.pk):
        assert not Property.objects.exists()

    desk.post(f"{page}commit/")
    waiting = shown(desk, page)
    assert "Waiting for a worker" in waiting
    assert f'hx-get="{page}progress/"' in waiting
    assert "Waiting for a worker" in shown(desk, f"{page}progress/")
    with organization_scope(manager.organization.pk):
        services.commit(organization=manager.organization, run_id=run.pk, at=timezone.now())
        assert sorted(Property.objects.values_list("p_number", "description")) == [("1001", "x"), ("1002", "z")]
    assert desk.get(f"{page}progress/")["HX-Refresh"] == "true"

    assert "Imported, in one piece" in shown(desk, page)
    rows = shown(desk, f"{page}rows/?severity=error")
    assert "Nothing tells this unit from others" in rows
    assert "phone invalid" not in rows
    assert "No row fits" in shown(desk, f"{page}rows/?q=nothing-like-it")
    assert "MOBILE" in shown(desk, f"{page}rows/?q=12&severity=warning")
    answer = desk.get(f"{page}error-file/?kind=csv")
    assert answer.getvalue().decode("utf-8-sig").splitlines()[0] == "P-NUMBER,NAME,MOBILE,Remark,What is wrong"

    back = shown(desk, f"{page}reversal/")
    assert "Will be taken away" in back
    desk.post(f"{page}reversal/")
    assert "A worker is taking it back" in shown(desk, f"{page}reversal/")
    with organization_scope(manager.organization.pk):
        services.revert(organization=manager.organization, run_id=run.pk, at=timezone.now())
        assert not Property.objects.live().exists()
    assert "Was taken away" in shown(desk, f"{page}reversal/")
    assert "This import was taken back." in shown(desk, page)
    assert "Taken back" in shown(desk, f"{IMPORTS}?status=reverted&q=units")
    assert "No import fits" in shown(desk, f"{IMPORTS}?q=other")


def test_what_is_no_sheet_is_refused_in_words_and_nothing_is_kept(desk: Client) -> None:
    answer = send(desk, b"\x89PNG\r\n\x1a\n" + b"\x00" * 64, "picture.xlsx")

    assert answer.status_code == 422
    assert "This file cannot be read as a spreadsheet" in answer.content.decode()
    assert not ImportRun.objects.exists()
    nothing = desk.post(f"{IMPORTS}new/", {"table": "crm.units"})
    assert (nothing.status_code, "This field is required" in nothing.content.decode()) == (422, True)


def test_the_form_is_protected_though_the_body_is_read_late(manager: Actor) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(manager.user)  # type: ignore[arg-type]

    assert send(client, comma_separated(SHEET)).status_code == 403
    assert not ImportRun.objects.exists()


def test_the_file_can_be_read_differently(desk: Client, manager: Actor) -> None:
    run = upload(manager, b"P-NUMBER,NOTE;PROJECT\n1,a;Vardon\n2,b;Vardon\n", "a.csv", delimiter=",")
    page = f"{IMPORTS}{run.pk}/"

    desk.post(f"{page}reading/", {"encoding": "utf-8", "delimiter": ";", "header_row": ""})
    run.refresh_from_db()
    assert (run.delimiter, run.mapping["columns"]["PROJECT"]) == (";", "project")
    followed = desk.post(f"{page}reading/", {"encoding": "utf-8", "delimiter": ";", "header_row": "99"}, follow=True)
    assert "Row 99 is empty or too far down" in followed.content.decode()
    assert desk.post(f"{page}reading/", {"encoding": "ebcdic", "delimiter": ";"}).status_code == 422


def test_a_waiting_import_is_stopped(desk: Client, manager: Actor) -> None:
    run = upload(manager, xlsx(master({"P-NUMBER": 1, "PROJECT": "Vardon"})))
    desk.post(f"{IMPORTS}{run.pk}/commit/")

    followed = desk.post(f"{IMPORTS}{run.pk}/stop/", follow=True).content.decode()

    run.refresh_from_db()
    assert (run.status, "Stopped: nothing of it was kept" in followed) == (RunStatus.CANCELLED, True)
    again = desk.post(f"{IMPORTS}{run.pk}/stop/", follow=True).content.decode()
    assert "there is nothing to stop" in again


def test_a_killed_worker_is_told(desk: Client, manager: Actor) -> None:
    run = upload(manager, xlsx(master({"P-NUMBER": 1, "PROJECT": "Vardon"})))
    ImportRun.objects.update(status="running", attempts=2)

    assert "The worker was lost and nothing of it stayed; this is attempt 2." in shown(desk, f"{IMPORTS}{run.pk}/")


def test_agents_and_outsiders(agent: Actor, outsider: Actor, manager: Actor) -> None:
    run = upload(manager, xlsx(master({"P-NUMBER": 1, "PROJECT": "Vardon"})))
    for actor, expected in ((agent, 403), (outsider, 404)):
        client = Client()
        client.force_login(actor.user)  # type: ignore[arg-type]
        for path in ("", "new/", f"{run.pk}/", f"{run.pk}/rows/", f"{run.pk}/error-file/", f"{run.pk}/reversal/"):
            assert client.get(f"{IMPORTS}{path}").status_code == expected, path
        for path in ("new/", f"{run.pk}/commit/", f"{run.pk}/stop/", f"{run.pk}/mapping/", f"{run.pk}/reversal/"):
            assert client.post(f"{IMPORTS}{path}").status_code == expected, path
    with organization_scope(manager.organization.pk):
        assert ImportRun.objects.get().status == RunStatus.DRAFT


def test_pages_cost_the_same_however_much_is_wrong(
    desk: Client, manager: Actor, django_assert_num_queries: Any
) -> None:
    run = commit(manager, upload(manager, xlsx(master({"P-NUMBER": 1, "PROJECT": "Vardon"}))))
    error = {"organization": manager.organization, "run": run, "severity": "error", "message": "why"}
    RowError.objects.bulk_create(RowError(row=n, code=f"code_{n % 7}", value=str(n), **error) for n in range(400))
    for _ in range(5):
        upload(manager, xlsx(master({"P-NUMBER": 1, "PROJECT": "Vardon"})))
    desk.get(IMPORTS)

    # 1 organisation, 2 scope in and out, 1 session, 1 user, 1 membership, 1 page of imports
    with django_assert_num_queries(7):
        assert desk.get(IMPORTS).content.count(b"units.xlsx") == 6
    # as above with 1 import; 1 count of reasons, 1 page of rows
    with django_assert_num_queries(9):
        page = desk.get(f"{IMPORTS}{run.pk}/rows/").content.decode()
    assert "code 3 (57)" in page
    assert page.count("wrong-row") == 50
