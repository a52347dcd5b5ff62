"""One sync from its claim to its outcome. Killed at any point, the next one ends in the same state.

Three parts, and no transaction open while Google is asked: read the sheet; merge in one transaction; write into the
sheet, and keep what stands there now as agreed. What was written but not kept is found to agree by the next sync.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from core import jobs
from core.errors import DomainError
from core.models import Organization
from core.tenancy import acting_through
from sheets import mapping, progress
from sheets.errors import ImportRunning, ImportStopped, RowsGone
from sheets.google import GoogleSheets
from sheets.models import (
    CellChange,
    Conflict,
    ImportRun,
    RowLink,
    RunStatus,
    Side,
    Spreadsheet,
    SpreadsheetStatus,
)
from sheets.services.access import try_lock
from sheets.staging import Job
from sheets.sync import statements
from sheets.sync.ending import LeaseLost, end, fail
from sheets.sync.merged import Clash, Decided, Merged
from sheets.sync.merging import LinkedStaging
from sheets.sync.reading import Reader, Sheet
from sheets.sync.requests import KIND
from sheets.sync.writing import Outcome, Writer
from sheets.tables import WARNING, Issue, Run, table_named

LEASE = timedelta(minutes=5)
MOST_ATTEMPTS = 4
# So many rows may disappear at once without anybody being asked.
FEW = 20
SHARE = 0.2


def perform(*, organization: Organization, run_id: int, at: datetime) -> ImportRun | None:
    """Do one queued sync. None when somebody else has it, or it is done: twice is harmless."""
    runs = ImportRun.objects.filter(organization=organization, pk=run_id, kind=KIND)
    claimed = runs.filter(status=RunStatus.QUEUED).update(
        status=RunStatus.RUNNING, leased_until=at + LEASE, started_at=at, attempts=F("attempts") + 1, updated_at=at
    )
    if not claimed:
        return None
    run: ImportRun = runs.select_related("spreadsheet__account", "requested_by__user").get()
    if not run.is_dry_run:
        Spreadsheet.objects.filter(pk=run.spreadsheet_id).update(status=SpreadsheetStatus.SYNCING, updated_at=at)
    started = time.monotonic()
    try:
        _Sync(organization, run, at).perform()
    except LeaseLost:
        return None
    except ImportRunning:
        # An import of this house is on its way: ours waits for the sweeper.
        runs.update(status=RunStatus.QUEUED, leased_until=None, updated_at=at)
        return None
    except ImportStopped:
        end(run, at, started, status=RunStatus.CANCELLED)
    except BaseException as error:
        fail(run, error, at, started)
        if not isinstance(error, DomainError):
            raise
    else:
        end(run, at, started, status=RunStatus.PREVIEWED if run.is_dry_run else RunStatus.DONE)
    run.refresh_from_db()
    return run


def sweep(*, organization: Organization, at: datetime) -> int:
    """Find syncs whose nudge or whose worker was lost; returns how many were started again."""
    runs = ImportRun.objects.filter(organization=organization, kind=KIND)
    lost = runs.filter(status=RunStatus.RUNNING, leased_until__lt=at)
    for run in lost.filter(attempts__gte=MOST_ATTEMPTS):
        fail(run, LeaseLost(), at, None)
    lost.update(status=RunStatus.QUEUED, leased_until=None, updated_at=at - LEASE)
    waiting = Q(status=RunStatus.QUEUED, updated_at__lt=at - timedelta(seconds=30))
    again = list(runs.filter(waiting).order_by("pk").values_list("pk", flat=True))
    for run_id in again:
        jobs.enqueue("sheets.sync", organization_id=organization.pk, run_id=run_id)
    return len(again)


class _Sync:
    def __init__(self, organization: Organization, run: ImportRun, at: datetime) -> None:
        self.organization = organization
        self.run = run
        self.sheet: Spreadsheet = run.spreadsheet
        self.at = at
        self.table = table_named(self.sheet.table)
        self.google = GoogleSheets(self.sheet.account.key)

    def perform(self) -> None:
        sheet, run = self.sheet, self.run
        mapping.plan(sheet.mapping, sheet.header, self.table)
        reader = Reader(self.google, sheet, alive=self.stay)
        found = reader.read(dry_run=run.is_dry_run, unless=b"" if run.is_dry_run else bytes(sheet.digest))
        if found.is_unchanged:
            if self._rests():
                return
            found = reader.read(dry_run=False)
        with transaction.atomic(), acting_through(self.source, membership_id=run.requested_by_id):
            merged = self._merge(found)
            if run.is_dry_run:
                transaction.set_rollback(True)
            else:
                self._keep(found, merged)
        if run.is_dry_run:
            with transaction.atomic():
                self._tell(merged)
            return
        if merged.writes or merged.appends:
            writer = self._writer(found)
            outcome = writer.write(merged.writes)
            with transaction.atomic():
                self._confirm(outcome, merged)
            if merged.appends:
                there = writer.append(merged.appends)
                with transaction.atomic():
                    self._confirm_appended(there)

    @property
    def source(self) -> str:
        return f"sheet:{self.sheet.pk}/run:{self.run.pk}"

    def stay(self) -> None:
        """Renew the lease. Raises LeaseLost when another worker has the run, ImportStopped when somebody stopped it."""
        now = timezone.now()
        mine = ImportRun.objects.filter(pk=self.run.pk, status=RunStatus.RUNNING, attempts=self.run.attempts)
        if not mine.update(leased_until=now + LEASE, updated_at=now):
            raise LeaseLost
        if mine.filter(stop_requested_at__isnull=False).exists():
            raise ImportStopped("Somebody stopped this sync.")

    def _rests(self) -> bool:
        """Whether nothing is to be done: the sheet is as it was, so is everything here, and nobody decided anything."""
        sheet, run = self.sheet, self.run
        assert self.table.linked is not None  # noqa: S101 - only such tables can be linked
        with transaction.atomic(), acting_through(self.source, membership_id=run.requested_by_id):
            importer = self.table.linked(
                Run(
                    self.organization.pk, self.organization.country, self.organization.currency,
                    sheet.mapping.get("options", {}), self.source, lambda issue: None,
                )
            )  # fmt: skip
            importer.relink(sheet.pk)
            if importer.touched(sheet.pk) or self._in_conflict():
                return False
            if sheet.appends_since and importer.unlisted(sheet.pk, sheet.appends_since, 1):
                return False
            # What was wrong with its rows is so still, and stands with the run that looked at them.
            last = sheet.runs.filter(kind=KIND, status=RunStatus.DONE, is_dry_run=False).order_by("-pk").first()
            before = last.counts if last else {}
            run.counts = dict.fromkeys(("new", "changed", "conflicts", "gone", "written", "appended"), 0)
            run.counts |= {name: before.get(name, 0) for name in ("read", "errors", "warnings", "skipped")}
            run.counts["unchanged"] = sheet.links.filter(gone_at__isnull=True).count()
            if last:
                run.counts["same_as"] = before.get("same_as", last.pk)
            run.save(update_fields=["counts", "updated_at"])
        return True

    def _merge(self, found: Sheet) -> Merged:
        if not try_lock(self.organization):
            raise ImportRunning("An import of this organisation is running: the sync follows it.")
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL jit = off; SET LOCAL work_mem = '64MB'; SET LOCAL temp_buffers = '64MB'")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '10min'")
        plan = mapping.plan(self.sheet.mapping, self.sheet.header, self.table)
        plan = mapping.placed(plan, found.positions)
        job = Job(
            organization_id=self.organization.pk,
            region=self.organization.country,
            currency=self.organization.currency,
            spreadsheet_id=self.sheet.pk,
            run_id=self.run.pk,
            table=self.table,
            plan=plan,
            header_row=self.sheet.header_row,
            source=f"sheet:{self.sheet.pk}",
            at=self.at,
        )
        staging = LinkedStaging(
            job, directions=self.sheet.directions, in_conflict=self._in_conflict(), keys=found.keys,
            mappings=(self.sheet.read_as, self.sheet.mapping),
        )  # fmt: skip
        staging.take_lines(found.lines(), lambda row: progress.report(self.run.pk, row, found.height))
        linked = len(staging.prints)
        most = None if self.run.accepts_missing else max(FEW, int(linked * SHARE))
        merged = staging.merge(
            most_missing=most, appends_since=self.sheet.appends_since, height=max(found.height, self.sheet.header_row)
        )
        if most is not None and merged.gone > most and not self.run.is_dry_run:
            raise RowsGone(
                f"{merged.gone} of {merged.linked} rows are not in the sheet any more, and nothing was changed. If they are "
                "meant to be gone, sync once more and accept it; else bring them back with the sheet's version history.",
                gone=merged.gone,
                linked=merged.linked,
            )
        return merged

    def _in_conflict(self) -> dict[tuple[str, str], Decided]:
        waiting = Conflict.objects.filter(spreadsheet=self.sheet, settled_at__isnull=True)
        rows = waiting.values_list("link__row_key", "field", "resolution", "ours", "theirs")
        return {(key, field): Decided(resolution, ours, theirs) for key, field, resolution, ours, theirs in rows}

    def _keep(self, found: Sheet, merged: Merged) -> None:
        """Everything that the merge decided, in its transaction."""
        self._tell(merged)
        self._settle(merged.settled)
        self._clash(merged.clashes)
        sheet = Spreadsheet.objects.select_for_update(no_key=True).get(pk=self.sheet.pk)
        is_as_read = (sheet.mapping, sheet.directions) == (self.sheet.mapping, self.sheet.directions)
        sheet.read_as = self.sheet.mapping
        sheet.tab = found.tab.title[:200]
        # What somebody changed while we were at it is looked at by the next sync.
        sheet.digest = (
            found.digest if is_as_read and not merged.writes and not merged.clashes and not merged.appends else b""
        )
        new = [name for name in found.header if name not in sheet.header]
        if new:
            sheet.header = [*sheet.header, *new]
            sheet.mapping = mapping.checked({}, sheet.header, self.table, present=sheet.mapping)
        sheet.save(update_fields=["tab", "header", "mapping", "read_as", "digest", "updated_at"])

    def _tell(self, merged: Merged) -> None:
        """The readable difference, and what is wrong with the rows: of a dry run as well."""
        run = self.run
        run.errors.all().delete()
        run.cells.all().delete()
        merged.result.issues.keep(organization_id=run.organization_id, run_id=run.pk, at=self.at)
        CellChange.objects.bulk_create(
            [
                CellChange(
                    organization=self.organization, run=run, row=row, row_key=key, side=side, field=name, column=column,
                    before=before, after=after,
                )
                for row, key, side, name, column, before, after in merged.changes
            ],
            batch_size=2000,
        )  # fmt: skip
        run.counts, run.samples = merged.result.counts, merged.result.samples
        run.mapping = self.sheet.mapping
        run.save(update_fields=["counts", "samples", "mapping", "updated_at"])

    def _given(self) -> dict[str, Any]:
        return {"organization": self.organization.pk, "spreadsheet": self.sheet.pk, "at": self.at}

    def _settle(self, cells: list[tuple[str, str]]) -> None:
        given = {"keys": [key for key, _ in cells], "fields": [name for _, name in cells]}
        if cells:
            with connection.cursor() as cursor:
                cursor.execute(statements.SETTLE, self._given() | given)

    def _clash(self, clashes: list[Clash]) -> None:
        """One open conflict a cell: known ones follow what both sides say now, and a decision of before is asked anew."""
        keys = [clash.row_key for clash in clashes]
        links = dict(RowLink.objects.filter(spreadsheet=self.sheet, row_key__in=keys).values_list("row_key", "pk"))
        open_ = Conflict.objects.filter(spreadsheet=self.sheet, settled_at__isnull=True, link__in=links.values())
        known = {(conflict.link_id, conflict.field): conflict for conflict in open_}
        new = []
        for clash in clashes:
            link = links[clash.row_key]
            conflict = known.get((link, clash.step.name))
            said = {"ours": clash.ours, "theirs": clash.theirs, "row": clash.row}
            if conflict is None:
                new.append(
                    Conflict(
                        organization=self.organization, spreadsheet=self.sheet, link_id=link, run=self.run,
                        field=clash.step.name, column=clash.step.header, base=clash.base, **said,
                    )
                )  # fmt: skip
                continue
            if (conflict.ours, conflict.theirs, conflict.row) == (clash.ours, clash.theirs, clash.row):
                continue  # whoever is looking at it sees what is there
            if (conflict.ours, conflict.theirs) != (clash.ours, clash.theirs):
                conflict.ours, conflict.theirs = clash.ours, clash.theirs
                conflict.resolution, conflict.resolved_by, conflict.resolved_at = "", None, None
            conflict.row = clash.row
            conflict.save()
        Conflict.objects.bulk_create(new, batch_size=1000)

    def _writer(self, found: Sheet) -> Writer:
        numeric = frozenset(field.name for field in self.table.fields if field.numeric)
        headers = {
            step.name: step.header for step in mapping.plan(self.sheet.mapping, self.sheet.header, self.table).steps
        }
        return Writer(
            self.google, self.sheet.document_id, found, self.sheet.header_row + 1, numeric=numeric, headers=headers,
            alive=self.stay,
        )  # fmt: skip

    def _confirm_appended(self, there: dict[str, int]) -> None:
        """These rows stand in the sheet, and there."""
        given = self._given()
        with connection.cursor() as cursor:
            for key, row in there.items():
                cursor.execute(statements.APPENDED, given | {"key": key, "row": row})
        for change in self.run.cells.filter(side=Side.ADDED):
            change.row = there.get(change.row_key, change.row)
            change.save(update_fields=["row", "updated_at"])
        self.run.counts |= {"appended": len(there)}
        self.run.save(update_fields=["counts", "updated_at"])

    def _confirm(self, outcome: Outcome, merged: Merged) -> None:
        """What stands in the sheet now is what both agree on."""
        agreed: dict[str, dict[str, str]] = {}
        for write in outcome.done:
            agreed.setdefault(write.row_key, {})[write.step.name] = write.text
        waiting = {clash.row_key for clash in merged.clashes}
        waiting |= {write.row_key for write in [*outcome.others, *outcome.formulas]}
        with connection.cursor() as cursor:
            for key, cells in agreed.items():
                cursor.execute(
                    _CONFIRM, [_json(cells), _json(cells), key not in waiting, self.organization.pk, self.sheet.pk, key]
                )
        self._settle([(write.row_key, write.step.name) for write in outcome.done])
        for write in outcome.formulas:
            message = f"The cell is a formula and was left alone; Majlis has {write.text!r}."
            merged.result.issues.add(
                Issue(write.row, WARNING, "cell_is_formula", message, write.step.name, write.theirs)
            )
        for write in outcome.others:
            message = "The cell was changed while we were writing: the next sync looks at it again."
            merged.result.issues.add(Issue(write.row, WARNING, "cell_moved", message, write.step.name, write.theirs))
        run = self.run
        for write in [*outcome.formulas, *outcome.others]:
            run.cells.filter(side=Side.SHEET, row_key=write.row_key, field=write.step.name).delete()
        if outcome.formulas or outcome.others:
            run.errors.all().delete()
            merged.result.issues.keep(organization_id=run.organization_id, run_id=run.pk, at=self.at)
        run.counts |= {"written": len(outcome.done), "warnings": merged.result.issues.severities[WARNING]}
        run.save(update_fields=["counts", "updated_at"])


def _json(cells: dict[str, str]) -> str:
    return orjson.dumps(cells).decode()


_CONFIRM = """
    UPDATE sheets_rowlink SET base = base || %s::jsonb, app = app || %s::jsonb,
           agreed_at = CASE WHEN %s THEN now() ELSE agreed_at END
     WHERE organization_id = %s AND spreadsheet_id = %s AND row_key = %s
"""
