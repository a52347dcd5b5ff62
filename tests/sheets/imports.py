"""Importing in tests: a file goes in by the services, as the doors do it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import xlsxwriter
from django.core.files.base import ContentFile
from django.utils import timezone

from core.actors import Actor
from sheets import services
from sheets.models import ImportRun

MASTER = (
    "P-NUMBER", "AREA", "PROJECT", "PLOT NUMBER", "NAME ", "PHONE", "EMAIL", "MOBILE", "SECONDARY MOBILE", "View",
    "Building", "Unit Number", "Layout", "Status", "Asking Price", "SD", "Plot No", "Registration", "Floor", "Rooms",
    "Actual Area", "Municipality no ", "OTP ( Dubai REST )", "Date of Birth", "DEWA Premise Number", "Mastre project ",
)  # fmt: skip


def master(*rows: dict[str, Any], header: tuple[str, ...] = MASTER) -> list[list[Any]]:
    """Lines of a sheet in the master layout; rows name only what they fill."""
    return [list(header), *[[row.get(name.strip(), row.get(name)) for name in header] for row in rows]]


def xlsx(lines: list[list[Any]], tab: str = "Sheet1") -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(tab)
    for number, line in enumerate(lines):
        sheet.write_row(number, 0, line)
    book.close()
    return buffer.getvalue()


def comma_separated(lines: list[list[Any]], encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(lines)
    return text.getvalue().encode(encoding)


def upload(actor: Actor, content: bytes | Path, name: str = "units.xlsx", **reading: str) -> ImportRun:
    body = content.read_bytes() if isinstance(content, Path) else content
    return services.create_import(actor=actor, file=ContentFile(body), name=name, at=timezone.now(), **reading)


def commit(actor: Actor, run: ImportRun) -> ImportRun:
    services.request_commit(actor=actor, run=run, at=timezone.now())
    services.commit(organization=actor.organization, run_id=run.pk, at=timezone.now())
    run.refresh_from_db()
    return run


def bring(actor: Actor, *rows: dict[str, Any], mapping: dict[str, Any] | None = None) -> ImportRun:
    """Upload rows in the master layout as a workbook, and commit them."""
    run = upload(actor, xlsx(master(*rows)))
    if mapping:
        run = services.change_mapping(actor=actor, run=run, document=mapping, at=timezone.now())
    return commit(actor, run)
