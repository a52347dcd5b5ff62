"""Sheets that we know, what each import of them did, and which row became which object."""

from sheets.models.links import CellChange, Closing, Conflict, Resolution, RowLink, Side
from sheets.models.reversals import ImportReversal, ReversalKept, ReversalStatus
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
from sheets.models.sources import Direction, GoogleAccount, Provider, Spreadsheet, SpreadsheetStatus

__all__ = [
    "OPEN_STATUSES",
    "CellChange",
    "Closing",
    "Conflict",
    "Direction",
    "GoogleAccount",
    "ImportChange",
    "ImportCreation",
    "ImportReversal",
    "ImportRun",
    "Provider",
    "Resolution",
    "ReversalKept",
    "ReversalStatus",
    "RowError",
    "RowLink",
    "RunStatus",
    "Severity",
    "Side",
    "Spreadsheet",
    "SpreadsheetStatus",
    "Trigger",
]
