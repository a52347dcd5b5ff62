"""The books in the back office: read-only rows, statements, closing a period, and what the nightly checks found."""

from ledger.admin import books, checks, periods

__all__ = ["books", "checks", "periods"]
