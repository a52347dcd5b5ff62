"""What cannot be imported is refused at the door with a code and a sentence, and nothing of it is kept."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core.actors import Actor
from core.tenancy import organization_scope
from crm.models import Project, Property
from sheets import files
from sheets.models import ImportRun, Spreadsheet
from tests.sheets.imports import comma_separated, master, upload, xlsx

IMPORTS = "/api/v1/palm/imports/"


def archive(**entries: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in entries.items():
            packed.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return buffer.getvalue()


def post(client: Client, actor: Actor, content: bytes, name: str = "units.xlsx") -> Any:
    assert actor.user
    client.force_login(actor.user)
    return client.post(IMPORTS, {"file": SimpleUploadedFile(name, content)})


BAD = {
    "nothing in it": (b"", "file_empty"),
    "blank lines": (b"\r\n \r\n", "file_empty"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "not_a_spreadsheet"),
    "a document": (b"%PDF-1.7\nhello\n", "not_a_spreadsheet"),
    "a page": (b"<html><table><tr><td>P-NUMBER</td></tr></table></html>", "not_a_spreadsheet"),
    "an archive of something else": (archive(word__document_xml=b"<w/>"), "not_a_spreadsheet"),
    "half a workbook": (xlsx(master({"P-NUMBER": 1}))[:900], "not_a_spreadsheet"),
    "a workbook with a broken middle": (archive(xl__workbook_xml=b"<workbook"), "not_a_spreadsheet"),
    "an empty workbook": (xlsx([]), "file_empty"),
    "words in columns that tell nothing": (xlsx([["hello", "there"], ["dear", "you"]] * 9), "header_missing"),
    "a letter": (b"Dear Mona,\nhere are the units.\nRegards\n", "header_missing"),
    "a header and nothing else": (xlsx(master()), "no_rows_below_header"),
    "a bomb": (archive(xl__workbook_xml=b"<w/>", xl__worksheets__sheet1_xml=b" " * 40_000_000), "workbook_unpacks_too_large"),
}  # fmt: skip


@pytest.fixture(params=["at once", "elsewhere"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Workbooks are read at once; large ones, which is here all, in a process of their own."""
    if request.param == "elsewhere":
        monkeypatch.setattr(files, "LARGE_WORKBOOK", 0)
    return str(request.param)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("name", BAD)
def test_is_refused(client: Client, manager: Actor, kept_files: Path, name: str) -> None:
    content, code = BAD[name]

    answer = post(client, manager, content)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, code), problem
    assert answer["Content-Type"] == "application/problem+json"
    assert problem["detail"].endswith(".")
    assert len(problem["detail"]) > 30
    with organization_scope(manager.organization.pk):
        assert not ImportRun.objects.exists()
        assert not Spreadsheet.objects.exists()
    assert [path for path in kept_files.rglob("*") if path.is_file()] == []


def test_60_megabytes_are_refused(client: Client, manager: Actor, kept_files: Path) -> None:
    answer = post(client, manager, b"P-NUMBER,PROJECT\n" + b"1,Vardon\n" * (60 * 1024 * 1024 // 9), "units.csv")

    assert (answer.status_code, answer.json()["code"]) == (422, "file_too_large")
    assert "60 MB; up to 50 MB" in answer.json()["detail"]
    assert [path for path in kept_files.rglob("*") if path.is_file()] == []
    assert files.LARGEST == 50 * 1024 * 1024


@pytest.mark.parametrize(
    ("mapping", "code"),
    [
        ({"columns": dict.fromkeys(["P-NUMBER", "PROJECT", "NAME"], "")}, "mapping_empty"),
        ({"columns": {"PROJECT": ""}}, "mapping_incomplete"),
        ({"columns": {"P-NUMBER": ""}}, "mapping_incomplete"),
        ({"columns": {"PRICE": "asking_price"}}, "mapping_unknown"),
        ({"columns": {"NAME": "shoe_size"}}, "mapping_unknown"),
        ({"columns": {"NAME": "project"}}, "field_mapped_twice"),
        ({"options": {"area_unit": "acres"}}, "mapping_unknown"),
        ({"columns": ["p_number"]}, "mapping_unknown"),
    ],
)
def test_a_mapping_that_leads_nowhere_changes_nothing(
    client: Client, manager: Actor, mapping: dict[str, Any], code: str
) -> None:
    assert manager.user
    run = upload(manager, xlsx([["P-NUMBER", "PROJECT", "NAME "], [1, "Vardon", "Tareema"]]))
    client.force_login(manager.user)

    answer = client.patch(f"{IMPORTS}{run.pk}/", {"mapping": mapping}, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.json()
    with organization_scope(manager.organization.pk):
        assert ImportRun.objects.get().mapping == run.mapping
        assert not Spreadsheet.objects.get().mapping


def test_rows_that_make_no_sense_are_errors_of_rows_not_of_the_file(manager: Actor) -> None:
    from tests.sheets.imports import commit

    lines = [["P-NUMBER", "PROJECT", "Asking Price", "Rooms"],
             ["x" * 41, "Vardon", "1", ""],
             ["1", "", "1", "2"],
             ["2", "Vardon", "-5", "many"],
             ["3", "Vardon", "9" * 30, "2 B/R"],
             ["4", "Vardon", "1M", "1"]]  # fmt: skip
    run = commit(manager, upload(manager, comma_separated(lines), "a.csv"))

    assert run.status == "done", run.error
    assert sorted(run.errors.values_list("row", "severity", "code")) == [
        (2, "error", "value_too_long"),
        (3, "error", "project_missing"),
        (4, "warning", "price_unread"),
        (5, "warning", "price_unread"),
    ]
    assert (Property.objects.count(), Project.objects.count()) == (3, 1)


def test_agents_and_strangers_do_not_import(client: Client, agent: Actor, outsider: Actor) -> None:
    content = xlsx(master({"P-NUMBER": 1, "PROJECT": "Vardon"}))

    assert client.post(IMPORTS, {"file": SimpleUploadedFile("a.xlsx", content)}).status_code == 401
    assert post(client, outsider, content).status_code == 404
    refused = post(client, agent, content)
    assert (refused.status_code, refused.json()["code"]) == (403, "capability_missing")
    with organization_scope(agent.organization.pk):
        assert not ImportRun.objects.exists()
