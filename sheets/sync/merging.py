"""The merge of a linked sheet: row by row and cell by cell, in one transaction with everything that it brings in.

What is to be written into the sheet is gathered here and written afterwards, outside of the transaction: until that is
done, the row does not agree (`agreed_at`), and the next sync finds the same cells to write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson

from core import statistics
from sheets.mapping import Step
from sheets.models import Direction, RowLink, Side
from sheets.staging import BATCH, Job, Progress, StagedRow, Staging
from sheets.sync import rereading, statements
from sheets.sync.appending import rows_to_append
from sheets.sync.deciding import Cell, Decision, Verdict, decide
from sheets.sync.merged import Clash, Decided, Merged, Write, in_one_line
from sheets.tables import SKIPPED, WARNING, Issue, Link, LinkedImporter, Row, RowRefused, Run

WORTH_STATISTICS = 500

# A row of the sheet, with its number there and the id in its hidden column.
Line = tuple[int, str, list[Any]]


class LinkedStaging(Staging):
    """The state of one sync. `take_lines` all rows, then `merge`."""

    importer: LinkedImporter

    def __init__(
        self, job: Job, *, directions: dict[str, str], in_conflict: dict[tuple[str, str], Decided], keys: set[str],
        mappings: tuple[Mapping[str, Any], Mapping[str, Any]],
    ) -> None:  # fmt: skip
        """`directions`: header -> direction. `in_conflict`: (row, field) -> what was decided. `keys`: ids in the sheet.
        `mappings`: under which both sides last agreed (empty: the present one), and the present one.
        """
        super().__init__(job)
        self.directions = {step.name: directions.get(step.header, Direction.BOTH) for step in job.plan.steps}
        writable = {step.name for step in job.plan.steps if (known := job.table.field(step.name)) and known.writable}
        self.fields = frozenset(writable)
        self.in_conflict = in_conflict
        self.merged = Merged(self.result)
        self.importer.relink(job.spreadsheet_id)
        if rereading.has_other_meaning(*mappings):
            former = self._importer(replace(self.importer.run, options=mappings[0].get("options", {})))
            rereading.say_anew(
                self.cursor,
                given=self._given(),
                mappings=mappings,
                importers=(former, self.importer),
                fields=self.fields,
            )
        self.prints = self._prints()
        self.keys = keys
        self.cursor.execute(statements.AWAITED, self._given())
        self.awaited = {key for key, *_ in self.cursor.fetchall()}
        self.touched = self.importer.touched(job.spreadsheet_id) | {key for key, _ in in_conflict}
        # Rows that are not where they were: a row with a new id and the very same cells is one of them.
        self.missing = {fingerprint: key for key, fingerprint in self.prints.items() if key not in keys}
        self.has_taken = False
        self.numbers: dict[str, int] = {}  # where rows that may follow another one stand
        self.held: list[tuple[str, int, list[str]]] = []  # rows looked at, and their cells that do not agree yet
        self.cursor.execute(statements.TEMPORARY)

    def _importer(self, run: Run) -> LinkedImporter:
        assert self.job.table.linked is not None  # noqa: S101 - only such tables can be linked
        return self.job.table.linked(run)

    def take_lines(self, lines: Iterable[Line], progress: Progress) -> None:
        """Read every row below the header. What is wrong with a row is reported."""
        steps = self.job.plan.steps
        indexes = [step.index for step in steps]
        width = max(indexes) + 1
        salt = blake2b(self.job.plan.salt.encode()).digest()
        prints, touched, counts = self.prints, self.touched, self.counts
        for number, key, cells in lines:
            if len(cells) < width:
                cells = [*cells, *[""] * (width - len(cells))]
            raw = [cells[index] for index in indexes]
            counts["read"] += 1
            if counts["read"] % BATCH == 0:
                progress(number)
            fingerprint = blake2b(repr(raw).encode("utf-8", "surrogatepass"), digest_size=16, key=salt).digest()
            if prints.get(key) == fingerprint and key not in touched:
                self.numbers[key] = number
                counts["unchanged"] += 1
                continue
            if key not in prints and fingerprint in self.missing and key not in self.awaited:
                self._rekey(self.missing.pop(fingerprint), key)
                if key not in touched:
                    counts["unchanged"] += 1
                    continue
            self._read_line(number, key, fingerprint, raw)
        self._flush()
        progress(-1)

    def merge(self, *, most_missing: int | None, appends_since: datetime | None, height: int) -> Merged:
        """Bring in what was taken, archive what is gone, and find what is to be appended below row `height`.
        Raises nothing of its own: see `gone`.

        With more than `most_missing` rows gone nothing is archived, and the caller is to undo everything.
        """
        self.merged.gone, self.merged.linked = len(self.missing), len(self.prints)
        self._tell_missing()
        if most_missing is None or self.merged.gone <= most_missing:
            self._withdraw()
        self.finish()
        self._agree()
        self._echo()
        self.merged.appends = rows_to_append(
            self.cursor, given=self._given(), since=appends_since, keys=self.keys, importer=self.importer,
            present=self._present,
        )  # fmt: skip
        for row, each in enumerate(self.merged.appends, start=height + 1):
            self.merged.tell(row, each.row_key, Side.ADDED, after=in_one_line(each.cells, self.job.plan.steps))
        self.result.counts |= {
            "gone": self.merged.gone,
            "conflicts": len(self.merged.clashes),
            "written": len(self.merged.writes),
            "appended": len(self.merged.appends),
        }
        return self.merged

    def _given(self) -> dict[str, Any]:
        return {"organization": self.job.organization_id, "spreadsheet": self.job.spreadsheet_id, "at": self.job.at}

    def _prints(self) -> dict[str, bytes]:
        self.cursor.execute(statements.PRINTS, self._given())
        return {key: bytes(fingerprint) for key, fingerprint in self.cursor.fetchall()}

    def _fingerprints(self) -> dict[bytes, int]:
        return {}  # of file imports; rows here are known by their ids

    def _rekey(self, before: str, after: str) -> None:
        self.cursor.execute(statements.REKEY, self._given() | {"before": before, "after": after})
        self.prints[after] = self.prints.pop(before)
        if before in self.touched:
            self.touched.add(after)

    def _read_line(self, number: int, key: str, fingerprint: bytes, raw: list[Any]) -> None:
        values = self._values(raw)
        noise = (
            None if key in self.prints or key in self.awaited else self._noise(values) if values else ("empty_row", "")
        )
        if noise:
            self.counts["read"] -= noise[0] == "empty_row"
            if noise[1]:
                self._skip(number, *noise)
            return
        self.batch.append(StagedRow(number, fingerprint, key, values | dict(self.job.plan.constants)))
        if len(self.batch) == BATCH:
            self._flush()

    def _flush(self) -> None:
        if not self.batch:
            return
        keys = [row.key for row in self.batch]
        links, dead = self._known_links(keys)
        present = self._present(links)
        staged: list[tuple[int, str, bytes, str, bool]] = []
        for row in self.batch:
            link = links.get(row.key)
            if row.key in dead:
                self.issues.add(
                    Issue(row.number, SKIPPED, "deleted_here", "This was deleted in Majlis: restore it from the trash "
                          "there, or delete the row here.")
                )  # fmt: skip
                continue
            if link is None:
                base, agreed = self._take_new(row), False
            else:
                base, agreed = self._take_known(row, link, present.get(row.key, {}))
            if base is not None:
                staged.append((row.number, row.key, row.fingerprint, orjson.dumps(base).decode(), agreed))
        with self.cursor.copy("COPY sheets_import_link FROM STDIN") as copy:
            for line in staged:
                copy.write_row(line)
        self.batch.clear()

    def _take_new(self, row: StagedRow) -> dict[str, str] | None:
        """At first meeting the sheet's cells come in, whatever their direction: there is nothing to compare them with."""
        try:
            self.importer.key(row.values)
            self.importer.add(Row(row.number, row.values))
        except RowRefused as refusal:
            self._refuse(row.number, refusal, row.values)
            return None
        self._count(row, None, None)
        self.merged.tell(row.number, row.key, Side.NEW, after=in_one_line(row.values, self.job.plan.steps))
        self.held.append((row.key, row.number, []))
        return dict(row.values)

    def _take_known(self, row: StagedRow, link: Link, ours: dict[str, str]) -> tuple[dict[str, str] | None, bool]:
        """Decide every cell. What is not taken stays in the row as it was when both agreed."""
        base, values = dict(link.base), {**link.base}
        taken: set[str] = set()
        held: list[str] = []
        erased: set[str] = set()
        told = len(self.merged.changes), self.merged.told.copy()
        for step in self.job.plan.steps:
            name, theirs = step.name, row.values.get(step.name, "")
            cell = Cell(
                base=link.base.get(name, ""),
                theirs=theirs,
                canonical=self.importer.canonical(name, theirs) if name in self.fields else theirs,
                was=link.app.get(name, "") if name in self.fields else None,
                ours=ours.get(name, "") if name in self.fields else None,
            )
            decided = self.in_conflict.get((row.key, name))
            holds = decided and (decided.ours, decided.theirs) == (cell.ours, theirs)
            decision = decide(cell, self.directions[name], decided.resolution if decided and holds else "")
            if decided and decision.verdict not in {
                Verdict.CONFLICT,
                Verdict.WRITE,
            }:  # a write settles it when it is done
                self.merged.settled.append((row.key, name))
            self._carry_out(row, link, step, cell, decision, taken, held)
            if decision.verdict is Verdict.ERASE:
                erased.add(step.name)
            if decision.verdict in {Verdict.TAKE, Verdict.ERASE, Verdict.AGREE}:
                base[name] = theirs
                values[name] = theirs
            if not base.get(name):
                base.pop(name, None)
                values.pop(name, None)
        for name, text in self.job.plan.constants.items():
            if link.base.get(name, "") != text:
                known = self.job.table.field(name)
                label, before = known.label if known else name, ours.get(name, link.base.get(name, ""))
                taken.add(name)
                self.merged.tell(row.number, row.key, Side.APP, name=name, column=label, before=before, after=text)
            base[name] = text
        try:
            if taken:
                self.has_taken = True
                self.importer.add(Row(row.number, values | dict(self.job.plan.constants), link, frozenset(taken)))
        except RowRefused as refusal:
            self._refuse(row.number, refusal, row.values)
            del self.merged.changes[told[0] :]
            self.merged.told = told[1]
            return None, False
        self._count(row, link, frozenset(taken | erased))
        self.held.append((row.key, row.number, held))
        return base, not taken

    def _carry_out(
        self, row: StagedRow, link: Link, step: Step, cell: Cell, decision: Decision, taken: set[str], held: list[str]
    ) -> None:
        verdict, ours = decision.verdict, cell.ours or ""
        if verdict is Verdict.TAKE:
            taken.add(step.name)
        elif verdict is Verdict.ERASE:
            known = Row(row.number, row.values, link)
            self.has_taken = True
            if not self.importer.erase(known, step.name):
                message = "The cell was emptied; what Majlis knows is kept all the same."
                self.issues.add(Issue(row.number, WARNING, "kept_though_emptied", message, step.name, cell.base))
                return
        elif verdict is Verdict.WRITE:
            self.merged.writes.append(Write(row.key, row.number, step, cell.theirs, ours))
            held.append(step.name)
        elif verdict is Verdict.CONFLICT:
            self.merged.clashes.append(Clash(row.key, row.number, step, cell.base, ours, cell.theirs))
            held.append(step.name)
            self.merged.tell(
                row.number, row.key, Side.CLASH, name=step.name, column=step.header, before=ours, after=cell.theirs
            )
        if verdict in {Verdict.TAKE, Verdict.ERASE, Verdict.WRITE}:
            into_sheet = verdict is Verdict.WRITE
            side, before, after = (Side.SHEET, cell.theirs, ours) if into_sheet else (Side.APP, ours, cell.theirs)
            self.merged.tell(row.number, row.key, side, name=step.name, column=step.header, before=before, after=after)
        if decision.overruled:
            whose = "Majlis owns this column" if verdict is Verdict.WRITE else "The sheet owns this column"
            lost = cell.theirs if verdict is Verdict.WRITE else ours
            message = f"{whose}: {lost!r} was set aside."
            self.issues.add(Issue(row.number, WARNING, "column_is_owned", message, step.name, lost))

    def _known_links(self, keys: list[str]) -> tuple[dict[str, Link], set[str]]:
        """Links of these rows; and the rows whose object was deleted in Majlis."""
        self.cursor.execute(statements.LINKS, self._given() | {"keys": keys})
        found = self.cursor.fetchall()
        alive = self.importer.alive([object_id for _, object_id, *_ in found])
        links = {
            key: Link(object_id, related_id, _loaded(base), _loaded(app))
            for key, object_id, related_id, base, app, _ in found
            if object_id in alive
        }
        back = [key for key, *_, gone_at in found if gone_at is not None and key in links]
        if back:  # before they are compared with what Majlis has
            self.cursor.execute(statements.BACK, self._given() | {"keys": back})
            self.importer.restore({unit: state for unit, state in self.cursor.fetchall() if state})
        return links, {key for key, object_id, *_ in found if object_id not in alive}

    def _present(self, links: dict[str, Link]) -> dict[str, dict[str, str]]:
        if not links:
            return {}
        pairs = "(SELECT * FROM unnest(%(row_keys)s::text[], %(objects)s::bigint[], %(related)s::bigint[])"
        pairs += " AS u(row_key, object_id, related_id))"
        statement, given = self.importer.present(pairs, self.fields)
        given = given | {
            "row_keys": list(links),
            "objects": [link.object_id for link in links.values()],
            "related": [link.related_id for link in links.values()],
        }
        self.cursor.execute(statement, given)
        return {key: _loaded(app) for key, app in self.cursor.fetchall()}

    def _tell_missing(self) -> None:
        if self.missing:
            self.cursor.execute(statements.WHAT_IS_GONE, self._given() | {"keys": list(self.missing.values())})
            for key, row, base in self.cursor.fetchall():
                self.merged.tell(row or 0, key, Side.GONE, before=in_one_line(_loaded(base), self.job.plan.steps))

    def _withdraw(self) -> None:
        """Rows that are in the sheet no more: their objects are archived, unless another row speaks of them."""
        if not self.missing:
            return
        self.cursor.execute(statements.GONE, self._given() | {"keys": list(self.missing.values())})
        orphans = [object_id for (object_id,) in self.cursor.fetchall()]
        states = self.importer.withdraw(orphans)
        for object_id, state in states.items():
            self.cursor.execute(statements.WITHDRAWN, self._given() | {"object": object_id, "state": state})
        self.counts["archived"] = len(states)

    def _agree(self) -> None:
        """Keep what Majlis has now, of the rows that were looked at: that is what they agreed on."""
        with self.cursor.copy("COPY sheets_sync_row FROM STDIN") as copy:
            for line in self.held:
                copy.write_row(line)
        self.cursor.execute("ANALYZE sheets_sync_row")
        if len(self.held) > WORTH_STATISTICS:  # of links that were made just now the planner knows nothing
            statistics.refresh([RowLink])
        statement, given = self.importer.present(statements.LOOKED_AT, self.fields)
        self.cursor.execute(statements.PRESENT.format(present=statement), given | self._given())
        self.cursor.execute(statements.AGREE, self._given())

    def _echo(self) -> None:
        """Other rows of what was changed just now follow it, in this very sync: co-owners' rows say one thing of a unit."""
        if not self.has_taken:
            return
        self.cursor.execute(statements.SIBLINGS, self._given())
        links, _ = self._known_links([key for (key,) in self.cursor.fetchall()])
        present = self._present(links)
        steps = {step.name: step for step in self.job.plan.steps}
        for key, link in links.items():
            accepted, wanted = {}, []
            for name in sorted(self.fields):
                ours, theirs = present.get(key, {}).get(name, ""), link.base.get(name, "")
                if ours == link.app.get(name, ""):
                    continue
                if self.directions[name] == Direction.SHEET or self.importer.canonical(name, theirs) == ours:
                    accepted[name] = ours
                else:
                    wanted.append(Write(key, self.numbers.get(key, 0), steps[name], theirs, ours))
            if accepted:
                given = {"key": key, "app": orjson.dumps(accepted).decode(), "agreed": not wanted}
                self.cursor.execute(statements.ACCEPT, self._given() | given)
            for write in wanted:
                self.merged.writes.append(write)
                self.merged.tell(
                    write.row, key, Side.SHEET, name=write.step.name, column=write.step.header, before=write.theirs,
                    after=write.text,
                )  # fmt: skip


def _loaded(document: Any) -> dict[str, str]:
    return orjson.loads(document) if isinstance(document, str) else dict(document)
