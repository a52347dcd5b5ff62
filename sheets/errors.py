"""Every refusal of sheets. The message always says what to do next."""

from __future__ import annotations

from core.errors import Conflict, Invalid


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
