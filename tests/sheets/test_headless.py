"""Tabs without a header, and sheets that do not say what is the same for all their rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from core.actors import Actor
from crm.models import Contact, Project, Property
from sheets import services
from sheets.errors import FieldMappedTwice, MappingUnknown
from tests.crm import factories
from tests.sheets.imports import comma_separated, commit, upload, xlsx

NAMES = ["Tareema Wadar", "Ledaan Dahari", "Ruwais Tibi", "Mahra Sonbol"]
DATA: list[list[Any]] = [
    [
        1000001.0 + n,
        "VARDON @ AKOYA",
        f"12{n}-",
        NAMES[n],
        971500000001.0 + n,
        f"o{n}@example.com",
        "Rented ",
        "1.2M CASH",
    ]
    for n in range(4)
]
GUESSED = ["p_number", "project", "plot_number", "owner_name", "mobile", "email", "status", "asking_price"]


@pytest.mark.parametrize("write", [xlsx, comma_separated])
def test_columns_without_names_are_offered_by_what_is_in_them(manager: Actor, write: Any) -> None:
    run = upload(manager, write(DATA), "campaign list")

    assert run.header_row == 0
    assert run.mapping["columns"] == {f"Column {n}": field for n, field in enumerate(GUESSED, start=1)}
    assert run.samples["columns"][3] == NAMES
    done = commit(manager, run)
    assert (done.counts["new"], Property.objects.count(), Contact.objects.count()) == (4, 4, 4)


def test_what_was_chosen_is_remembered_for_files_of_that_name_and_for_no_others(manager: Actor) -> None:
    run = upload(manager, comma_separated(DATA), "list.csv")
    services.change_mapping(
        actor=manager, run=run, document={"columns": {"Column 1": "", "Column 3": "p_number"}}, at=timezone.now()
    )

    again = upload(manager, comma_separated(DATA[:2]), "list.csv")
    other = upload(manager, comma_separated(DATA[:2]), "another.csv")

    assert (again.spreadsheet, again.mapping["columns"]["Column 3"]) == (run.spreadsheet, "p_number")
    assert other.spreadsheet != run.spreadsheet
    assert other.mapping["columns"]["Column 3"] == "plot_number"


def test_a_header_that_was_taken_for_data_or_data_for_a_header(manager: Actor) -> None:
    run = upload(manager, comma_separated([["P-NUMBER", "PROJECT"], ["1000001", "Vardon"]]), "a.csv")
    reading = {"tab": "", "encoding": "utf-8", "delimiter": ","}

    run = services.change_reading(actor=manager, run=run, at=timezone.now(), **reading, header_row=0)
    assert (run.header_row, run.spreadsheet.header) == (0, ["Column 1", "Column 2"])
    run = services.change_reading(actor=manager, run=run, at=timezone.now(), **reading, header_row=1)

    assert (run.header_row, run.mapping["columns"]["PROJECT"]) == (1, "project")


def test_a_lone_column_of_mobiles_says_what_it_lacks(manager: Actor) -> None:
    run = upload(manager, comma_separated([["MOBILE"], ["0501234567"]]), "mobiles.csv")

    assert run.mapping["columns"] == {"MOBILE": "mobile"}


NO_PROJECT = [["P-NUMBER", "NAME"], ["1", "Tareema Wadar"], ["2", "Ledaan Dahari"]]


def test_a_sheet_without_projects_goes_into_one(manager: Actor) -> None:
    project = factories.project(manager.organization, "Vardon", number=7)
    run = upload(manager, comma_separated(NO_PROJECT), "a.csv")

    document = {"constants": {"project": "VARDON", "status": "Vacant"}}
    run = services.change_mapping(actor=manager, run=run, document=document, at=timezone.now())
    done = commit(manager, run)

    assert done.counts["new"] == 2
    assert set(Property.objects.values_list("project", "status")) == {(project.pk, "vacant")}
    assert commit(manager, _again(manager, document)).counts["unchanged"] == 2


def _again(manager: Actor, document: dict[str, Any], name: str = "a.csv") -> Any:
    run = upload(manager, comma_separated(NO_PROJECT), name)
    return services.change_mapping(actor=manager, run=run, document=document, at=timezone.now())


def test_what_is_the_same_for_every_row_is_kept_for_that_file_only(manager: Actor) -> None:
    commit(manager, _again(manager, {"constants": {"project": "Vardon"}}))

    assert upload(manager, comma_separated(NO_PROJECT), "a.csv").mapping["constants"] == {"project": "Vardon"}
    assert upload(manager, comma_separated(NO_PROJECT), "b.csv").mapping["constants"] == {}


def test_the_same_cells_with_another_constant_are_other_rows(manager: Actor) -> None:
    commit(manager, _again(manager, {"constants": {"project": "Vardon", "status": "Vacant"}}))

    changed = commit(manager, _again(manager, {"constants": {"project": "Vardon", "status": "Rented"}}))

    assert (changed.counts["changed"], set(Property.objects.values_list("status", flat=True))) == (2, {"rented"})


def test_constants_are_checked(manager: Actor) -> None:
    run = upload(manager, comma_separated([["P-NUMBER", "PROJECT"], ["1", "Vardon"]]), "a.csv")

    def change(**constants: Any) -> None:
        services.change_mapping(actor=manager, run=run, document={"constants": constants}, at=timezone.now())

    with pytest.raises(FieldMappedTwice, match="Project comes from the column PROJECT and is the same for every row"):
        change(project="Vardon")
    with pytest.raises(MappingUnknown, match="'shoe_size' cannot be the same for every row"):
        change(shoe_size="42")
    with pytest.raises(MappingUnknown, match="up to 200 characters"):
        change(view="x" * 201)
    change(view=" ")
    run.refresh_from_db()
    assert run.mapping["constants"] == {}


def test_the_command_imports_into_a_project_by_its_number(manager: Actor, tmp_path: Path, capsys: Any) -> None:
    project = factories.project(manager.organization, "Vardon", number=7)
    (tmp_path / "a.csv").write_bytes(comma_separated([["P-NUMBER", "Cluster name"], ["1", "elsewhere"]]))
    file = [str(tmp_path / "a.csv"), "--organization", "palm"]

    call_command("import_sheet", *file, "--project", "7", "--dry-run", "--json")
    assert json.loads(capsys.readouterr().out)["counts"]["new"] == 1
    assert not Property.objects.exists()
    call_command("import_sheet", *file, "--project", "7")

    assert (Property.objects.get().project, Project.objects.count()) == (project, 1)
    with pytest.raises(CommandError, match="There is no project number 8"):
        call_command("import_sheet", *file, "--project", "8")
    (tmp_path / "m.json").write_text("{")
    with pytest.raises(CommandError, match="is not a mapping in JSON"):
        call_command("import_sheet", *file, "--mapping", str(tmp_path / "m.json"))


def test_over_the_api_there_may_be_no_header(client: Client, manager: Actor) -> None:
    run = upload(manager, comma_separated(DATA), "list.csv")
    client.force_login(manager.user)  # type: ignore[arg-type]

    answer = client.patch(f"/api/v1/palm/imports/{run.pk}/", {"header_row": 1}, content_type="application/json")
    assert (answer.status_code, answer.json()["header"][0]) == (200, "1000001")
    answer = client.patch(f"/api/v1/palm/imports/{run.pk}/", {"header_row": None}, content_type="application/json")
    assert (answer.status_code, answer.json()["header_row"]) == (200, 0)
