"""What the doors of sheets show. Each promises its queries."""

from sheets.selectors.conflicts import (
    BOXES,
    COUNTED,
    Asked,
    ConflictRow,
    Conflicts,
    conflict_list,
    conflicts_asked,
    conflicts_chosen,
    of_group,
)
from sheets.selectors.imports import AT_WORK, Imports, Rows, import_found, import_list, reversal_of, row_list
from sheets.selectors.linked import (
    Cells,
    Freshness,
    accounts,
    cell_list,
    freshness,
    linked_found,
    linked_list,
    sync_found,
    syncs_of,
)

__all__ = [
    "AT_WORK",
    "BOXES",
    "COUNTED",
    "Asked",
    "Cells",
    "ConflictRow",
    "Conflicts",
    "Freshness",
    "Imports",
    "Rows",
    "accounts",
    "cell_list",
    "conflict_list",
    "conflicts_asked",
    "conflicts_chosen",
    "freshness",
    "import_found",
    "import_list",
    "linked_found",
    "linked_list",
    "of_group",
    "reversal_of",
    "row_list",
    "sync_found",
    "syncs_of",
]
