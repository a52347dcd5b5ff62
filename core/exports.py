"""Taking a list along: chosen at once, written at once when it is short, by a worker when it is long."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from django.core.cache import cache
from django.core.files import File
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.http import FileResponse
from django.utils import translation
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from core import audit, jobs
from core.actors import Actor
from core.errors import Conflict, DomainError, Invalid, NotFound
from core.exporting import Declared, named
from core.exporting.files import Row, write_csv, write_xlsx
from core.models import Export, Membership, Organization
from core.models.exports import ExportFormat, ExportStatus
from core.roles import Capability

log = structlog.get_logger(__name__)

AT_ONCE = 2_000
MOST = 1_000_000
CHUNK = 1_000
KEPT = timedelta(hours=24)
LEASE = timedelta(minutes=30)
LOST = timedelta(seconds=30)
MOST_ATTEMPTS = 3


class ExportFormatUnknown(Invalid):
    code = "export_format_unknown"


class ExportTooLarge(Invalid):
    code = "export_too_large"


class ExportNotReady(Conflict):
    code = "export_not_ready"


def take_list(
    *,
    actor: Actor,
    name: str,
    rows: QuerySet[Any],
    format: str,
    filters: Mapping[str, Any],
    at: datetime,
    at_once: int | None = None,
) -> Export:
    """Take the rows of a declared list along, in their order: what is chosen now is what the file has.

    `rows` is narrowed already, by visibility, filters, search and selection; visibility is asked again when they are
    written. Short lists come back DONE, long ones QUEUED. Asks Capability.CRM_EXPORT and the list's own; the trail
    keeps who, which list, by what filters, how many rows and the file's hash. Raises ExportFormatUnknown,
    ExportTooLarge, NotFound.
    """
    wanted = named(name)
    actor.require(Capability.CRM_EXPORT)
    actor.require(wanted.capability)
    if actor.membership is None:
        raise NotFound("Majlis takes no lists along by itself.")
    if format not in ExportFormat.values:
        raise ExportFormatUnknown(f"Take it as one of: {', '.join(ExportFormat.values)}.", format=format)
    rows = rows if rows.ordered else rows.order_by("pk")
    ids = list(rows.values_list("pk", flat=True)[: MOST + 1])
    if len(ids) > MOST:
        raise ExportTooLarge(f"This list has more than {MOST:,} rows; narrow it down by a filter.", most=MOST)
    export = Export.objects.create(
        organization=actor.organization,
        requested_by=actor.membership,
        list_name=wanted.name,
        title=wanted.title,
        format=format,
        filters=dict(filters),
        language=translation.get_language() or "en",
        ids=ids,
        row_count=len(ids),
    )
    if len(ids) <= (AT_ONCE if at_once is None else at_once):
        return write_export(organization=actor.organization, export_id=export.pk, at=at, address=actor.address)
    jobs.enqueue("core.write_export", organization_id=actor.organization.pk, export_id=export.pk)
    return export


def write_export(*, organization: Organization, export_id: int, at: datetime, address: str | None = None) -> Export:
    """Write one file. Safe to call twice: only the call that claims the row writes it."""
    claimed = (
        Export.objects.for_organization(organization)
        .filter(Q(status=ExportStatus.QUEUED) | Q(status=ExportStatus.RUNNING, leased_until__lt=at), pk=export_id)
        .update(status=ExportStatus.RUNNING, leased_until=at + LEASE, attempts=F("attempts") + 1, updated_at=at)
    )
    export: Export = (
        Export.objects.for_organization(organization).select_related("requested_by__user").get(pk=export_id)
    )
    if not claimed:
        return export
    try:
        _write(export, Actor(organization, export.requested_by, address=address), at)
    except DomainError as refusal:
        _fail(export, refusal.message, at)
    except Exception:
        _fail(export, _("Something broke on our side; it has been noted."), at)
        raise
    export.refresh_from_db()
    return export


def sweep(*, organization: Organization, at: datetime) -> None:
    """Start again what was lost, give up what was lost too often, and throw away files whose time is over."""
    exports = Export.objects.for_organization(organization).defer("ids")
    lost = exports.filter(
        Q(status=ExportStatus.QUEUED, updated_at__lt=at - LOST) | Q(status=ExportStatus.RUNNING, leased_until__lt=at)
    )
    for export in lost:
        if export.attempts >= MOST_ATTEMPTS:
            _fail(export, _("It was tried %(count)d times.") % {"count": export.attempts}, at)
        else:
            jobs.enqueue("core.write_export", organization_id=organization.pk, export_id=export.pk)
    for export in exports.filter(status=ExportStatus.DONE, expires_at__lt=at):
        export.file.delete(save=False)
        Export.objects.filter(pk=export.pk).update(status=ExportStatus.EXPIRED, file="", ids=[], updated_at=at)


def file_of(*, actor: Actor, export_id: int) -> Export:
    """An export of one's own whose file is there. Raises NotFound, ExportNotReady."""
    actor.require(Capability.CRM_EXPORT)
    export: Export | None = Export.objects.visible_to(actor).defer("ids").filter(pk=export_id).first()
    if export is None:
        raise NotFound("There is no such export here.")
    actor.require(named(export.list_name).capability)
    if export.status != ExportStatus.DONE:
        raise ExportNotReady("This file is not there: it is being written, or its time is over.", status=export.status)
    return export


