"""Every refusal of sheets. The message always says what to do next."""

from __future__ import annotations

from core.errors import Conflict, Invalid, Unavailable


class FileTooLarge(Invalid):
    code = "file_too_large"


class FileEmpty(Invalid):
    code = "file_empty"


class NotASpreadsheet(Invalid):
    code = "not_a_spreadsheet"


class WorkbookSuspicious(Invalid):
    """A small file that unpacks to an enormous one."""

    code = "workbook_unpacks_too_large"


class EncodingWrong(Invalid):
    code = "encoding_wrong"


class TabUnknown(Invalid):
    code = "tab_unknown"


class HeaderMissing(Invalid):
    code = "header_missing"


class NoRows(Invalid):
    code = "no_rows_below_header"


class TableUnknown(Invalid):
    code = "table_unknown"


class MappingEmpty(Invalid):
    code = "mapping_empty"


class MappingIncomplete(Invalid):
    code = "mapping_incomplete"


class MappingUnknown(Invalid):
    """The mapping names a column, field or option that is not there."""

    code = "mapping_unknown"


class FieldMappedTwice(Invalid):
    code = "field_mapped_twice"


class ImportNotOpen(Conflict):
    """The import is running or finished: it cannot be changed any more."""

    code = "import_not_open"


class ImportRunning(Conflict):
    code = "import_running"


class ImportStopped(Conflict):
    """Somebody stopped it: raised inside, so that its transaction is rolled back."""

    code = "import_stopped"


class ImportNotRunning(Conflict):
    code = "import_not_running"


class ImportNotRevertible(Conflict):
    """Not imported, or taken back already."""

    code = "import_not_revertible"


class FileGone(Conflict):
    code = "import_file_gone"


class AccountInvalid(Invalid):
    code = "google_account_invalid"


class CredentialsRevoked(Conflict):
    code = "google_credentials_revoked"


class SheetNotShared(Conflict):
    code = "sheet_not_shared"


class SheetGone(Conflict):
    code = "sheet_gone"


class TabGone(Conflict):
    code = "tab_gone"


class ColumnGone(Conflict):
    """A column that is mapped is not in the sheet any more; `details` names it."""

    code = "column_gone"


class RowsGone(Conflict):
    """So many rows disappeared at once that a person must say that this is right."""

    code = "too_many_rows_gone"


class SheetRestless(Unavailable):
    """Rows were moved each time we looked."""

    code = "sheet_restless"


class GoogleBusy(Unavailable):
    code = "google_busy"


class GoogleDown(Unavailable):
    code = "google_down"


class DocumentUnknown(Invalid):
    code = "document_unknown"


class AlreadyLinked(Conflict):
    code = "sheet_already_linked"


class NotLinked(Conflict):
    """Only linked sheets are synced."""

    code = "sheet_not_linked"


class SyncUnderWay(Conflict):
    code = "sync_under_way"


class AlreadyResolved(Conflict):
    code = "conflict_already_resolved"


class ConflictMoved(Conflict):
    """Somebody else decided, or a value changed, since it was looked at."""

    code = "conflict_moved"


class DirectionUnknown(Invalid):
    code = "direction_unknown"


class AccountInUse(Conflict):
    code = "google_account_in_use"


class DirectionFixed(Invalid):
    """Majlis cannot write what this column says."""

    code = "direction_fixed"
