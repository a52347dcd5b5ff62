"""Letting go of a linked sheet. Its units and its history stay; linked again, its rows are known by their ids."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from core import audit
from core.actors import Actor
from core.errors import DomainError
from core.roles import Capability
from sheets.errors import SyncUnderWay
from sheets.google import SOMEBODY_WAITS, GoogleSheets
from sheets.models import Closing, Conflict, ImportRun, RowLink, RunStatus, Spreadsheet
from sheets.sync.linking import linked
from sheets.sync.requests import KIND


@dataclass(frozen=True, slots=True)
class Unlinking:
    """What unlinking does, or would do."""

    rows: int
    conflicts: int


@dataclass(frozen=True, slots=True)
class Unlinked:
    """`ids_left`: why the hidden column still stands in the sheet, when it was to be removed and Google refused."""

    spreadsheet: Spreadsheet
    closed: int
    ids_left: str = ""


def preview_unlinking(*, actor: Actor, spreadsheet: Spreadsheet) -> Unlinking:
    """For whoever is about to confirm it. Two queries. Raises nothing of its own."""
    actor.require(Capability.SHEETS_LINK)
    return Unlinking(
        rows=RowLink.objects.visible_to(actor).filter(spreadsheet=spreadsheet, gone_at__isnull=True).count(),
        conflicts=_open_conflicts(spreadsheet).count(),
    )


def unlink_sheet(*, actor: Actor, spreadsheet: Spreadsheet, at: datetime, remove_ids: bool = False) -> Unlinked:
    """Sync it no more. Units, owners and history stay, and so does the sheet; open conflicts are closed with the reason.

    `remove_ids` takes the hidden column out of the sheet as well: linked again, its rows are then matched by what they
    say. That asks Google, after the sheet is unlinked: an account that lost its way must not keep anybody from letting
    go. Raises SyncUnderWay while a sync is running, NotLinked, NotFound.
    """
    actor.require(Capability.SHEETS_LINK)
    with transaction.atomic():
        sheet = linked(actor, spreadsheet)
        account = sheet.account
        _stop_waiting(sheet, at)
        closed = _open_conflicts(sheet).update(settled_at=at, closed_because=Closing.UNLINKED, updated_at=at)
        before = {"account": account.email, "document": sheet.document_id, "tab": sheet.tab, "interval": sheet.interval}
        sheet.unlinked_at, sheet.account, sheet.is_paused, sheet.next_sync_at = at, None, True, None
        sheet.last_error = sheet.last_error_code = ""
        sheet.failures, sheet.digest = 0, b""
        sheet.save()
        after = {"conflicts_closed": closed, "remove_ids": remove_ids}
        audit.record(actor=actor, action="sheets.sheet_unlinked", target=sheet, before=before, after=after, at=at)
    if not remove_ids:
        return Unlinked(sheet, closed)
    try:
        google = GoogleSheets(account.key, patience=SOMEBODY_WAITS)
        tab = google.document(sheet.document_id).tab(sheet.tab_id)
        google.remove_id_column(sheet.document_id, tab, sheet.header_row)
    except DomainError as error:
        return Unlinked(sheet, closed, error.message)
    with transaction.atomic():
        # Their ids are nowhere any more: these rows are neither waited for nor missed. Nothing is archived.
        links = RowLink.objects.visible_to(actor).filter(spreadsheet=sheet, gone_at__isnull=True)
        links.update(gone_at=at, withdrawn="", updated_at=at)
    return Unlinked(sheet, closed)


def _stop_waiting(sheet: Spreadsheet, at: datetime) -> None:
    """A sync that waits is called off; one that runs ends first."""
    runs = ImportRun.objects.filter(organization=sheet.organization_id, spreadsheet=sheet, kind=KIND)
    runs.filter(status=RunStatus.QUEUED).update(
        status=RunStatus.CANCELLED, stop_requested_at=at, leased_until=None, finished_at=at, updated_at=at
    )
    if runs.filter(status=RunStatus.RUNNING).exists():
        raise SyncUnderWay("This sheet is being synced right now: wait until it has finished, or stop it.")


def _open_conflicts(sheet: Spreadsheet) -> Any:
    """Those decided and not carried out yet as well."""
    return Conflict.objects.filter(organization=sheet.organization_id, spreadsheet=sheet, settled_at__isnull=True)
