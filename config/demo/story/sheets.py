"""The office goes on working in its Google sheet, and Majlis beside it: both ways, cell by cell."""

from __future__ import annotations

from string import ascii_uppercase
from typing import Any

from config.demo.doors import until
from config.demo.stage import Stage, holds, same
from crm.models import Property
from sheets.models import RowLink

ROWS, SEED = 200, 11
ACCOUNT = "office-sync@majlis-demo.iam.gserviceaccount.com"
ENDED = {"done", "previewed", "failed", "cancelled"}


def link_the_offices_sheet(stage: Stage) -> str:
    """The office's Google sheet is shared, linked, tried out, and synced"""
    mona, outside = stage.api("mona"), stage.sandbox
    key = outside.post("sheets/accounts", {"email": ACCOUNT})
    book = {"rows": ROWS, "seed": SEED, "layout": "master", "title": "Inventory"}
    made = outside.post("sheets/spreadsheets", {"title": "Palm Gate inventory", "workbook": book})
    stage.made["document"] = made["id"]
    account = mona.post("google-accounts/", {"key": key})["id"]
    look = f"google-accounts/{account}/document/"
    same(mona.get(look, status=409, address=made["url"])["code"], "sheet_not_shared", "a sheet that is not shared")
    _office(stage, {"op": "share", "email": ACCOUNT, "role": "writer"})
    found = mona.get(look, address=made["url"])
    tab = next(tab for tab in found["tabs"] if tab["title"] == "Inventory")
    given = {"account": account, "address": made["url"], "tab_id": tab["tab_id"], "interval": 60}
    sheet = mona.post("spreadsheets/", given)
    stage.made["sheet"] = sheet["id"]
    holds(sheet["is_paused"], "nothing is synced before somebody looked")

    before = Property.objects.count()
    tried = _synced(stage, dry_run=True)
    same(Property.objects.count(), before, "units after the dry run")
    done = _synced(stage)
    same(done["counts"]["new"], tried["counts"]["new"], "new rows of the sync, as the dry run said")
    again = _synced(stage)["counts"]
    same((again["new"], again["changed"], again["written"]), (0, 0, 0), "what a second sync does")
    holds("majlis_id" in _lines(stage)[0], "every row has an id in a hidden column")
    new = Property.objects.count() - before
    return (
        f"{done['counts']['read']} rows, {new} new units. To play the office: {stage.sandbox.url}/sheets/{made['id']}"
    )


def work_on_both_sides(stage: Stage) -> str:
    """A status changed in the sheet comes in, a price changed here goes out"""
    theirs, ours = _units(stage, 2)
    column = _letter(stage, "status")
    wanted = "Rented" if theirs.status != "rented" else "Vacant"
    _office(stage, {"op": "set", "cells": {f"{column}{_row(stage, theirs)}": wanted}, "raw": True})
    stage.api("mona").patch(f"properties/{ours.pk}/", {"asking_price": "1234567.00"})
    done = _synced(stage)
    theirs.refresh_from_db()
    same(theirs.status, wanted.lower(), "the unit whose status the office changed")
    price = _lines(stage)[_row(stage, ours) - 1][_column(stage, "asking_price")]
    holds("1234567" in str(price), f"the sheet has the new price (it says {price!r})")
    return f"{done['counts']['changed']} row changed here, {done['counts']['written']} cell written into the sheet"


def agree_after_a_conflict(stage: Stage) -> str:
    """Both sides change one cell: neither is lost, a person decides, the sheet follows"""
    mona = stage.api("mona")
    (unit,) = _units(stage, 1)
    row, column = _row(stage, unit), _letter(stage, "status")
    here, there = ("vacant", "Sold") if unit.status != "vacant" else ("rented", "Sold")
    _office(stage, {"op": "set", "cells": {f"{column}{row}": there}, "raw": True})
    mona.patch(f"properties/{unit.pk}/", {"status": here})
    _synced(stage)
    unit.refresh_from_db()
    same(unit.status, here, "the unit while nobody has decided")
    (conflict,) = mona.get("conflicts/", state="open")["results"]
    same((conflict["ours"], conflict["theirs"], conflict["row"]), (here.title(), there, row), "the conflict")
    mona.put(f"conflicts/{conflict['id']}/resolution/", {"resolution": "ours"})
    place = f"conflicts/{conflict['id']}/"
    until(lambda: mona.get(place)["settled_at"], "the decision to be carried out", seconds=60)
    same(_lines(stage)[row - 1][_column(stage, "status")], here.title(), "the cell in the sheet")
    mona.delete(f"spreadsheets/{stage.made['sheet']}/pause/", status=200)
    return f"row {row}: {here.title()} here, {there} there; Majlis was right, and the sheet says so. Synced every minute now"


def _office(stage: Stage, *ops: dict[str, Any]) -> None:
    """Somebody of the office, in the sheet."""
    stage.sandbox.post(f"sheets/spreadsheets/{stage.made['document']}/people", {"by": "reem@palm.example", "ops": ops})


def _synced(stage: Stage, **how: bool) -> dict[str, Any]:
    """One sync by a worker, from the request to the outcome."""
    mona = stage.api("mona")
    run = mona.post(f"spreadsheets/{stage.made['sheet']}/syncs/", how)["id"]

    def ended() -> dict[str, Any] | None:
        shown: dict[str, Any] = mona.get(f"imports/{run}/")
        return shown if shown["status"] in ENDED else None

    done: dict[str, Any] = until(ended, "the sync", seconds=90)
    holds(done["status"] in {"done", "previewed"}, f"the sync went well: {done['error']}")
    return done


def _lines(stage: Stage) -> list[list[Any]]:
    """The cells as they stand in the sheet."""
    document = stage.sandbox.get(f"sheets/spreadsheets/{stage.made['document']}", values="raw")
    tab = next(tab for tab in document["tabs"] if tab["title"] == "Inventory")
    lines: list[list[Any]] = tab["values"]
    return lines


def _column(stage: Stage, field: str) -> int:
    """Where the column stands that feeds this field, counted from 0."""
    mapped = stage.api("mona").get(f"spreadsheets/{stage.made['sheet']}/")["mapping"]["columns"]
    header = next(header for header, target in mapped.items() if target == field)
    return [str(name).strip() for name in _lines(stage)[0]].index(header.strip())


def _letter(stage: Stage, field: str) -> str:
    return ascii_uppercase[_column(stage, field)]


def _units(stage: Stage, count: int) -> list[Property]:
    """Units that one row of this sheet, and no other, speaks of."""
    links = RowLink.objects.filter(spreadsheet=stage.made["sheet"]).values_list("object_id", flat=True)
    alone = [each for each in dict.fromkeys(links) if list(links).count(each) == 1]
    return list(Property.objects.filter(pk__in=alone).order_by("-pk")[:count])


def _row(stage: Stage, unit: Property) -> int:
    row = RowLink.objects.get(spreadsheet=stage.made["sheet"], object_id=unit.pk).row
    holds(row, "the row's place is known")
    return row or 0
