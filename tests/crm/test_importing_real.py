"""Whole files: the dirty book of 10,654 rows, and 1,905 real listings in a layout of their own."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from core.actors import Actor
from crm.models import Contact, ContactPoint, Ownership, Project, Property
from sheets import services
from sheets.models import ImportRun
from tests.sheets.imports import commit, upload

ROOT = Path(__file__).resolve().parents[2]
LISTINGS = ROOT.parent / "shared" / "data" / "dubai_listings.csv"
AMENITIES = (
    "maid_room", "balcony", "barbecue_area", "built_in_wardrobes", "central_ac", "children_play_area", "children_pool",
    "covered_parking", "pets_allowed", "private_gym", "private_pool", "security", "shared_gym", "study", "view_of_water",
    "unfurnished",
)  # fmt: skip


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The generated workbook with what is true of it."""
    folder = tmp_path_factory.mktemp("book")
    arguments = ["-m", "sandbox.workbook", "--out", folder / "book.xlsx", "--truth", folder / "truth.json"]
    arguments += ["--phones", folder / "phones.csv"]
    subprocess.run([sys.executable, *map(str, arguments)], cwd=ROOT, check=True, timeout=120)
    truth = json.loads((folder / "truth.json").read_text())
    with (folder / "phones.csv").open(encoding="utf-8", newline="") as file:
        truth["phone_cells"] = list(csv.DictReader(file))
    return folder / "book.xlsx", truth


@pytest.mark.slow
def test_the_dirty_book_comes_in_whole_and_again_without_change(
    manager: Actor, book: tuple[Path, dict[str, Any]]
) -> None:
    path, truth = book
    run = upload(manager, path, "Inventory.xlsx")
    assert (run.header_row, run.tab, run.mapping["columns"]["NAME"]) == (1, "Sheet1", "owner_name")
    services.request_preview(actor=manager, run=run, at=timezone.now())
    run.refresh_from_db()
    previewed = run.counts
    assert (run.status, Property.objects.count(), Contact.objects.count()) == ("previewed", 0, 0)

    run = commit(manager, run)

    assert run.counts == previewed
    assert run.counts["read"] == truth["rows"] == 10_654
    assert run.counts["skipped"] == truth["exact_duplicate_rows"]
    assert run.counts["new"] + run.counts["skipped"] + run.counts["errors"] == truth["rows"]
    assert Property.objects.exclude(p_number="").count() == truth["properties"]["by_p_number"]
    co_owned = [unit.owners for unit in _with_owners() if unit.owners > 1 and unit.p_number]
    assert len(co_owned) == truth["properties"]["co_owned"]
    assert Project.objects.count() == len(truth["projects"])
    refused = set(run.errors.filter(severity="error").values_list("row", flat=True))
    for line in ("mobile", "fixed"):
        found = ContactPoint.objects.filter(kind="phone", line_type=line, status="valid")
        assert set(found.values_list("value", flat=True)) == _numbers(truth, line, refused | skipped(run))
    doubted = set(run.errors.filter(code__startswith="phone_").values_list("row", "column"))
    assert doubted == {
        (int(cell["row"]), cell["column"])
        for cell in truth["phone_cells"]
        if cell["line"] in {"invalid", "review"} and int(cell["row"]) not in refused | skipped(run)
    }
    names = Contact.objects.exclude(normalized_name="").values("normalized_name").distinct().count()
    assert names <= truth["names"]["distinct"] <= Contact.objects.exclude(normalized_name="").count()
    priced = Property.objects.filter(asking_price_minor__isnull=False).count()
    assert priced == len({price["row"] for price in truth["asking_prices"] if price["amount"]})

    contacts, points, ownerships = Contact.objects.count(), ContactPoint.objects.count(), Ownership.objects.count()
    again = commit(manager, upload(manager, path, "Inventory.xlsx"))
    assert (again.counts["new"], again.counts["changed"]) == (0, 0)
    assert again.counts["unchanged"] == run.counts["new"]
    assert (Contact.objects.count(), ContactPoint.objects.count(), Ownership.objects.count()) == (
        contacts, points, ownerships,
    )  # fmt: skip


def skipped(run: ImportRun) -> set[int]:
    return set(run.errors.filter(severity="skipped").values_list("row", flat=True))


def _numbers(truth: dict[str, Any], line: str, refused: set[int]) -> set[str]:
    cells = [cell for cell in truth["phone_cells"] if cell["line"] == line and int(cell["row"]) not in refused]
    return {number for cell in cells for number in cell["expected"].split(";")}


def _with_owners() -> Any:
    from django.db.models import Count

    return Property.objects.annotate(owners=Count("ownerships"))


@pytest.mark.skipif(not LISTINGS.exists(), reason="the shared data folder is not beside this checkout")
def test_1905_real_listings_come_in_by_their_own_mapping_and_again_without_change(manager: Actor) -> None:
    run = upload(manager, LISTINGS, "dubai_listings.csv")
    assert (run.kind, run.delimiter, run.encoding) == ("csv", ",", "utf-8")
    columns = {"id": "p_number", "neighborhood": "project", "price": "asking_price", "size_in_sqft": "area_size"}
    columns |= {"no_of_bedrooms": "bedrooms", "no_of_bathrooms": "bathrooms", "quality": "extra", "price_per_sqft": ""}
    columns |= dict.fromkeys(AMENITIES, "amenities")
    assert {name: run.mapping["columns"][name] for name in ("id", "neighborhood", "price", "size_in_sqft")} == {
        name: columns[name] for name in ("id", "neighborhood", "price", "size_in_sqft")
    }
    document = {"columns": columns, "options": {"area_unit": "sqft"}}
    run = services.change_mapping(actor=manager, run=run, document=document, at=timezone.now())

    run = commit(manager, run)

    assert run.counts["errors"] == run.counts["warnings"] == run.counts["skipped"] == 0
    assert Property.objects.count() == run.counts["new"] == run.counts["properties_new"] == 1905
    unit = Property.objects.select_related("project").get(p_number="5528049")
    assert (unit.project.name, unit.asking_price_minor, str(unit.area_sqm), unit.bedrooms, unit.bathrooms) == (
        "Palm Jumeirah", 270_000_000, "100.24", 1, 2,
    )  # fmt: skip
    assert (str(unit.latitude), str(unit.longitude), unit.extra) == ("25.113208", "55.138932", {"quality": "Medium"})
    with LISTINGS.open(encoding="utf-8", newline="") as file:
        first = next(csv.DictReader(file))
    assert unit.amenities == [
        name.replace("_", " ").capitalize() for name in first if name in AMENITIES and first[name] == "1"
    ]
    assert not Contact.objects.exists()

    again = upload(manager, LISTINGS, "dubai_listings.csv")
    assert again.mapping == run.mapping
    again = commit(manager, again)
    assert (again.counts["new"], again.counts["changed"], again.counts["unchanged"]) == (0, 0, 1905)
    assert Property.objects.count() == 1905
