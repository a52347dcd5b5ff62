"""The inbox of cells that were changed on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from core.actors import Actor
from core.models import AuditEntry
from sheets.models import Conflict, Spreadsheet
from sheets.tables import table_named

BOXES = ("open", "decided", "settled")


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """One conflict, and who changed the object here last."""

    conflict: Conflict
    changed: AuditEntry | None


@dataclass(frozen=True, slots=True)
class Conflicts:
    rows: list[ConflictRow]
    next: int | None
    counts: dict[str, int]  # by box
    sheets: list[Spreadsheet]
    columns: list[str]


def conflict_list(
    *,
    actor: Actor,
    box: str = "open",
    sheet: int | None = None,
    column: str = "",
    search: str = "",
    before: int | None = None,
    limit: int = 50,
) -> Conflicts:
    """Newest first, with what the filters can say. Four queries, five when rows are shown."""
    everything = Conflict.objects.visible_to(actor)
    sheets = list(Spreadsheet.objects.visible_to(actor).google().order_by("name", "pk"))
    counts = everything.aggregate(
        open=Count("pk", filter=Q(resolution="", settled_at__isnull=True)),
        decided=Count("pk", filter=Q(settled_at__isnull=True) & ~Q(resolution="")),
        settled=Count("pk", filter=Q(settled_at__isnull=False)),
    )
    rows = _boxed(everything, box)
    columns = sorted(rows.order_by().values_list("column", flat=True).distinct())
    if sheet:
        rows = rows.filter(spreadsheet=sheet)
    if column:
        rows = rows.filter(column=column)
    text = search.replace("\0", "").strip()[:100]
    if text:
        words = Q(column__icontains=text) | Q(ours__icontains=text) | Q(theirs__icontains=text)
        is_number = text.isascii() and text.isdigit() and len(text) < 10
        rows = rows.filter(words | Q(row=int(text)) if is_number else words)
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows.select_related("spreadsheet", "link", "resolved_by__user").order_by("-pk")[: limit + 1])
    following = found[limit - 1].pk if len(found) > limit else None
    return Conflicts(_told(actor, found[:limit]), following, counts, sheets, columns)


def conflicts_chosen(*, actor: Actor, ids: list[int]) -> list[ConflictRow]:
    """Those that were ticked and wait for a decision or for their sync. Two queries."""
    rows = Conflict.objects.visible_to(actor).filter(pk__in=ids, settled_at__isnull=True)
    return _told(actor, list(rows.select_related("spreadsheet", "link", "resolved_by__user").order_by("-pk")))


def _boxed(rows: Any, box: str) -> Any:
    if box == "decided":
        return rows.resolved()
    return rows.filter(settled_at__isnull=False) if box == "settled" else rows.open()


def _told(actor: Actor, conflicts: list[Conflict]) -> list[ConflictRow]:
    """Who changed each object in Majlis last: what the trail says of it."""
    targets: dict[str, set[int]] = {}
    for conflict in conflicts:
        targets.setdefault(table_named(conflict.spreadsheet.table).target, set()).add(conflict.link.object_id)
    latest: dict[tuple[str, int], AuditEntry] = {}
    for target, ids in targets.items():
        entries = AuditEntry.objects.filter(organization=actor.organization, target_type=target, target_id__in=ids)
        for entry in entries.select_related("user").order_by("target_id", "-pk").distinct("target_id"):
            latest[target, entry.target_id] = entry
    return [
        ConflictRow(each, latest.get((table_named(each.spreadsheet.table).target, each.link.object_id)))
        for each in conflicts
    ]
