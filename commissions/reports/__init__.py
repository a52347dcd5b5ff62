"""Reports as tables, and the files that people take them along in: .csv, .xlsx and .pdf, in the language asked for."""

from commissions.reports.sheets import Cell, Column, Kind, Report, link_of, plain

__all__ = ["Cell", "Column", "Kind", "Report", "link_of", "plain"]
