"""Sheets in the back office: imports, linked Google sheets, and the cells on which both sides disagree."""

from sheets.admin import imports, linked

__all__ = ["imports", "linked"]