def download(export: Export) -> FileResponse:
    """The file of a DONE export as an answer, block by block."""
    kind = ExportFormat(export.format).media_type
    kind += "; charset=utf-8" if kind.startswith("text/") else ""
    answer = FileResponse(export.file.open("rb"), as_attachment=True, filename=file_name(export), content_type=kind)
    answer["Cache-Control"] = "no-store"
    return answer


def file_name(export: Export) -> str:
    """What the file is called on the disk of whoever takes it."""
    zone = ZoneInfo(export.organization.time_zone)
    return f"{export.organization.slug}-{export.list_name.rpartition('.')[2]}-{export.created_at.astimezone(zone):%Y-%m-%d-%H%M}.{export.format}"


def rows_done(export_id: int) -> int:
    """How many rows of a running export are written. A cache that is down costs the view of it only."""
    try:
        return int(cache.get(f"core:export:{export_id}") or 0)
    except (RedisError, OSError):
        return 0


def _write(export: Export, actor: Actor, at: datetime) -> None:
    wanted = named(export.list_name)
    if not Membership.objects.active().filter(pk=export.requested_by_id).exists():
        raise NotFound("Who asked for this list does not work here any more.")
    actor.require(Capability.CRM_EXPORT)
    actor.require(wanted.capability)
    zone = ZoneInfo(actor.organization.time_zone)
    with tempfile.TemporaryDirectory() as folder, translation.override(export.language):
        path = Path(folder) / f"list.{export.format}"
        titles = [_(column.title) for column in wanted.columns]
        with _one_moment():
            lines = _lines(export, wanted, actor)
            if export.format == ExportFormat.CSV:
                count = write_csv(path, titles, lines, zone)
            else:
                count = write_xlsx(path, _(wanted.title), titles, lines, zone)
        _keep(export, wanted, actor, path, count, at)


def _keep(export: Export, wanted: Declared, actor: Actor, path: Path, count: int, at: datetime) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        export.file.save(
            f"exports/{actor.organization.pk}/{export.pk}-{digest[:16]}.{export.format}", File(file), save=False
        )
    with transaction.atomic():
        export.status, export.file_hash, export.file_size = ExportStatus.DONE, digest, path.stat().st_size
        export.row_count, export.finished_at, export.expires_at = count, at, at + KEPT
        export.leased_until, export.error = None, ""
        export.save(
            update_fields=[
                "status", "file", "file_hash", "file_size", "row_count", "finished_at", "expires_at", "leased_until",
                "error", "updated_at",
            ]
        )  # fmt: skip
        if wanted.taken is not None:
            wanted.taken(actor=actor, export=export, at=at)
        audit.record(
            actor=actor,
            action="core.list_exported",
            target=export,
            after={
                "list": export.list_name,
                "rows": count,
                "format": export.format,
                "filters": export.filters,
                "columns": [column.title for column in wanted.columns],
                "sha256": digest,
            },
            at=at,
        )


def _lines(export: Export, wanted: Declared, actor: Actor) -> Iterator[Row]:
    """A thousand rows at a time, in the order in which they were chosen. Who was deleted or given away is left out."""
    rows = wanted.rows(actor).order_by()
    for start in range(0, len(export.ids), CHUNK):
        chunk = export.ids[start : start + CHUNK]
        found = {row.pk: row for row in rows.filter(pk__in=chunk)}
        for pk in chunk:
            if pk in found:
                yield [column.value(found[pk]) for column in wanted.columns]
        try:
            cache.set(f"core:export:{export.pk}", start + len(chunk), 3600)
        except (RedisError, OSError):
            log.warning("progress_lost", export_id=export.pk)


@contextmanager
def _one_moment() -> Iterator[None]:
    """A transaction in which every chunk sees the rows as they were at the first one."""
    begun = connection.in_atomic_block  # within another nothing can be said of isolation any more
    with transaction.atomic():
        if not begun:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _fail(export: Export, why: str, at: datetime) -> None:
    Export.objects.filter(pk=export.pk).update(
        status=ExportStatus.FAILED, error=why[:300], finished_at=at, leased_until=None, updated_at=at
    )
