"""A manager links the office's Google sheet at a real browser, and decides what both sides changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.roles import Role
from crm import services
from crm.models import Property
from sheets.models import ImportRun, Spreadsheet
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_look import whole
from tests.live import wait_for
from tests.sandbox.google import Google
from tests.sheets.linked import Office as Linked
from tests.sheets.linked import lines

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

ROWS = lines(
    {"P-NUMBER": 1, "PROJECT": "Vardon", "NAME": "رنا عزيز", "MOBILE": "0500000001", "Status": "Rented"},
    {"P-NUMBER": 2, "PROJECT": "Vardon", "NAME": "Ledaan Dahari", "MOBILE": "0500000002", "Status": "Vacant"},
)


@pytest.fixture
def google(live):
    """Before the web server starts, so that it knows where Google is."""
    live.start_sandbox()
    stand_in = Google(live.sandbox_url)
    stand_in.admin("configure", {"quota": None})
    yield stand_in
    stand_in.close()


def test_a_sheet_is_linked_tried_out_started_and_a_conflict_decided(google, office, visitor, live, tmp_path):
    live.start_worker()
    key: Path = tmp_path / "key.json"
    key.write_text(json.dumps(google.key))
    made = google.admin(
        "spreadsheets",
        {"title": "Stock", "shared_with": {google.email: "writer"}, "tabs": [{"title": "Units", "rows": ROWS}]},
    )
    manager = visitor(viewport=PHONE)
    page = manager.sign_in(Role.MANAGER)

    manager.open("sheets/")
    page.click("text=Add an account")
    page.set_input_files("input[type=file]", key)
    page.click("text=Upload the key")
    page.click("text=Link a sheet")
    page.fill("#id_address", f"https://docs.google.com/spreadsheets/d/{made['id']}/edit#gid=0")
    page.click("text=Look into it")
    page.click("text=Link this tab")
    expect(page.locator("text=رنا عزيز")).to_be_visible()
    page.click("text=Save and see what would happen")
    expect(page.locator("text=This is what a sync would do now")).to_be_visible(timeout=30_000)
    page.click("text=Start syncing")
    page.click("text=Sync now")
    expect(page.locator("text=What this sync did")).to_be_visible()
    wait_for(lambda: ImportRun.objects.filter(status="done", is_dry_run=False).exists(), what="the first sync")
    assert Property.objects.filter(p_number__in=["1", "2"]).count() == 2

    sheet = Spreadsheet.objects.get()
    ops = [{"op": "set", "cells": {"E2": "Sold"}, "raw": True}]
    google.admin(f"spreadsheets/{made['id']}/people", {"by": "reem@office.example", "ops": ops})
    unit = Property.objects.get(p_number="1")
    services.update_property(actor=office.actor(Role.MANAGER), property=unit, status="available")
    manager.open(f"sheets/{sheet.pk}/")
    page.click("text=Sync now")
    wait_for(lambda: sheet.conflicts.exists(), what="the conflict")

    manager.open("conflicts/")
    expect(page.locator(".conflicts")).to_contain_text("Sold")
    page.locator(".conflicts").get_by_role("button", name="The sheet is right").focus()
    page.keyboard.press("Enter")
    expect(page.locator("text=1 cell is decided")).to_be_visible()

    wait_for(lambda: Property.objects.get(p_number="1").status == "sold", what="the decision to be carried out")
    assert manager.complaints == []


@pytest.mark.parametrize(("viewport", "language"), [(PHONE, "ar"), (DESK, "en")], ids=["phone-ar", "desk-en"])
def test_the_pages_of_sheets_are_whole(google, office, visitor, live, settings, viewport, language):
    settings.SHEETS_API_URL = live.sandbox_url
    linked, conflict = in_conflict(google, office)
    manager = visitor(viewport=viewport, locale=language)
    page = manager.sign_in(Role.MANAGER)
    manager.context.add_cookies([{"name": "django_language", "value": language, "url": office.base_url}])
    wrong = {}
    paths = ["", "accounts/", "new/", f"{linked.sheet.pk}/", f"{linked.sheet.pk}/mapping/"]
    runs = [f"sheets/{linked.sheet.pk}/syncs/{run.pk}/" for run in ImportRun.objects.order_by("pk")]
    for path in [*(f"sheets/{path}" for path in paths), *runs, "conflicts/", "conflicts/?box=settled"]:
        manager.open(path)
        found = whole(page, language)
        if found:
            wrong[path] = found

    assert wrong == {}
    assert manager.complaints == []
    assert conflict.resolution == ""


def in_conflict(google, office):
    """A linked sheet with a conflict, synced here."""
    linked = Linked(google, office.actor(Role.MANAGER))
    linked.link(ROWS)
    linked.sync()
    linked.set(E2="Sold", G3="Sea")
    services.update_property(actor=linked.actor, property=Property.objects.get(p_number="1"), status="available")
    linked.sync()
    return linked, linked.sheet.conflicts.get()
