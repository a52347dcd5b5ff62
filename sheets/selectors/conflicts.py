"""The inbox of cells that were changed on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from core.actors import Actor
from core.models import AuditEntry
from sheets.models import Conflict, Spreadsheet
from sheets.tables import Grouping, declared, table_named

BOXES = ("open", "decided", "settled")
COUNTED = 1_000  # a box is counted so far and no further


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """One conflict, and who changed the object here last."""

    conflict: Conflict
    changed: AuditEntry | None


@dataclass(frozen=True, slots=True)
class Conflicts:
    rows: list[ConflictRow]
    next: int | None
    counts: dict[str, int]  # by box; COUNTED + 1 when there are more
    sheets: list[Spreadsheet]
    columns: list[str]
    groups: list[tuple[int, str]]  # projects, with their ids


@dataclass(frozen=True, slots=True)
class Asked:
    """What the inbox is narrowed to."""

    box: str = "open"
    sheet: int | None = None
    column: str = ""
    group: int | None = None  # a project
    since_before: datetime | None = None  # found before then
    search: str = ""


def conflicts_asked(*, actor: Actor, asked: Asked) -> QuerySet[Conflict]:
    """Those that fit."""
    rows = _boxed(Conflict.objects.visible_to(actor), asked.box)
    if asked.sheet:
        rows = rows.filter(spreadsheet=asked.sheet)
    if asked.column:
        rows = rows.filter(column=asked.column)
    if asked.group:
        rows = of_group(rows, asked.group)
    if asked.since_before:
        rows = rows.filter(created_at__lt=asked.since_before)
    text = asked.search.replace("\0", "").strip()[:100]
    if text:
        words = Q(column__icontains=text) | Q(ours__icontains=text) | Q(theirs__icontains=text)
        is_number = text.isascii() and text.isdigit() and len(text) < 10
        rows = rows.filter(words | Q(row=int(text)) if is_number else words)
    return rows  # type: ignore[no-any-return]


def of_group(rows: Any, group: int) -> Any:
    """Conflicts of the objects of this group: of the units of a project."""
    fits = Q(pk__in=[])
    for table, grouping in _groupings():
        fits |= Q(spreadsheet__table=table, link__object_id__in=grouping.objects(group))
    return rows.filter(fits)


def conflict_list(*, actor: Actor, asked: Asked, before: int | None = None, limit: int = 50) -> Conflicts:
    """Newest first, with what the filters can say. Six queries, seven when rows are shown; none counts beyond COUNTED."""
    everything = Conflict.objects.visible_to(actor)
    sheets = list(Spreadsheet.objects.visible_to(actor).google().order_by("name", "pk"))
    counts = {box: _boxed(everything, box).order_by().values("pk")[: COUNTED + 1].count() for box in BOXES}
    chosen = [each for each in sheets if asked.sheet in {None, each.pk}]
    columns = sorted({name for each in chosen for name, to in each.mapping.get("columns", {}).items() if to})
    groups = [each for _, grouping in _groupings() for each in grouping.known(actor.organization.pk)]
    rows = conflicts_asked(actor=actor, asked=asked)
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows.select_related("spreadsheet", "link", "resolved_by__user").order_by("-pk")[: limit + 1])
    following = found[limit - 1].pk if len(found) > limit else None
    return Conflicts(_told(actor, found[:limit]), following, counts, sheets, columns, groups)


def conflicts_chosen(*, actor: Actor, ids: list[int]) -> list[ConflictRow]:
    """Those that were ticked and wait for a decision or for their sync. Two queries."""
    rows = Conflict.objects.visible_to(actor).filter(pk__in=ids, settled_at__isnull=True)
    return _told(actor, list(rows.select_related("spreadsheet", "link", "resolved_by__user").order_by("-pk")))


def _groupings() -> list[tuple[str, Grouping]]:
    return [(table.name, table.grouping) for table in declared() if table.linked and table.grouping]


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
