"""Google Sheets, in our words: gspread with a service account, a limit on every wait, and patience with quotas.

The real client is always the one that runs; in demo and tests SHEETS_API_URL points it at the sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
import requests
import stamina
from django.conf import settings
from google.auth.exceptions import GoogleAuthError, RefreshError
from google.auth.transport.requests import AuthorizedSession
from google.oauth2.service_account import Credentials
from gspread.exceptions import APIError
from gspread.http_client import HTTPClient
from gspread.urls import SPREADSHEET_VALUES_BATCH_URL
from gspread.utils import absolute_range_name, rowcol_to_a1

from sheets.errors import AccountInvalid, CredentialsRevoked, GoogleBusy, GoogleDown, SheetGone, SheetNotShared, TabGone

SCOPES = ["https://www.googleapis.com/auth/spreadsheets"]
TOKEN_ADDRESS = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
HOSTS = ("https://sheets.googleapis.com", "https://www.googleapis.com")
ID_HEADER = "majlis_id"
TIMEOUT = (5.0, 60.0)  # to connect, to answer; seconds
TRIES = 6
PATIENCE = 150.0  # seconds: quotas are counted by the minute
SOMEBODY_WAITS = 15.0  # seconds, where a page is being waited for
BUSY = frozenset({429, 500, 502, 503, 504})
# The API advises 2 MB a call; a cell of ours is some forty bytes with its range.
CELLS_A_CALL = 10_000


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab: Google's number for it outlives renaming. `rows` and `columns` are the size of its grid."""

    tab_id: int
    title: str
    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    tabs: tuple[Tab, ...]

    def tab(self, tab_id: int | None) -> Tab:
        """Raises TabGone."""
        for tab in self.tabs:
            if tab.tab_id == tab_id:
                return tab
        names = ", ".join(tab.title for tab in self.tabs)
        raise TabGone(f"The tab that was linked is not in the document any more; it has: {names}.", tabs=names)


@dataclass(frozen=True, slots=True)
class Cell:
    """What to put where. Rows and columns are counted from 1."""

    row: int
    column: int
    value: str | int | float


