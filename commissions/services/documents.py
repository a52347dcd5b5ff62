"""Reports taken along as files. What leaves the house is in the trail, with the hash of the file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Model
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from commissions.errors import ReportFormatUnknown, ReportTooLong
from commissions.reports import Report
from commissions.reports.files import spreadsheet
from commissions.reports.pdf import MOST_ROWS, document
from core import audit
from core.actors import Actor
from core.roles import Capability

KINDS = {
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True, slots=True)
class File:
    name: str
    kind: str
    body: bytes


def take_report(
    *, actor: Actor, report: Report, target: Model, format: str, asked: Mapping[str, Any], at: datetime
) -> File:
    """A report as a file, in the language of the moment; `target` is what it is about, for the trail.

    `format` is pdf, csv or xlsx. The rows were narrowed to what the actor may see when the report was made. Raises
    ReportFormatUnknown, and ReportTooLong for a PDF of more than MOST_ROWS rows.
    """
    actor.require(Capability.COMMISSIONS_READ)
    if format not in KINDS:
        raise ReportFormatUnknown(f"Take it as one of: {', '.join(KINDS)}.", format=format)
    zone = ZoneInfo(actor.organization.time_zone)
    if format == "pdf":
        if len(report.rows) > MOST_ROWS:
            raise ReportTooLong(
                f"This report has {len(report.rows):,} rows and a PDF at most {MOST_ROWS}: choose a shorter period, or"
                " take it as .xlsx.",
                rows=len(report.rows),
            )
        by = actor.user.name if actor.user else "Majlis"
        when = date_format(at.astimezone(zone), "j M Y, H:i")
        body = document(report, actor.organization, _("Made on %(when)s by %(who)s") % {"when": when, "who": by})
    else:
        body = spreadsheet(report, format, zone)
    audit.record(
        actor=actor,
        action="commissions.report_taken",
        target=target,
        after={
            "report": report.name,
            "format": format,
            "asked": dict(asked),
            "rows": len(report.rows),
            "sha256": hashlib.sha256(body).hexdigest(),
        },
        at=at,
    )
    day = at.astimezone(zone).date()
    return File(f"{actor.organization.slug}-{report.name}-{day:%Y-%m-%d}.{format}", KINDS[format], body)
