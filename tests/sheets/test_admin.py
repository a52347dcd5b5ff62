"""Staff import a sheet in the back office: upload, mapping, preview, import, and the rows to correct."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from core.actors import Actor
from crm.models import Property
from sheets import services
from sheets.models import ImportRun, RunStatus

ADD = "/o/palm/admin/sheets/importrun/add/"
SHEET = "P-NUMBER,PROJECT,NAME,MOBILE,Remark\n1001,Vardon,Rana Aziz,0501234567,x\n,Vardon,Nobody,0501234568,y\n"


@pytest.fixture
def desk(manager: Actor) -> Client:
    client = Client()
    client.force_login(manager.user)  # type: ignore[arg-type]
    return client


def upload(desk: Client, content: bytes, name: str = "units.csv") -> str:
    """Where the browser is sent after the upload, or the page that says why not."""
    answer = desk.post(ADD, {"file": SimpleUploadedFile(name, content), "table": "crm.units"})
    return answer.headers.get("Location", "") or answer.content.decode()


def test_a_sheet_is_uploaded_mapped_previewed_and_imported(desk: Client, manager: Actor) -> None:
    page = upload(desk, SHEET.encode())
    run = ImportRun.objects.get()
    assert page == f"/o/palm/admin/sheets/importrun/{run.pk}/change/"
    shown = desk.get(page).content.decode()
    assert "Remark" in shown
    assert "Nothing has been imported yet" in shown

    columns = {f"column-{index}": run.mapping["columns"][name] for index, name in enumerate(run.spreadsheet.header)}
    fields = columns | {"option-area_unit": "sqm"}
    desk.post(page, {**fields, "column-4": "description", "preview": ""})
    run.refresh_from_db()
    assert (run.status, run.counts["new"], run.counts["errors"]) == (RunStatus.PREVIEWED, 1, 1)
    assert run.mapping["columns"]["Remark"] == "description"
    assert not Property.objects.exists()
    assert "What is wrong" in desk.get(page).content.decode()

    desk.post(page, {**fields, "column-4": "description", "commit": ""})
    services.commit(organization=manager.organization, run_id=run.pk, at=timezone.now())
    assert Property.objects.get().description == "x"
    assert "Imported, in one piece" in desk.get(page).content.decode()
    assert desk.get(f"/o/palm/admin/sheets/importrun/{run.pk}/error-file/").getvalue()[:2] == b"PK"
    assert desk.get("/o/palm/admin/sheets/importrun/").status_code == 200
    assert desk.get(f"/o/palm/admin/sheets/rowerror/?run__id__exact={run.pk}").status_code == 200


def test_what_is_not_a_sheet_is_refused_on_the_page_and_nothing_is_kept(desk: Client) -> None:
    page = upload(desk, b"\x89PNG\r\n\x1a\n" + b"\x00" * 64, "picture.xlsx")

    assert "errornote" in page or "text-red" in page
    assert not ImportRun.objects.exists()


def test_agents_have_no_imports(agent: Actor) -> None:
    client = Client()
    client.force_login(agent.user)  # type: ignore[arg-type]

    assert client.get(ADD).status_code == 403