class GoogleSheets:
    """The documents that one service account may open. Every method may raise what `_told` names."""

    def __init__(self, key: str, *, patience: float = PATIENCE) -> None:
        """`key` is the JSON key file, `patience` how many seconds one request may take with all its tries.

        Raises AccountInvalid.
        """
        credentials = _credentials(key, settings.SHEETS_API_URL)
        self.email = str(credentials.service_account_email)
        self._client = _Client(None, AuthorizedSession(credentials, refresh_timeout=15))  # type: ignore[arg-type, no-untyped-call]
        self._client.set_timeout((TIMEOUT[0], min(TIMEOUT[1], patience)))
        self._patience = patience

    def document(self, document_id: str) -> Document:
        fields = "properties.title,sheets.properties(sheetId,title,sheetType,gridProperties(rowCount,columnCount))"
        found = self._ask(lambda: self._client.fetch_sheet_metadata(quote(document_id), params={"fields": fields}))
        tabs = []
        for sheet in found.get("sheets", []):
            properties = sheet["properties"]
            grid = properties.get("gridProperties", {})
            if properties.get("sheetType", "GRID") == "GRID":
                size = grid.get("rowCount", 0), grid.get("columnCount", 0)
                tabs.append(Tab(int(properties.get("sheetId", 0)), properties["title"], *size))
        return Document(found.get("properties", {}).get("title", ""), tuple(tabs))

    def rows(self, document_id: str, tab: Tab, first: int, last: int) -> list[list[Any]]:
        """The cells of these rows as typed values: a formula is its value, a date is text. Empty ends are left out."""
        return self.parsed(self.page(document_id, tab, first, last))

    def page(self, document_id: str, tab: Tab, first: int, last: int) -> bytes:
        """What `rows` parses, as Google sent it: the same cells are the same bytes. Empty where there are no cells."""
        last = min(last, tab.rows)
        if first > last or not tab.columns:
            return b""
        return self._ask(lambda: self._batch(document_id, tab, [f"A{first}:{rowcol_to_a1(last, tab.columns)}"]))  # type: ignore[no-any-return]

    def parsed(self, page: bytes) -> list[list[Any]]:
        """Raises GoogleDown when this is no answer of the API."""
        try:
            return list(orjson.loads(page)["valueRanges"][0].get("values", [])) if page else []
        except (ValueError, KeyError, IndexError) as error:
            raise self._told(error) from error

    def column(self, document_id: str, tab: Tab, column: int, first: int) -> list[Any]:
        """One column from a row on, downwards."""
        return self.columns(document_id, tab, [column], first)[0]

    def columns(
        self, document_id: str, tab: Tab, columns: Sequence[int], first: int, *, as_entered: bool = False
    ) -> list[list[Any]]:
        """Several columns from a row on, read in one request. `as_entered` shows formulas instead of their values."""
        if first > tab.rows:
            return [[] for _ in columns]
        areas = [f"{rowcol_to_a1(first, each)}:{rowcol_to_a1(tab.rows, each)}" for each in columns]
        found = self._ranges(document_id, tab, areas, "FORMULA" if as_entered else "UNFORMATTED_VALUE")
        return [[row[0] if row else "" for row in rows] for rows in found]

    def write(self, document_id: str, tab: Tab, cells: Iterable[Cell]) -> None:
        """Put values into cells, as they are: nothing is ever taken for a formula. Writing twice is harmless."""
        data = [{"range": absolute_range_name(tab.title, area), "values": values} for area, values in _runs(cells)]
        for start in range(0, len(data), CELLS_A_CALL):
            body = {"valueInputOption": "RAW", "data": data[start : start + CELLS_A_CALL]}
            self._ask(lambda body=body: self._client.values_batch_update(quote(document_id), body))  # type: ignore[misc]

    def append(self, document_id: str, tab: Tab, rows: Sequence[Mapping[int, str | int | float]]) -> None:
        """Put rows (column from 1 -> value) below the last one that says anything, all in one call; nothing is ever taken
        for a formula. Who does it twice has the rows twice: an answer that is lost is not asked for again."""
        width = max((max(row, default=0) for row in rows), default=0)
        lines = [{"values": [_entered(row.get(column, "")) for column in range(1, width + 1)]} for row in rows]
        body = {"requests": [{"appendCells": {"sheetId": tab.tab_id, "rows": lines, "fields": "userEnteredValue"}}]}
        self._ask(lambda: self._client.batch_update(quote(document_id), body), repeatable=False)

    def add_id_column(self, document_id: str, tab: Tab, *, column: int, header_row: int) -> Tab:
        """Make a hidden column for row ids, headed ID_HEADER and marked by developer metadata. Returns the tab grown."""
        place = {
            "sheetId": tab.tab_id, "dimension": "COLUMNS", "startIndex": column - 1, "endIndex": column,
        }  # fmt: skip
        grow = {"appendDimension": {"sheetId": tab.tab_id, "dimension": "COLUMNS", "length": column - tab.columns}}
        hide = {"range": place, "properties": {"hiddenByUser": True}, "fields": "hiddenByUser"}
        mark = {
            "developerMetadata": {
                "metadataKey": ID_HEADER,
                "location": {"dimensionRange": place},
                "visibility": "DOCUMENT",
            }
        }
        requests_ = [{"updateDimensionProperties": hide}, {"createDeveloperMetadata": mark}]
        if column > tab.columns:
            requests_.insert(0, grow)
        tab = Tab(tab.tab_id, tab.title, tab.rows, max(tab.columns, column))
        self._ask(lambda: self._client.batch_update(quote(document_id), {"requests": requests_}), repeatable=False)
        self.write(document_id, tab, [Cell(header_row, column, ID_HEADER)])
        return tab

    def marked_column(self, document_id: str, tab_id: int) -> int | None:
        """The column that add_id_column marked, wherever it stands and whatever its header says now; counted from 1."""
        body = {"dataFilters": [{"developerMetadataLookup": {"metadataKey": ID_HEADER}}]}
        address = f"{HOSTS[0]}/v4/spreadsheets/{quote(document_id)}/developerMetadata:search"
        found = self._ask(lambda: self._client.request("post", address, json=body).json())
        for match in found.get("matchedDeveloperMetadata", []):
            place = match["developerMetadata"].get("location", {}).get("dimensionRange", {})
            if place.get("sheetId", 0) == tab_id and place.get("dimension") == "COLUMNS":
                return int(place.get("startIndex", 0)) + 1
        return None

    def remove_id_column(self, document_id: str, tab: Tab, header_row: int) -> None:
        """Take the column of row ids out of the sheet, found by its mark or its header. Nothing when it is not there."""
        column = self.marked_column(document_id, tab.tab_id)
        if column is None:
            rows = self.rows(document_id, tab, header_row, header_row)
            names = [str(cell).strip() for cell in rows[0]] if rows else []
            if ID_HEADER not in names:
                return
            column = names.index(ID_HEADER) + 1
        place = {"sheetId": tab.tab_id, "dimension": "COLUMNS", "startIndex": column - 1, "endIndex": column}
        body = {"requests": [{"deleteDimension": {"range": place}}]}
        self._ask(lambda: self._client.batch_update(quote(document_id), body), repeatable=False)

    def _ranges(
        self, document_id: str, tab: Tab, areas: list[str], render: str = "UNFORMATTED_VALUE"
    ) -> list[list[list[Any]]]:
        found = self._ask(lambda: orjson.loads(self._batch(document_id, tab, areas, render)))
        return [each.get("values", []) for each in found["valueRanges"]]

    def _batch(self, document_id: str, tab: Tab, areas: list[str], render: str = "UNFORMATTED_VALUE") -> bytes:
        """gspread would parse the answer; who only wants to know whether it is the same as before need not."""
        how: Any = {"valueRenderOption": render, "dateTimeRenderOption": "FORMATTED_STRING"}
        how["ranges"] = [absolute_range_name(tab.title, area) for area in areas]
        return self._client.request("get", SPREADSHEET_VALUES_BATCH_URL % quote(document_id), params=how).content

    def _ask(self, call: Callable[[], Any], *, repeatable: bool = True) -> Any:
        """One request, repeated while Google is busy. What must not happen twice is repeated only when it was refused."""

        def again(error: Exception) -> bool:
            if isinstance(error, APIError):
                return _code(error) in BUSY and (repeatable or _code(error) == 429)
            return repeatable and isinstance(error, requests.RequestException | GoogleAuthError) and _may_pass(error)

        waits = settings.SHEETS_RETRY_WAIT
        try:
            for attempt in stamina.retry_context(
                on=again,
                attempts=TRIES,
                timeout=self._patience,
                wait_initial=waits,
                wait_max=waits * 32,
                wait_jitter=waits,
            ):
                with attempt:
                    return call()
        except (APIError, requests.RequestException, GoogleAuthError, ValueError, KeyError) as error:
            raise self._told(error) from error

    def _told(self, error: Exception) -> Exception:
        """What went wrong, in words that say what to do."""
        code = _code(error)
        if code == 401 or (isinstance(error, RefreshError) and not error.retryable):
            return CredentialsRevoked(
                f"Google does not accept the key of {self.email} any more: it was deleted, or the account is disabled. "
                "Make a new key and upload it.",
                account=self.email,
            )
        if code == 404:
            return SheetGone("The document is not there: it was deleted, or the address is wrong.")
        if code == 403:
            return SheetNotShared(
                f"Google lets us no further. Share the document with {self.email} as an editor, then sync again.",
                account=self.email,
            )
        if code == 429:
            return GoogleBusy(
                "Google's quota for this minute is used up; the next sync goes on where this one stopped."
            )
        if code == 400:
            return TabGone("Google could not find the cells we asked for: a tab or a column was removed meanwhile.")
        return GoogleDown("Google Sheets does not answer as it should; the next sync tries again.")


