"""Sheets that we know, what each import of them did, and which row became which object."""

from sheets.models.links import RowLink
from sheets.models.runs import (
    OPEN_STATUSES,
    ImportChange,
    ImportCreation,
    ImportRun,
    RowError,
    RunStatus,
    Severity,
    Trigger,
)
from sheets.models.sources import Provider, Spreadsheet, SpreadsheetStatus

__all__ = [
    "OPEN_STATUSES",
    "ImportChange",
    "ImportCreation",
    "ImportRun",
    "Provider",
    "RowError",
    "RowLink",
    "RunStatus",
    "Severity",
    "Spreadsheet",
    "SpreadsheetStatus",
    "Trigger",
]
