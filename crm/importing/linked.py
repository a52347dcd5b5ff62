"""Units in linked sheets: what was changed here since, who the owner of a row is now, and rows that come and go."""

# ruff: noqa: S608 - the names put into statements are our own

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

from crm.importing import present
from crm.importing.owners import PHONE_FIELDS
from crm.importing.units import TEXTS, UnitImporter
from crm.names import divide, is_company, normalize_name, tidy
from sheets.tables import CHANGED, WARNING, Issue, Link, Row, Run

# What emptying a cell does to its column; what is not here is not taken from anybody by an empty cell.
_EMPTY = {name: "''" for name in TEXTS if name not in {"p_number", "registration", "unit_number"}} | {
    "bedrooms": "NULL", "bathrooms": "NULL", "area_size": "NULL", "asking_price": "NULL", "latitude": "NULL",
    "longitude": "NULL", "purpose": "''",
}  # fmt: skip
_COLUMNS = {"area_size": "area_sqm", "asking_price": "asking_price_minor"}
_ALIKE = 0.72

# A change that began before our snapshot and was saved after it has an older time than the agreement: look back.
_MARGIN = "interval '5 minutes'"


class LinkedUnitImporter(UnitImporter):
    """See sheets.tables.LinkedImporter."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.given = present.parameters(run.organization_id, run.options, run.currency)
        self.renamed: dict[int, str] = {}
        self.succeeded: set[tuple[int, int]] = set()  # unit, former owner

    def relink(self, spreadsheet_id: int) -> None:
        self.cursor.execute(_RELINK, self.given | {"spreadsheet": spreadsheet_id})

    def touched(self, spreadsheet_id: int) -> set[str]:
        self.cursor.execute(_TOUCHED, self.given | {"spreadsheet": spreadsheet_id})
        return {key for (key,) in self.cursor.fetchall()}

    def unlisted(self, spreadsheet_id: int, since: datetime, most: int) -> list[tuple[int, int | None]]:
        """Units of the projects that the sheet lists, with the owner that stands first."""
        given = self.given | {"spreadsheet": spreadsheet_id, "since": since, "most": max(0, most)}
        self.cursor.execute(_UNLISTED, given)
        return [(unit, owner) for unit, owner in self.cursor.fetchall()]

    def present(self, pairs: str, fields: frozenset[str]) -> tuple[str, dict[str, Any]]:
        return present.statement(pairs, fields), self.given

    def canonical(self, field: str, text: str) -> str:
        return present.canonical(
            field, text, currency=self.run.currency, region=self.run.region, area_unit=self.given["area_unit"]
        )

    def add(self, row: Row) -> None:
        """A name that was changed in the sheet is another spelling of the owner, or another owner."""
        if row.link and row.link.related_id and row.changed and "owner_name" in row.changed:
            row = self._with_owner(row, row.link, row.link.related_id)
        super().add(row)

    def erase(self, row: Row, field: str) -> bool:
        """Identifiers, the project, and what is known of the owner are not erased by an empty cell."""
        if field not in _EMPTY or row.link is None:
            return False
        column = _COLUMNS.get(field, field)
        also = ", price_note = ''" if field == "asking_price" else ""
        statement = _ERASE.format(column=column, empty=_EMPTY[field], also=also)
        self.cursor.execute(statement, self.given | {"unit": row.link.object_id})
        return True

    def withdraw(self, object_ids: list[int]) -> dict[int, str]:
        self.cursor.execute(_WITHDRAW, self.given | {"units": object_ids})
        return dict(self.cursor.fetchall())

    def restore(self, states: Mapping[int, str]) -> None:
        for unit, status in states.items():
            self.cursor.execute(_RESTORE, self.given | {"unit": unit, "status": status})

    def finish(self) -> dict[str, int]:
        for contact, name in self.renamed.items():
            self._rename(contact, name)
        # Former owners leave first: a unit has one primary owner at every instant.
        for unit, contact in self.succeeded:
            self.cursor.execute(_SUCCEED, self.given | {"unit": unit, "contact": contact})
        return super().finish()

    def _with_owner(self, row: Row, link: Link, owner: int) -> Row:
        name = tidy(row.values.get("owner_name", ""))
        former = link.base.get("owner_name", "")
        if self._same_person(former, name):
            self.renamed[owner] = name
            return row
        self.succeeded.add((link.object_id, owner))
        message = f"{former or 'Nobody'} was the owner until now: kept as a former owner, with all that is known."
        self.run.report(Issue(row.number, WARNING, "owner_changed", message, "owner_name", name))
        # The former owner's numbers that nobody changed in the row are not the new owner's.
        stale = {field for field in (*PHONE_FIELDS, "email") if row.changed and field not in row.changed}
        mine = {field: text for field, text in row.values.items() if field not in stale or field not in link.base}
        return replace(row, values=mine, link=Link(link.object_id, None, link.base))

    def _same_person(self, former: str, name: str) -> bool:
        """Another spelling, or a name that got longer or shorter. A number in common says nothing: families share."""
        before, after = normalize_name(former), normalize_name(name)
        if not before or SequenceMatcher(None, before, after).ratio() >= _ALIKE:
            return True
        words, others = set(before.split()), set(after.split())
        return words <= others or others <= words

    def _rename(self, contact: int, name: str) -> None:
        first, last = ("", "") if is_company(name) else divide(name)
        given = {"contact": contact, "name": name, "normalized": normalize_name(name), "first": first, "last": last}
        self.cursor.execute(_RENAME, self.given | given)


# A row whose owner is the unit's owner no longer follows to the present one: the primary one that no other row names.
_RELINK = """
    UPDATE sheets_rowlink l SET related_id = o.contact_id
      FROM (
        SELECT DISTINCT ON (l.id) l.id, o.contact_id
          FROM sheets_rowlink l
          JOIN crm_ownership o ON o.organization_id = %(organization)s AND o.property_id = l.object_id
               AND o.until IS NULL AND o.deleted_at IS NULL
         WHERE l.organization_id = %(organization)s AND l.spreadsheet_id = %(spreadsheet)s AND l.gone_at IS NULL
           AND l.related_id IS NOT NULL
           AND NOT EXISTS (
               SELECT FROM crm_ownership still
                WHERE still.organization_id = %(organization)s AND still.property_id = l.object_id
                  AND still.contact_id = l.related_id AND still.until IS NULL AND still.deleted_at IS NULL)
           AND NOT EXISTS (
               SELECT FROM sheets_rowlink other
                WHERE other.organization_id = %(organization)s AND other.object_id = l.object_id
                  AND other.spreadsheet_id = l.spreadsheet_id AND other.related_id = o.contact_id)
         ORDER BY l.id, o.is_primary DESC, o.id
      ) o
     WHERE l.id = o.id AND l.organization_id = %(organization)s
