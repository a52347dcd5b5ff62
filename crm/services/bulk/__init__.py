"""One change of many rows: chosen, previewed, confirmed once, run by the services' own rules, undone."""

from crm.services.bulk.actions import ACTIONS, actions_for
from crm.services.bulk.changes import (
    MOST,
    Foreseen,
    choose_rows,
    confirm_change,
    preview_change,
    run_change,
    sweep_changes,
    undo_change,
)

__all__ = [
    "ACTIONS",
    "MOST",
    "Foreseen",
    "actions_for",
    "choose_rows",
    "confirm_change",
    "preview_change",
    "run_change",
    "sweep_changes",
    "undo_change",
]
