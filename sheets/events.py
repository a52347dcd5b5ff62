"""What sheets announces."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SheetSynced:
    """One sync of a linked sheet ended: `status` is done, failed or cancelled."""

    organization_id: int
    spreadsheet_id: int
    run_id: int
    status: str