"""

_SINCE = f"""
    ({{0}}.updated_at > l.agreed_at OR ({{0}}.updated_at > l.agreed_at - {_MARGIN} AND {{0}}.updated_at <> l.agreed_at))
"""
_TOUCHED = f"""
    SELECT l.row_key FROM sheets_rowlink l
      JOIN crm_property p ON p.organization_id = %(organization)s AND p.id = l.object_id
      LEFT JOIN crm_contact c ON c.organization_id = %(organization)s AND c.id = l.related_id
     WHERE l.organization_id = %(organization)s AND l.spreadsheet_id = %(spreadsheet)s AND l.gone_at IS NULL
       AND (l.agreed_at IS NULL OR p.deleted_at IS NOT NULL OR {_SINCE.format("p")} OR {_SINCE.format("c")})
    UNION
    SELECT l.row_key FROM sheets_rowlink l
      JOIN crm_contactpoint k ON k.organization_id = %(organization)s AND k.contact_id = l.related_id
     WHERE l.organization_id = %(organization)s AND l.spreadsheet_id = %(spreadsheet)s AND l.gone_at IS NULL
       AND {_SINCE.format("k")}
    UNION
    SELECT l.row_key FROM sheets_rowlink l
      JOIN crm_ownership o ON o.organization_id = %(organization)s AND o.property_id = l.object_id
     WHERE l.organization_id = %(organization)s AND l.spreadsheet_id = %(spreadsheet)s AND l.gone_at IS NULL
       AND {_SINCE.format("o")}