class _Credentials(Credentials):
    """google-auth would ask another service, in a thread of its own, in which regions the account may work."""

    def _maybe_start_regional_access_boundary_refresh(self, *_: Any) -> None:
        return


@lru_cache(maxsize=256)
def _credentials(key: str, address: str) -> _Credentials:
    """Of one key, once in a process: its RSA key is parsed once, and its token lasts an hour. `address` is in the name of
    the entry because read_key checks against it. A token that Google takes back is answered with 401, and fetched anew.
    """
    return _Credentials.from_service_account_info(read_key(key), scopes=SCOPES)  # type: ignore[no-any-return, no-untyped-call]


class _Client(HTTPClient):
    """gspread's client, at the address that the settings name."""

    def request(self, method: str, endpoint: str, *args: Any, **kwargs: Any) -> requests.Response:
        if settings.SHEETS_API_URL:
            for host in HOSTS:
                endpoint = endpoint.replace(host, settings.SHEETS_API_URL)
        return super().request(method, endpoint, *args, **kwargs)


def read_key(key: str) -> dict[str, Any]:
    """The key file of a service account, checked. Its token address is Google's, or the sandbox's where that is set:
    a file that somebody uploads must not send our requests anywhere else. Raises AccountInvalid."""
    try:
        info = json.loads(key)
        if info["type"] != "service_account" or "@" not in info["client_email"]:
            raise KeyError("type")
        given = urlsplit(str(info.get("token_uri", "")))
        allowed = urlsplit(settings.SHEETS_API_URL or TOKEN_ADDRESS)
        if (given.scheme, given.netloc) != (allowed.scheme, allowed.netloc):
            raise AccountInvalid(f"The key names another place for its tokens than {allowed.netloc}.")
        Credentials.from_service_account_info(info)  # type: ignore[no-untyped-call]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise AccountInvalid(
            "This is not the key file of a service account. In Google's console open the account, then Keys, Add key, "
            "JSON, and upload the file as it is."
        ) from None
    return dict(info)


