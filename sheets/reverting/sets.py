"""Taking back what one import did, set by set: what it made is hidden, what it changed is set back, as far as nobody has
used or changed it since.

Knows no business: which rows an import made and changed was written down while it ran (ImportCreation, ImportChange), and
what uses a row is found from the foreign keys of every model. Runs inside the caller's transaction.

Made rows are hidden under one Deletion rather than removed: the trail, look-ups of numbers and histories still point at
them, some of those tables cannot be deleted from, and a reversal made by mistake can be brought back from the trash.
Rows of tables without that (types, row links) are removed.
"""

# ruff: noqa: S608 - the names put into statements are those of our own tables and columns

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from core import audit
from core.encryption import EncryptedTextField
from core.models import SoftDeleteModel, TenantModel
from sheets.models import ImportRun, ReversalKept, RowLink
from sheets.reverting import statements
from sheets.tables import Table, declared

LINKS = RowLink._meta.label_lower
MOST_KEPT = 10_000  # rows that are listed one by one; the counts are always whole
EDITED, USED, PART, LISTED, NAMED, CHANGED, GONE, TAKEN = (
    "edited", "used", "part", "listed", "named", "changed", "gone", "taken",
)  # fmt: skip
REASONS = {
    EDITED: "Changed since the import.",
    USED: "Used since, by {detail}.",
    PART: "Part of something that stays.",
    LISTED: "Another sheet has it too.",
    NAMED: "Rows in the trash still name it.",
    CHANGED: "Changed again since: it keeps its present value.",
    GONE: "Deleted since: there is nothing to set back.",
    TAKEN: "Another row has the old value now.",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a reversal does, or would do. Counts are by target type, and by reason for what stays."""

    removed: dict[str, int] = field(default_factory=dict)
    restored: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        return {"removed": self.removed, "restored": self.restored, "kept": self.kept}


class Reverting:
    """One reversal. `plan` reads; `carry_out` does what was planned in the same transaction."""

    def __init__(self, run: ImportRun, table: Table) -> None:
        self.run, self.table = run, table
        self.organization = run.organization_id
        self.cursor = connection.cursor()
        self.cursor.execute(statements.TEMPORARY)
        self.made = self._types("sheets_importcreation")
        self.altered = self._types("sheets_importchange")

    def plan(self, *, lock: bool, beat: Callable[[], None] = lambda: None) -> Plan:
        """Find what may be taken away and what may be set back. With `lock` it stays so until the transaction ends."""
        for model in self._objects(self.made):
            self._gather(model, lock=lock)
            beat()
        self._analyze()
        for model in self._objects(self.made):
            self._mark_edited(model)
            beat()
        self._mark_listed()
        outer, inner = self._references()
        for use in outer:
            self._mark_used(*use)
        while any([self._mark_used(*use) for use in inner] + [self._mark_parts(*part) for part in self._parts()]):
            beat()
        if LINKS in self.made:
            self._gather_links()
        for model in self._objects(self.altered):
            self._compare(model, lock=lock)
            beat()
        return Plan(
            removed=self._count(
                "SELECT target_type, count(*) FROM sheets_revert_row WHERE why = '' AND target_type <> %s"
            ),
            restored=self._count(
                "SELECT target_type, count(*) FROM sheets_revert_change WHERE back <> '{}' AND target_type <> %s"
            ),
            kept=self._count(
                "SELECT why, count(*) FROM (SELECT why, target_type FROM sheets_revert_row WHERE why <> '' UNION ALL "
                "SELECT why, target_type FROM sheets_revert_change WHERE why <> '') k WHERE target_type <> %s"
            ),
        )

    def carry_out(self, *, deletion_id: int, at: datetime) -> dict[str, int]:
        """Do it. Returns how many rows could not be set back because their old value belongs to another row now."""
        for model in self._objects(self.made):
            self._take_away(model, deletion_id, at)
        taken = sum(self._set_back(model, at) for model in self._objects(self.altered))
        self._unlink()
        return {TAKEN: taken} if taken else {}

    def hidden(self) -> int:
        """How many rows are to be taken away in all."""
        self.cursor.execute("SELECT count(*) FROM sheets_revert_row WHERE why = '' AND target_type <> %s", [LINKS])
        return int(self.cursor.fetchone()[0])

    def close(self) -> None:
        self.cursor.execute("DROP TABLE IF EXISTS sheets_revert_row, sheets_revert_change")

    # What stays, row by row.

    def kept(self, limit: int = MOST_KEPT) -> list[ReversalKept]:
        """What stays and why: in words, with what it is now and who changed it. Unsaved."""
        self.cursor.execute(
            """
            SELECT target_type, id, why, detail, NULL FROM sheets_revert_row WHERE why <> '' AND target_type <> %s
             UNION ALL
            SELECT target_type, id, why, '', left_alone::text FROM sheets_revert_change WHERE why <> '' AND target_type <> %s
             ORDER BY 3, 1, 2 LIMIT %s
            """,
            [LINKS, LINKS, limit],
        )
        found = self.cursor.fetchall()
        labels = self._labels(found)
        authors = self._authors([(kind, pk) for kind, pk, why, _, _ in found if why in {EDITED, CHANGED}])
        rows: list[ReversalKept] = []
        for kind, pk, why, detail, left in found:
            message = REASONS[why].format(detail=detail)
            for name, value, by, when in _told(kind, left, authors.get((kind, pk), {})):
                rows.append(
                    ReversalKept(
                        organization_id=self.organization, target_type=kind, target_id=pk, code=why, message=message,
                        label=labels.get((kind, pk), "")[:200], field=name[:60], value=value[:200], by=by[:200], at=when,
                    )
                )  # fmt: skip
        return rows

    def _labels(self, found: list[Any]) -> dict[tuple[str, int], str]:
        labels: dict[tuple[str, int], str] = {}
        for kind in {line[0] for line in found}:
            model = apps.get_model(kind)
            ids = [pk for each, pk, *_ in found if each == kind]
            for row in model._default_manager.filter(organization_id=self.organization, pk__in=ids):
                labels[kind, row.pk] = str(row).removesuffix(f" ({row.pk})")
        return labels

    def _authors(
        self, rows: list[tuple[str, int]]
    ) -> dict[tuple[str, int], dict[str, tuple[str, str, datetime | None]]]:
        """For each row, the fields changed since: what each became, by whom and when."""
        since: dict[tuple[str, int], dict[str, tuple[str, str, datetime | None]]] = {}
        for kind in {kind for kind, _ in rows}:
            ids = [pk for each, pk in rows if each == kind]
            self.cursor.execute(
                statements.AUTHORS, {"organization": self.organization, "kind": kind, "ids": ids, "run": self.run.pk}
            )
            for pk, name, value, by, when in self.cursor.fetchall():
                since.setdefault((kind, pk), {})[name] = (value or "", by, when)
        return since

    # What was made.

    def _types(self, table: str) -> set[str]:
        self.cursor.execute(
            f"SELECT DISTINCT target_type FROM {table} WHERE organization_id = %s AND run_id = %s",
            [self.organization, self.run.pk],
        )
        return {kind for (kind,) in self.cursor.fetchall()}

    def _objects(self, kinds: set[str]) -> list[type[TenantModel]]:
        return [apps.get_model(kind) for kind in sorted(kinds - {LINKS})]

    def _gather(self, model: type[TenantModel], *, lock: bool) -> None:
        kind, table = model._meta.label_lower, model._meta.db_table
        given: dict[str, Any] = {"organization": self.organization, "run": self.run.pk, "kind": kind}
        ids = "SELECT unnest(ids) FROM sheets_importcreation WHERE organization_id = %(organization)s AND run_id = %(run)s "
        ids += "AND target_type = %(kind)s"
        if lock:
            # Whoever is just about to use one of them is waited for, and then seen.
            self.cursor.execute(
                f"SELECT id FROM {table} WHERE organization_id = %(organization)s AND id IN ({ids}) ORDER BY id FOR UPDATE",
                given,
            )
        self.cursor.execute(
            f"INSERT INTO sheets_revert_row SELECT %(kind)s, t.id, '', '' FROM {table} t "
            f"WHERE t.organization_id = %(organization)s AND t.id IN ({ids}){_live(model, 't')}",
            given,
        )

    def _analyze(self) -> None:
        self.cursor.execute("CREATE UNIQUE INDEX ON sheets_revert_row (target_type, id); ANALYZE sheets_revert_row")

    def _mark_edited(self, model: type[TenantModel]) -> None:
        """Written by a person, by another import that stands, or by anything else since it was made."""
        kind, table = model._meta.label_lower, model._meta.db_table
        given: dict[str, Any] = {"organization": self.organization, "run": self.run.pk, "kind": kind}
        self.cursor.execute(statements.EDITED.format(table=table), given)

    def _mark_listed(self) -> None:
        if self.table.target in self.made:
            given: dict[str, Any] = {"organization": self.organization, "run": self.run.pk, "links": LINKS}
            given["kind"] = self.table.target
            given["tables"] = [table.name for table in declared() if table.target == self.table.target]
            self.cursor.execute(statements.LISTED, given)

    def _references(self) -> tuple[list[Any], list[Any]]:
        """Every foreign key that points at a table of ours: from tables this import did not fill, and from its own.

        Tables that are only ever added to (trails, histories, look-ups) or only guess (possible duplicates) remember a
        row; they do not use it.
        """
        outer: list[Any] = []
        inner: list[Any] = []
        for model in apps.get_models():
            if not issubclass(model, TenantModel) or model.only_remembers or "UPDATE" not in model.database_privileges:
                continue
            for key in model._meta.local_concrete_fields:
                target = key.related_model if isinstance(key, models.ForeignKey) else None
                if isinstance(target, type) and target._meta.label_lower in self.made - {LINKS}:
                    use = (model, key.column, target)
                    (inner if model._meta.label_lower in self.made else outer).append(use)
        return outer, inner

    def _mark_used(self, model: type[TenantModel], column: str, target: type[TenantModel]) -> int:
        hides = issubclass(target, SoftDeleteModel)
        given: dict[str, Any] = {
            "organization": self.organization, "target": target._meta.label_lower, "kind": model._meta.label_lower,
            "why": USED if hides else NAMED, "detail": str(model._meta.verbose_name),
        }  # fmt: skip
        # What is only hidden may still be named by hidden rows; what is removed may be named by none.
        live = _live(model, "c") if hides else ""
        going = "AND g.why = ''" if hides else f"AND g.why = '' AND {not issubclass(model, SoftDeleteModel)}"
        self.cursor.execute(
            statements.USED.format(table=model._meta.db_table, column=column, live=live, going=going), given
        )
        return int(self.cursor.rowcount)

    def _parts(self) -> Iterator[tuple[type[TenantModel], str, str]]:
        for kind, name in self.table.parts:
            model = apps.get_model(kind)
            key = model._meta.get_field(name)
            yield model, key.column, key.related_model._meta.label_lower

    def _mark_parts(self, model: type[TenantModel], column: str, whole: str) -> int:
        given: dict[str, Any] = {"organization": self.organization, "kind": model._meta.label_lower, "whole": whole}
        self.cursor.execute(statements.PARTS.format(table=model._meta.db_table, column=column), given)
        return int(self.cursor.rowcount)

    def _gather_links(self) -> None:
        """A link goes unless what it leads to stays, or another import has it now."""
        given: dict[str, Any] = {
            "organization": self.organization,
            "run": self.run.pk,
            "links": LINKS,
            "kind": self.table.target,
        }
        self.cursor.execute(statements.LINKS_GOING, given)

    def _take_away(self, model: type[TenantModel], deletion_id: int, at: datetime) -> None:
        table = model._meta.db_table
        given: list[Any] = [self.organization, model._meta.label_lower]
        where = "t.organization_id = %s AND r.target_type = %s AND r.id = t.id AND r.why = ''"
        if issubclass(model, SoftDeleteModel):
            self.cursor.execute(
                f"UPDATE {table} t SET deleted_at = %s, deletion_id = %s FROM sheets_revert_row r WHERE {where}",
                [at, deletion_id, *given],
            )
        else:
            self.cursor.execute(f"DELETE FROM {table} t USING sheets_revert_row r WHERE {where}", given)

    # What was changed.

    def _compare(self, model: type[TenantModel], *, lock: bool) -> None:
        """Field by field: what is still as the import left it goes back, the rest stays."""
        table = model._meta.db_table
        given: dict[str, Any] = {"organization": self.organization, "run": self.run.pk, "kind": model._meta.label_lower}
        if lock:
            self.cursor.execute(statements.LOCK_CHANGED.format(table=table), given)
        self.cursor.execute(statements.COMPARE.format(table=table, live=_live(model, "t")), given)

    def _set_back(self, model: type[TenantModel], at: datetime) -> int:
        """All at once; where the old value of one belongs to another row by now, one by one, and that one stays."""
        kind = model._meta.label_lower
        self.cursor.execute(
            "SELECT DISTINCT k FROM sheets_revert_change c, jsonb_object_keys(c.back) k WHERE c.target_type = %s",
            [kind],
        )
        known = {each.column for each in model._meta.concrete_fields}
        columns = sorted(name for (name,) in self.cursor.fetchall() if name in known)
        if not columns:
            return 0
        statement = statements.SET_BACK.format(
            table=model._meta.db_table,
            columns=", ".join(f'"{name}"' for name in columns),
            values=", ".join(f'x."{name}"' for name in columns),
        )
        given: dict[str, Any] = {"organization": self.organization, "kind": kind, "at": at}
        try:
            with transaction.atomic():
                self.cursor.execute(statement, {**given, "only": None})
        except IntegrityError:
            return self._set_back_one_by_one(model._meta.db_table, statement, given)
        return 0

    def _set_back_one_by_one(self, table: str, statement: str, given: dict[str, Any]) -> int:
        self.cursor.execute(
            "SELECT id FROM sheets_revert_change WHERE target_type = %s AND back <> '{}' ORDER BY id", [given["kind"]]
        )
        taken: list[int] = []
        for (pk,) in self.cursor.fetchall():
            try:
                with transaction.atomic():
                    self.cursor.execute(statement, {**given, "only": pk})
            except IntegrityError:
                taken.append(pk)
        self.cursor.execute(
            statements.LEAVE.format(table=table),
            {"why": TAKEN, "ids": taken, "kind": given["kind"], "organization": self.organization},
        )
        return len(taken)

    def _unlink(self) -> None:
        """Row links as they were before: removed, or with the values on which sheet and table agreed then."""
        given: dict[str, Any] = {"organization": self.organization, "run": self.run.pk, "links": LINKS}
        own = [
            str(each.column) for each in RowLink._meta.concrete_fields if each.column not in {"id", "organization_id"}
        ]
        self.cursor.execute(statements.UNLINK, given)
        self.cursor.execute(statements.FORGET, given)
        columns, values = ", ".join(own), ", ".join(f"x.{name}" for name in own)
        self.cursor.execute(statements.RELINK.format(columns=columns, values=values), given)

    def _count(self, statement: str) -> dict[str, int]:
        self.cursor.execute(f"{statement} GROUP BY 1 ORDER BY 1", [LINKS])
        return dict(self.cursor.fetchall())


def _live(model: type[TenantModel], alias: str) -> str:
    return f" AND {alias}.deleted_at IS NULL" if issubclass(model, SoftDeleteModel) else ""


def _told(
    kind: str, left: str | None, since: Mapping[str, tuple[str, str, datetime | None]]
) -> Iterator[tuple[Any, ...]]:
    """Field, present value, by whom and when: for every field that was changed since, else once for the row."""
    if left is None:
        for name, (value, by, when) in since.items():
            yield name, value, by, when
        if not since:
            yield "", "", "", None
        return
    model = apps.get_model(kind)
    secret = {each.column for each in model._meta.concrete_fields if isinstance(each, EncryptedTextField)}
    present = orjson.loads(left)
    for name, value in present.items():
        shown = audit.HIDDEN if name in secret else "" if value is None else str(value)
        _, by, when = since.get(name, since.get(name.removesuffix("_id"), ("", "", None)))
        yield name, shown, by, when
    if not present:
        yield "", "", "", None
