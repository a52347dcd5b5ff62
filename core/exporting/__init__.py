"""Lists to take along as .csv or .xlsx: what an app declares, how cells are written, and the files."""

from core.exporting.lists import Column, Columns, Declared, declare, declared, named

__all__ = ["Column", "Columns", "Declared", "declare", "declared", "named"]
