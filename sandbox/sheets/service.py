"""The parts of the stand-in, put together once for each server."""

import secrets
import string
from collections.abc import Callable
from datetime import date
from typing import Any

from . import a1, values
from .accounts import Accounts
from .book import Change, Content, File
from .errors import GoogleError
from .faults import Faults
from .grid import COLUMNS, Tab
from .journal import Journal
from .quotas import Quotas

Json = dict[str, Any]

_ALPHABET = string.ascii_letters + string.digits + "-_"
OFFICE = "office@sandbox.example"


class Service:
    """One Google with its files, accounts, quotas and faults. `now` is the sandbox's clock."""

    def __init__(self, public_url: str, now: Callable[[], float]) -> None:
        self.public_url = public_url
        self.now = now
        self.files: dict[str, File] = {}
        self.accounts = Accounts(public_url)
        self.quotas = Quotas()
        self.faults = Faults()
        self.journal = Journal()

    def reset(self, *, everything: bool) -> None:
        """Forget faults, records and quotas; with `everything` also files and accounts."""
        self.faults.remove()
        self.journal.forget()
        self.quotas.forget()
        if everything:
            self.files.clear()
            self.accounts.forget()

    def create(
        self,
        title: str,
        *,
        owner: str = OFFICE,
        file_id: str = "",
        tabs: list[Json] | None = None,
        locale: str = "en_US",
        time_zone: str = "Asia/Dubai",
    ) -> File:
        """A new spreadsheet. Raises GoogleError or ValueError for one that cannot be."""
        content = Content(title, locale, time_zone)
        known = set()
        change = Change(content, None, "create")
        for index, each in enumerate(tabs or [{"title": "Sheet1"}]):
            sheet_id = int(each.get("id", 0 if index == 0 else 1_000_003 * index))
            tab_title = str(each.get("title") or f"Sheet{index + 1}")
            if tab_title.casefold() in known or content.tab(sheet_id) is not None:
                raise ValueError(f"two tabs with one title or id: {tab_title}")
            known.add(tab_title.casefold())
            rows = each.get("rows") or []
            width = max(map(len, rows), default=0)
            tab = Tab(
                sheet_id,
                tab_title,
                int(each.get("row_count") or max(1000, len(rows))),
                int(each.get("column_count") or max(26, width)),
            )
            content.tabs.append(tab)
            option = "USER_ENTERED" if each.get("typed", False) else "RAW"
            lines = [[_initial(cell) for cell in row] for row in rows]
            tab.row_count, tab.column_count = max(tab.row_count, len(rows)), max(tab.column_count, width)
            values.fill(change, tab, 0, 0, lines, option)
            for name in each.get("hidden_columns") or []:
                tab.hidden[COLUMNS].add(a1.column_index(name) if isinstance(name, str) else int(name))
        content.check_size()
        file = File(file_id or "".join(secrets.choice(_ALPHABET) for _ in range(44)), content, self.now(), owner)
        self.files[file.id] = file
        return file

    def file(self, file_id: str) -> File:
        """A file that is there, or 404."""
        found = self.files.get(file_id)
        if found is None or found.deleted:
            raise GoogleError(404)
        return found


def _initial(value: object) -> object:
    """A value of a first filling: dates from a workbook stay text, as the office typed them."""
    return "" if value is None else value.strftime("%d/%m/%Y") if isinstance(value, date) else value
