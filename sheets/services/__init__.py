"""Everything that changes an import: from the upload to the commit, and back."""

from sheets.services.reversals import preview_reversal, request_reversal, revert, sweep_reversals
from sheets.services.runs import (
    LEASE,
    MOST_ATTEMPTS,
    PREVIEWED_AT_ONCE,
    cancel_import,
    commit,
    preview,
    request_commit,
    request_preview,
    sweep,
)
from sheets.services.uploads import change_mapping, change_reading, create_import

__all__ = [
    "LEASE",
    "MOST_ATTEMPTS",
    "PREVIEWED_AT_ONCE",
    "cancel_import",
    "change_mapping",
    "change_reading",
    "commit",
    "create_import",
    "preview",
    "preview_reversal",
    "request_commit",
    "request_preview",
    "request_reversal",
    "revert",
    "sweep",
    "sweep_reversals",
]
