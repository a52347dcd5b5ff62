"""Google accounts, and the sheets that are linked with them: everything a person decides about a linked sheet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from core import audit
from core.actors import Actor
from core.errors import NotFound
from core.roles import Capability
from sheets import headers, mapping
from sheets.cells import text_of
from sheets.errors import (
    AccountInUse,
    AlreadyLinked,
    DirectionFixed,
    DirectionUnknown,
    DocumentUnknown,
    MappingUnknown,
    NoRows,
    NotLinked,
)
from sheets.google import ID_HEADER, SOMEBODY_WAITS, Document, GoogleSheets, document_id_of, read_key
from sheets.models import Direction, GoogleAccount, Provider, Spreadsheet
from sheets.models.sources import INTERVAL, SHORTEST_INTERVAL
from sheets.tables import Table, table_named

SAMPLE_ROWS, SAMPLES = 30, 3


@transaction.atomic
def add_account(*, actor: Actor, key: str, name: str = "", at: datetime) -> GoogleAccount:
    """Keep the key file of a service account, encrypted; a newer key of an account we know replaces the old one.

    Nothing is asked of Google yet: look_into does that. Raises AccountInvalid.
    """
    actor.require(Capability.SHEETS_LINK)
    email = str(read_key(key)["client_email"])
    account: GoogleAccount
    account, is_new = GoogleAccount.objects.select_for_update(no_key=True).get_or_create(
        organization=actor.organization, email=email, defaults={"key": key, "name": name}
    )
    if not is_new:
        account.key, account.name, account.last_error = key, name or account.name, ""
        account.save(update_fields=["key", "name", "last_error", "updated_at"])
    action = "sheets.account_added" if is_new else "sheets.account_key_replaced"
    audit.record(actor=actor, action=action, target=account, after={"email": email}, at=at)
    return account


@transaction.atomic
def remove_account(*, actor: Actor, account: GoogleAccount, at: datetime) -> None:
    """Forget an account and its key. Raises AccountInUse while sheets are linked with it, NotFound."""
    actor.require(Capability.SHEETS_LINK)
    account = _visible(GoogleAccount.objects.visible_to(actor), account, "account")
    audit.record(actor=actor, action="sheets.account_removed", target=account, before={"email": account.email}, at=at)
    try:
        account.delete()
    except ProtectedError:
        count = account.spreadsheets.count()
        raise AccountInUse(
            f"{count} sheets are linked with {account.email}; link them with another account first, or unlink them.",
            count=count,
        ) from None


def look_into(*, actor: Actor, account: GoogleAccount, address: str) -> tuple[str, Document]:
    """The id and the tabs of a document, before one is linked: asks Google.

    Raises DocumentUnknown (the address), SheetNotShared, SheetGone, CredentialsRevoked, GoogleBusy, GoogleDown.
    """
    actor.require(Capability.SHEETS_LINK)
    account = _found(GoogleAccount.objects.visible_to(actor), account, "account")
    document_id = document_id_of(address)
    if not document_id:
        raise DocumentUnknown(
            "Copy the document's address from the browser; it looks like https://docs.google.com/spreadsheets/d/…",
            value=address[:200],
        )
    return document_id, GoogleSheets(account.key, patience=SOMEBODY_WAITS).document(document_id)


def link_sheet(
    *,
    actor: Actor,
    account: GoogleAccount,
    address: str,
    tab_id: int,
    at: datetime,
    table: str = "crm.units",
    interval: int = INTERVAL,
    constants: Mapping[str, str] | None = None,
) -> Spreadsheet:
    """Link one tab of a document: its header is found and its mapping guessed. It is paused until somebody starts it.

    One that was linked before goes on with its mapping, its directions and the rows that still have their ids. A dry run
    shows what the first sync would do. Raises AlreadyLinked, HeaderMissing, NoRows, and as look_into.
    """
    document_id, document = look_into(actor=actor, account=account, address=address)
    declared, tab = table_named(table), document.tab(tab_id)
    if declared.linked is None:
        raise MappingUnknown(f"{declared.label} are imported from files only.", table=table)
    rows = GoogleSheets(account.key, patience=SOMEBODY_WAITS).rows(document_id, tab, 1, headers.DEPTH + 2)
    if not any(any(row) for row in rows):
        raise NoRows(f"The tab {tab.title!r} is empty: there is nothing to sync.")
    index = headers.find_header(rows, declared)
    names = [name for name in headers.names_of(rows[index]) if name != ID_HEADER]
    former = Spreadsheet.objects.visible_to(actor).google().filter(document_id=document_id, tab_id=tab.tab_id).first()
    if former is not None:
        return _link_again(actor, former, account=account, table=declared, header_row=index + 1, names=names, at=at)
    guessed = headers.guess(names, declared)
    document_ = {"columns": guessed, "options": declared.guess_options(guessed), "constants": dict(constants or {})}
    sheet = Spreadsheet(
        organization=actor.organization,
        table=declared.name,
        provider=Provider.GOOGLE,
        name=f"{document.title} · {tab.title}"[:200],
        header=names,
        header_row=index + 1,
        mapping=mapping.checked(document_, names, declared),
        account=account,
        document_id=document_id,
        tab_id=tab.tab_id,
        tab=tab.title[:200],
        interval=_interval(interval),
        is_paused=True,
    )
    try:
        with transaction.atomic():
            sheet.save()
            after = {"document": document_id, "tab": tab.title, "table": table}
            audit.record(actor=actor, action="sheets.sheet_linked", target=sheet, after=after, at=at)
    except IntegrityError:
        raise AlreadyLinked(f"The tab {tab.title!r} of this document is linked already.") from None
    return sheet


@transaction.atomic
def _link_again(
    actor: Actor, former: Spreadsheet, *, account: GoogleAccount, table: Table, header_row: int, names: list[str],
    at: datetime,
) -> Spreadsheet:  # fmt: skip
    sheet: Spreadsheet = _visible(Spreadsheet.objects.visible_to(actor), former, "sheet")
    if sheet.unlinked_at is None:
        raise AlreadyLinked(f"The tab {sheet.tab!r} of this document is linked already.")
    if sheet.table != table.name:
        label = table_named(sheet.table).label
        raise AlreadyLinked(
            f"This tab was linked before as: {label}. Its rows are known as such; link it as that again."
        )
    sheet.header = [*sheet.header, *(name for name in names if name not in sheet.header)]
    sheet.mapping = mapping.checked({}, sheet.header, table, present=sheet.mapping)
    sheet.header_row, sheet.account, sheet.unlinked_at = header_row, account, None
    sheet.save()
    after = {"document": sheet.document_id, "tab": sheet.tab, "table": sheet.table}
    audit.record(actor=actor, action="sheets.sheet_linked_again", target=sheet, after=after, at=at)
    return sheet


def samples(*, actor: Actor, spreadsheet: Spreadsheet) -> list[list[str]]:
    """A few cells of every column, in the order of `header`, for whoever maps them: asks Google, as look_into."""
    actor.require(Capability.SHEETS_LINK)
    google = GoogleSheets(spreadsheet.account.key, patience=SOMEBODY_WAITS)
    tab = google.document(spreadsheet.document_id).tab(spreadsheet.tab_id)
    first = spreadsheet.header_row
    rows = google.rows(spreadsheet.document_id, tab, first, first + SAMPLE_ROWS)
    if not rows:
        return []
    places = {name: index for index, name in enumerate(headers.names_of(rows[0]))}
    columns = (places.get(name) for name in spreadsheet.header)
    return [[] if place is None else _filled(rows[1:], place) for place in columns]


def _filled(rows: list[list[Any]], place: int) -> list[str]:
    texts = (text_of(row[place]) for row in rows if place < len(row))
    return list(dict.fromkeys(text[:60] for text in texts if text.strip()))[:SAMPLES]


@transaction.atomic
def change_linked_sheet(
    *,
    actor: Actor,
    spreadsheet: Spreadsheet,
    at: datetime,
    document: Mapping[str, Any] | None = None,
    directions: Mapping[str, str] | None = None,
    interval: int | None = None,
    name: str | None = None,
    account: GoogleAccount | None = None,
    appends: bool | None = None,
) -> Spreadsheet:
    """Say which column is what (`document`, as in imports), who may change it (`directions`: header -> direction), how
    often it is synced (seconds), by which account, or whether units that are made in Majlis from now on get rows of their
    own (`appends`). What is not named stays.

    Raises MappingUnknown, FieldMappedTwice, MappingEmpty, MappingIncomplete, DirectionUnknown, DirectionFixed,
    NotLinked, NotFound.
    """
    actor.require(Capability.SHEETS_LINK)
    sheet = linked(actor, spreadsheet)
    before = _decided(sheet)
    declared = table_named(sheet.table)
    sheet.digest = b""  # the same cells may mean something else now
    if sheet.last_success_at and not sheet.read_as:
        sheet.read_as = sheet.mapping
    if document is not None:
        sheet.mapping = mapping.checked(document, sheet.header, declared, present=sheet.mapping)
        mapping.plan(sheet.mapping, sheet.header, declared)
    if directions is not None:
        for header in (header for header, direction in directions.items() if direction == Direction.APP):
            field = sheet.mapping.get("columns", {}).get(header, "")
            if field and declared.fixed(field):
                raise DirectionFixed(f"The column {header!r} is only read: {declared.fixed(field)}", column=header)
        sheet.directions = sheet.directions | _directions(directions, sheet)
    if interval is not None:
        sheet.interval = _interval(interval)
    if name:
        sheet.name = " ".join(name.split())[:200]
    if account is not None:
        sheet.account = _visible(GoogleAccount.objects.visible_to(actor), account, "account")
    if appends is not None and appends != (sheet.appends_since is not None):
        sheet.appends_since = at if appends else None
    sheet.save()
    after = _decided(sheet)
    audit.record(actor=actor, action="sheets.linked_sheet_changed", target=sheet, before=before, after=after, at=at)
    return sheet


def _decided(sheet: Spreadsheet) -> dict[str, Any]:
    names = ("mapping", "directions", "interval")
    return {name: getattr(sheet, name) for name in names} | {"appends": sheet.appends_since is not None}


@transaction.atomic
def pause_sheet(*, actor: Actor, spreadsheet: Spreadsheet, at: datetime, is_paused: bool = True) -> Spreadsheet:
    """Stop syncing by the clock, or start it: then the sheet is due at once. Raises NotLinked, NotFound."""
    actor.require(Capability.SHEETS_LINK)
    sheet = linked(actor, spreadsheet)
    sheet.is_paused, sheet.failures = is_paused, 0
    sheet.next_sync_at = None if is_paused else at
    sheet.save(update_fields=["is_paused", "failures", "next_sync_at", "updated_at"])
    action = "sheets.sheet_paused" if is_paused else "sheets.sheet_started"
    audit.record(actor=actor, action=action, target=sheet, at=at)
    return sheet


def linked(actor: Actor, spreadsheet: Spreadsheet) -> Spreadsheet:
    """The linked sheet as it is now, held until the transaction ends. Raises NotFound, NotLinked."""
    sheet: Spreadsheet = _visible(Spreadsheet.objects.visible_to(actor), spreadsheet, "sheet")
    if sheet.provider != Provider.GOOGLE:
        raise NotLinked("This source is a file: upload the next one instead.")
    if sheet.unlinked_at is not None:
        raise NotLinked("This sheet was unlinked: link it again by its address.")
    return sheet


def direction_of(sheet: Spreadsheet, header: str) -> str:
    """Who may change the cells of this column."""
    return str(sheet.directions.get(header, Direction.BOTH))


def _directions(given: Mapping[str, str], sheet: Spreadsheet) -> dict[str, str]:
    for header, direction in given.items():
        if header not in sheet.header:
            raise MappingUnknown(f"There is no column {header!r} in this sheet.", column=header, columns=sheet.header)
        if direction not in Direction.values:
            raise DirectionUnknown(
                f"{direction!r} is no direction; use one of: {', '.join(Direction.values)}.", column=header
            )
    return dict(given)


def _interval(seconds: int) -> int:
    return max(SHORTEST_INTERVAL, seconds)


def _visible(rows: Any, row: Any, noun: str) -> Any:
    """As it is now, held until the transaction ends."""
    return _found(rows.select_for_update(of=("self",), no_key=True), row, noun)


def _found(rows: Any, row: Any, noun: str) -> Any:
    found = rows.filter(pk=row.pk).first() if row.pk else None
    if found is None:
        raise NotFound(f"There is no such {noun} here.")
    return found