def document_id_of(address: str) -> str:
    """The id in an address that somebody copied from the browser, or the id itself. Empty when it is neither."""
    text = address.strip()
    _, _, after = text.partition("/spreadsheets/d/")
    candidate = after.partition("/")[0] if after else text
    candidate = candidate.partition("?")[0].partition("#")[0]
    return candidate if candidate and len(candidate) <= 100 and all(c.isalnum() or c in "-_" for c in candidate) else ""


def _code(error: Exception) -> int:
    """The HTTP status; 0 when there was no answer."""
    return int(error.response.status_code) if isinstance(error, APIError) else 0


def _may_pass(error: Exception) -> bool:
    """Whether trying again may help: a refused key stays refused."""
    return bool(getattr(error, "retryable", True))


def _runs(cells: Iterable[Cell]) -> Iterable[tuple[str, list[list[Any]]]]:
    """Cells below each other in one column become one range."""
    ordered = sorted(cells, key=lambda cell: (cell.column, cell.row))
    start, values = None, []
    for cell in ordered:
        if start and cell.column == start.column and cell.row == start.row + len(values):
            values.append([cell.value])
            continue
        if start:
            yield _area(start, len(values)), values
        start, values = cell, [[cell.value]]
    if start:
        yield _area(start, len(values)), values


def _entered(value: str | int | float) -> dict[str, Any]:
    if value == "":
        return {}
    return {"userEnteredValue": {"stringValue" if isinstance(value, str) else "numberValue": value}}


def _area(start: Cell, height: int) -> str:
    first = rowcol_to_a1(start.row, start.column)
    return first if height == 1 else f"{first}:{rowcol_to_a1(start.row + height - 1, start.column)}"
