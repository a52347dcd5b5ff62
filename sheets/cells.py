"""What a cell says, as text: typed values become what a person reads, placeholders become nothing."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

PLACEHOLDERS = frozenset(
    {"", "0", "0.0", "0.00", ".", "..", "-", "--", "—", "–", "_", "n/a", "N/A", "#N/A", "#REF!", "null"}
)


def text_of(value: object) -> str:
    """The text of a typed cell: 971501234567.0 is 971501234567, a date is ISO, spaces around do not count."""
    if isinstance(value, str):
        text = value.replace("\xa0", " ").strip()
        # What a CSV file keeps of a number cell.
        return text[:-2] if text[-2:] == ".0" and text[:-2].isdigit() else text
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date | time | timedelta):
        return str(value)
    return "" if value is None else str(value)


def is_nothing(text: str) -> bool:
    """Whether the text only stands for nothing."""
    return text in PLACEHOLDERS


def safe(text: str) -> str:
    """Text for a cell of a file that we write: a spreadsheet must not take it for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