"""

_UNLISTED = """
    SELECT p.id, o.contact_id FROM crm_property p
      LEFT JOIN LATERAL (
        SELECT o.contact_id FROM crm_ownership o
         WHERE o.organization_id = %(organization)s AND o.property_id = p.id AND o.until IS NULL AND o.deleted_at IS NULL
         ORDER BY o.is_primary DESC, o.id LIMIT 1) o ON true
     WHERE p.organization_id = %(organization)s AND p.created_at >= %(since)s AND p.deleted_at IS NULL
       AND p.status <> 'archived'
       AND p.project_id IN (
           SELECT u.project_id FROM sheets_rowlink l
             JOIN crm_property u ON u.organization_id = %(organization)s AND u.id = l.object_id
            WHERE l.organization_id = %(organization)s AND l.spreadsheet_id = %(spreadsheet)s AND l.gone_at IS NULL)
       AND NOT EXISTS (
           SELECT FROM sheets_rowlink l WHERE l.organization_id = %(organization)s AND l.object_id = p.id)
     ORDER BY p.id LIMIT %(most)s
"""

_CHANGED = f"""
    INSERT INTO {CHANGED}
    SELECT '{{target}}', id,
           (SELECT jsonb_object_agg(b.key, b.value) FROM jsonb_each(before) b WHERE b.value <> after -> b.key),
           (SELECT jsonb_object_agg(a.key, a.value) FROM jsonb_each(after) a WHERE a.value <> before -> a.key)
      FROM made
"""
_ERASE = """
    WITH old AS (SELECT id, to_jsonb(p) AS before FROM crm_property p WHERE organization_id = %(organization)s AND id = %(unit)s),
    made AS (
        UPDATE crm_property p SET {column} = {empty}{also}, updated_at = now() FROM old
         WHERE p.id = old.id AND p.organization_id = %(organization)s
        RETURNING p.id, old.before, to_jsonb(p) - ARRAY['updated_at', 'place_key', 'size_key', 'search_text'] AS after)
    """ + _CHANGED.format(target="crm.property")

_WITHDRAW = (
    """
    WITH old AS (
        SELECT id, status, to_jsonb(p) AS before FROM crm_property p
         WHERE organization_id = %(organization)s AND id = ANY(%(units)s) AND status <> 'archived' AND deleted_at IS NULL),
    made AS (
        UPDATE crm_property p SET status = 'archived', updated_at = now() FROM old
         WHERE p.id = old.id AND p.organization_id = %(organization)s
        RETURNING p.id, old.before, to_jsonb(p) - ARRAY['updated_at', 'place_key', 'size_key', 'search_text'] AS after),
    kept AS ("""
    + _CHANGED.format(target="crm.property")
    + ") SELECT id, status FROM old"
)

_RESTORE = """
    WITH old AS (
        SELECT id, to_jsonb(p) AS before FROM crm_property p
         WHERE organization_id = %(organization)s AND id = %(unit)s AND status = 'archived'),
    made AS (
        UPDATE crm_property p SET status = %(status)s, updated_at = now() FROM old
         WHERE p.id = old.id AND p.organization_id = %(organization)s
        RETURNING p.id, old.before, to_jsonb(p) - ARRAY['updated_at', 'place_key', 'size_key', 'search_text'] AS after)
    """ + _CHANGED.format(target="crm.property")

_RENAME = """
    WITH old AS (
        SELECT id, to_jsonb(c) AS before FROM crm_contact c
         WHERE organization_id = %(organization)s AND id = %(contact)s AND display_name <> %(name)s),
    made AS (
        UPDATE crm_contact c SET display_name = %(name)s, normalized_name = %(normalized)s, first_name = %(first)s,
               last_name = %(last)s, updated_at = now() FROM old
         WHERE c.id = old.id AND c.organization_id = %(organization)s
        RETURNING c.id, old.before, to_jsonb(c) - ARRAY['updated_at', 'name_key', 'search_text'] AS after)
    """ + _CHANGED.format(target="crm.contact")

# Who is named by another row of the unit owns it still.
_SUCCEED = """
    WITH old AS (
        SELECT id, to_jsonb(o) AS before FROM crm_ownership o
         WHERE organization_id = %(organization)s AND property_id = %(unit)s AND contact_id = %(contact)s
           AND until IS NULL AND deleted_at IS NULL
           AND (SELECT count(*) FROM sheets_rowlink l
                 WHERE l.organization_id = %(organization)s AND l.object_id = %(unit)s AND l.related_id = %(contact)s
                   AND l.gone_at IS NULL) <= 1),
    made AS (
        UPDATE crm_ownership o SET until = GREATEST(current_date, o.since), updated_at = now() FROM old
         WHERE o.id = old.id AND o.organization_id = %(organization)s
        RETURNING o.id, old.before, to_jsonb(o) - 'updated_at' AS after)
    """ + _CHANGED.format(target="crm.ownership")
