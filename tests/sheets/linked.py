"""A linked sheet in tests: the real client against the sandbox's Google, and another person at the same sheet."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.utils import timezone

from core.actors import Actor
from sheets.models import Conflict, GoogleAccount, ImportRun, Spreadsheet
from sheets.sync import conflicts, linking, performing, requests
from tests.sandbox.google import Google
from tests.sheets.imports import master

HEADER = ("P-NUMBER", "PROJECT", "NAME", "MOBILE", "Status", "Asking Price", "View")


def lines(*rows: dict[str, Any]) -> list[list[Any]]:
    return [["" if cell is None else cell for cell in line] for line in master(*rows, header=HEADER)]


class Office:
    """One organisation's linked sheet. `sync` syncs it as a worker would; `edit` is another person in the sheet."""

    def __init__(self, google: Google, actor: Actor) -> None:
        self.google = google
        self.actor = actor
        self.account: GoogleAccount = linking.add_account(actor=actor, key=json.dumps(google.key), at=timezone.now())
        self.document = ""
        self.sheet: Spreadsheet

    def link(self, rows: list[list[Any]], *, directions: dict[str, str] | None = None, **tab: Any) -> Spreadsheet:
        """A new document with these rows, shared with us, linked and started."""
        made = self.google.admin(
            "spreadsheets",
            {"title": "Inventory", "shared_with": {self.account.email: "writer"},
             "tabs": [{"title": "Sheet1", "rows": rows, **tab}]},
        )  # fmt: skip
        self.document = made["id"]
        at = timezone.now()
        self.sheet = linking.link_sheet(
            actor=self.actor, account=self.account, address=made["id"], tab_id=made["tabs"][0]["id"], at=at
        )
        if directions:
            linking.change_linked_sheet(actor=self.actor, spreadsheet=self.sheet, directions=directions, at=at)
        linking.pause_sheet(actor=self.actor, spreadsheet=self.sheet, is_paused=False, at=at)
        self.sheet.refresh_from_db()
        return self.sheet

    def sync(self, *, at: datetime | None = None, **how: Any) -> ImportRun:
        run = requests.request_sync(actor=self.actor, spreadsheet=self.sheet, at=timezone.now(), **how)
        assert run is not None
        performing.perform(organization=self.actor.organization, run_id=run.pk, at=at or timezone.now())
        run.refresh_from_db()
        self.sheet.refresh_from_db()
        return run

    def edit(self, *ops: dict[str, Any]) -> None:
        self.google.admin(f"spreadsheets/{self.document}/people", {"by": "reem@office.example", "ops": list(ops)})

    def set(self, **cells: Any) -> None:
        self.edit({"op": "set", "cells": cells, "raw": True})

    def fault(self, **fault: Any) -> None:
        self.google.admin("faults", fault)

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.google.admin(f"spreadsheets/{self.document}?values=raw")
        return found

    def cells(self) -> list[list[Any]]:
        """What a person sees: the columns that have a name, without our hidden one."""
        rows = self.state()["tabs"][0]["values"]
        width = next(index for index, cell in enumerate(rows[0]) if cell in {"", "majlis_id"})
        return [row[:width] for row in rows]

    def column(self, header: str) -> list[Any]:
        """The cells below a header, top down."""
        rows = self.state()["tabs"][0]["values"]
        index = rows[0].index(header)
        return [row[index] if index < len(row) else "" for row in rows[1:]]

    def resolve(self, resolution: str) -> None:
        conflicts.resolve_conflicts(
            actor=self.actor, conflicts=Conflict.objects.open(), resolution=resolution, at=timezone.now()
        )
        self.sync_asked()

    def sync_asked(self) -> None:
        """What somebody asked for at a door, done as a worker would."""
        for run in ImportRun.objects.filter(kind="google", status="queued"):
            performing.perform(organization=self.actor.organization, run_id=run.pk, at=timezone.now())
        self.sheet.refresh_from_db()
