"""Merging staged rows into units, contacts, points and ownerships: a fixed number of statements, however many rows.

Every statement carries organization_id itself. Nothing here decides what a cell means (values.py) or who is who within
the sheet (owners.py).
"""

# ruff: noqa: S608 - the names put into statements are those of our own columns

from __future__ import annotations

from typing import Any

from sheets.tables import CHANGED, CREATED, OBJECTS, WARNING, Issue, Run

# Columns of crm_property in the order in which units.py gives them, with their types.
COLUMNS = {
    "p_number": "text", "registration": "text", "municipality_number": "text", "plot_number": "text",
    "unit_number": "text", "building": "text", "cluster": "text", "dewa_number": "text", "floor": "text",
    "layout": "text", "view": "text", "rooms": "text", "description": "text",
    "project_id": "bigint", "property_type_id": "bigint", "bedrooms": "smallint", "bathrooms": "smallint",
    "area_sqm": "numeric(10,2)", "asking_price_minor": "bigint", "currency": "text", "price_note": "text",
    "purpose": "text", "status": "text", "amenities": "text[]", "latitude": "numeric(9,6)",
    "longitude": "numeric(9,6)", "extra": "jsonb",
}  # fmt: skip
# What a new unit has where the sheet says nothing; everything else is empty text or null.
DEFAULTS = {"currency": "%(currency)s", "status": "'off_market'", "amenities": "'{}'", "extra": "'{}'"}
_EMPTY = "''"
_NULLABLE = {"property_type_id", "bedrooms", "bathrooms", "area_sqm", "asking_price_minor", "latitude", "longitude"}

TABLES = (
    "crm_import_row, crm_import_slot, crm_import_point, crm_import_alias, crm_import_reached, crm_import_unit, "
    "crm_import_contact"
)
TEMPORARY = f"""
    DROP TABLE IF EXISTS {TABLES};
    CREATE TEMPORARY TABLE crm_import_row (
        row integer, first_row integer, key_kind text, link bigint, slot integer, is_primary boolean,
        {", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())}
    ) ON COMMIT DROP;
    CREATE TEMPORARY TABLE crm_import_slot (
        slot integer, row integer, name text, normalized_name text, kind text, first_name text, last_name text,
        nationality text, address text, linked bigint
    ) ON COMMIT DROP;
    CREATE TEMPORARY TABLE crm_import_point (
        row integer, slot integer, kind text, value text, raw text, country text, line_type text, status text,
        notes text, is_primary boolean
    ) ON COMMIT DROP;
    CREATE TEMPORARY TABLE crm_import_alias (slot integer, root integer) ON COMMIT DROP;
    CREATE TEMPORARY TABLE crm_import_reached (contact_id bigint, kind text) ON COMMIT DROP;
"""
COPY_ROWS = "COPY crm_import_row FROM STDIN"
COPY_SLOTS = "COPY crm_import_slot FROM STDIN"
COPY_POINTS = "COPY crm_import_point FROM STDIN"
COPY_ALIASES = "COPY crm_import_alias FROM STDIN"

READY = """
    ANALYZE crm_import_row (row, first_row, slot, link, key_kind, p_number, project_id, registration);
    ANALYZE crm_import_slot (slot, normalized_name, linked);
    ANALYZE crm_import_point (slot, kind, value, status);
"""

ALIASES = """
    UPDATE crm_import_row r SET slot = a.root FROM crm_import_alias a WHERE r.slot = a.slot;
    UPDATE crm_import_point p SET slot = x.root, is_primary = x.is_primary
      FROM (
        SELECT p.ctid, a.root, p.is_primary
               AND row_number() OVER (PARTITION BY a.root, p.kind, p.is_primary ORDER BY p.row) = 1
               AND NOT EXISTS (
                   SELECT FROM crm_import_point q WHERE q.slot = a.root AND q.kind = p.kind AND q.is_primary
               ) AS is_primary
          FROM crm_import_point p JOIN crm_import_alias a ON a.slot = p.slot
      ) x
     WHERE p.ctid = x.ctid;
    UPDATE crm_import_slot s SET linked = COALESCE(s.linked, x.linked)
      FROM crm_import_alias a JOIN crm_import_slot x ON x.slot = a.slot WHERE s.slot = a.root;
    DELETE FROM crm_import_slot s USING crm_import_alias a WHERE s.slot = a.slot;
"""

# Rows of one unit that say different things of it.
_CONTRADICTIONS = """
    SELECT x.row, k.key, k.value #>> '{}', x.first_row
      FROM (
        SELECT l.row, f.row AS first_row, jsonb_strip_nulls(to_jsonb(l)) AS later, to_jsonb(f) AS first
          FROM crm_import_row l JOIN crm_import_row f ON f.row = l.first_row
         WHERE l.row <> l.first_row OFFSET 0
      ) x
      CROSS JOIN LATERAL jsonb_each(x.later) k
     WHERE k.key = ANY(%s) AND x.first -> k.key <> 'null'::jsonb AND x.first -> k.key <> k.value
     ORDER BY x.row, k.key
"""

_FILLED = ", ".join(f"{name} = COALESCE(f.{name}, x.{name})" for name in COLUMNS)
# Arrays of different lengths cannot be gathered into one: they go through text.
_FIRST_SAID = ", ".join(
    f"string_to_array((array_agg(array_to_string({name}, E'\\x1f') ORDER BY row) FILTER (WHERE {name} IS NOT NULL))[1], "
    f"E'\\x1f') AS {name}"
    if kind == "text[]"
    else f"(array_agg({name} ORDER BY row) FILTER (WHERE {name} IS NOT NULL))[1] AS {name}"
    for name, kind in COLUMNS.items()
)
_FILL = f"""
    UPDATE crm_import_row f SET link = COALESCE(f.link, x.link), {_FILLED}
      FROM (SELECT first_row, max(link) AS link, {_FIRST_SAID} FROM crm_import_row r WHERE row <> first_row GROUP BY 1) x
     WHERE f.row = x.first_row
"""

_UNITS = """
    CREATE TEMPORARY TABLE crm_import_unit ON COMMIT DROP AS
    SELECT row AS first_row, COALESCE(id, nextval('crm_property_id_seq')) AS id, id IS NULL AS is_new FROM (
        SELECT r.row, r.link AS id FROM crm_import_row r WHERE r.row = r.first_row AND r.link IS NOT NULL
        UNION ALL
        SELECT r.row, p.id FROM crm_import_row r
          LEFT JOIN crm_property p ON p.organization_id = %(organization)s AND p.deleted_at IS NULL
               AND p.p_number = r.p_number AND p.p_number <> ''
         WHERE r.row = r.first_row AND r.link IS NULL AND r.key_kind = 'p'
        UNION ALL
        SELECT r.row, p.id FROM crm_import_row r
          LEFT JOIN crm_property p ON p.organization_id = %(organization)s AND p.deleted_at IS NULL
               AND p.project_id = r.project_id AND p.registration = r.registration AND p.registration <> ''
               AND p.p_number = ''
         WHERE r.row = r.first_row AND r.link IS NULL AND r.key_kind = 'r'
        UNION ALL
        SELECT r.row, min(p.id) FROM crm_import_row r
          LEFT JOIN crm_property p ON p.organization_id = %(organization)s AND p.deleted_at IS NULL
               AND p.project_id = r.project_id AND p.unit_number = r.unit_number AND p.p_number = ''
               AND p.registration = '' AND lower(p.building) = lower(COALESCE(r.building, ''))
               AND lower(p.cluster) = lower(COALESCE(r.cluster, ''))
         WHERE r.row = r.first_row AND r.link IS NULL AND r.key_kind = 'u' GROUP BY r.row
    ) found ORDER BY row;
    CREATE UNIQUE INDEX ON crm_import_unit (first_row);
    ANALYZE crm_import_unit;
"""

_AS_NEW = ", ".join(
    f"r.{name}" if name in _NULLABLE or name == "project_id" else f"COALESCE(r.{name}, {DEFAULTS.get(name, _EMPTY)})"
    for name in COLUMNS
)
_NEW_UNITS = f"""
    WITH made AS (
        INSERT INTO crm_property (id, organization_id, created_at, updated_at, {", ".join(COLUMNS)})
        SELECT u.id, %(organization)s, now(), now(), {_AS_NEW}
          FROM crm_import_unit u JOIN crm_import_row r ON r.row = u.first_row
         WHERE u.is_new
        RETURNING id
    )
    INSERT INTO {CREATED} SELECT 'crm.property', id FROM made
"""

_LATER = {name: f"COALESCE(r.{name}, p.{name})" for name in COLUMNS} | {
    "extra": "p.extra || COALESCE(r.extra, '{}'::jsonb)",
    "amenities": "COALESCE(r.amenities, p.amenities::text[])",
    "currency": "CASE WHEN r.asking_price_minor IS NULL THEN p.currency ELSE r.currency END",
}
_NOW = ", ".join(f"p.{name}::{kind}" if kind == "text[]" else f"p.{name}" for name, kind in COLUMNS.items())
_SET_LATER = ", ".join(f"{name} = {later}" for name, later in _LATER.items())
_CHANGED_UNITS = f"""
    WITH differing AS (
        SELECT u.id, u.first_row, to_jsonb(p) AS before FROM crm_import_unit u
          JOIN crm_import_row r ON r.row = u.first_row
          JOIN crm_property p ON p.id = u.id AND p.organization_id = %(organization)s
         WHERE NOT u.is_new AND ({_NOW}) IS DISTINCT FROM ({", ".join(_LATER.values())})
    ), updated AS (
        UPDATE crm_property p SET updated_at = now(), {_SET_LATER}
          FROM differing d, crm_import_row r
         WHERE p.id = d.id AND p.organization_id = %(organization)s AND r.row = d.first_row
        RETURNING p.id, d.before, to_jsonb(p) - '{{updated_at,place_key,size_key,search_text}}'::text[] AS after
    )
    INSERT INTO {CHANGED}
    SELECT 'crm.property', id,
           (SELECT jsonb_object_agg(b.key, b.value) FROM jsonb_each(before) b WHERE b.value <> after -> b.key),
           (SELECT jsonb_object_agg(a.key, a.value) FROM jsonb_each(after) a WHERE a.value <> before -> a.key)
      FROM updated
"""

CONTACTS = """
    CREATE TEMPORARY TABLE crm_import_contact ON COMMIT DROP AS
    WITH by_point AS (
        SELECT s.slot, min(c.id) AS id FROM crm_import_slot s
          JOIN crm_import_point p ON p.slot = s.slot AND p.status = 'valid'
          JOIN crm_contactpoint k ON k.organization_id = %(organization)s AND k.deleted_at IS NULL AND k.value = p.value
          JOIN crm_contact c ON c.id = k.contact_id AND c.organization_id = %(organization)s
               AND c.deleted_at IS NULL AND c.normalized_name = s.normalized_name
         WHERE s.normalized_name <> '' GROUP BY s.slot
    ), by_unit AS (
        SELECT s.slot, min(c.id) AS id FROM crm_import_slot s
          JOIN crm_import_row r ON r.slot = s.slot
          JOIN crm_import_unit u ON u.first_row = r.first_row AND NOT u.is_new
          JOIN crm_ownership o ON o.property_id = u.id AND o.organization_id = %(organization)s
               AND o.deleted_at IS NULL AND o.until IS NULL
          JOIN crm_contact c ON c.id = o.contact_id AND c.organization_id = %(organization)s
               AND c.deleted_at IS NULL AND c.normalized_name = s.normalized_name
         WHERE s.normalized_name <> '' GROUP BY s.slot
    ), found AS (
        SELECT s.slot, COALESCE(l.id, p.id, u.id) AS id FROM crm_import_slot s
          LEFT JOIN crm_contact l ON l.id = s.linked AND l.organization_id = %(organization)s AND l.deleted_at IS NULL
          LEFT JOIN by_point p ON p.slot = s.slot
          LEFT JOIN by_unit u ON u.slot = s.slot
    )
    SELECT slot, COALESCE(id, nextval('crm_contact_id_seq')) AS id, id IS NULL AS is_new FROM found ORDER BY slot;
    CREATE UNIQUE INDEX ON crm_import_contact (slot);
    ANALYZE crm_import_contact;
"""

NEW_CONTACTS = f"""
    WITH made AS (
        INSERT INTO crm_contact (
            id, organization_id, created_at, updated_at, kind, display_name, first_name, last_name, normalized_name,
            language, nationality, national_id, national_id_index, address, tags, is_bad_contact, source)
        SELECT c.id, %(organization)s, now(), now(), s.kind, s.name, s.first_name, s.last_name, s.normalized_name,
               '', s.nationality, '', '', s.address, '{{}}', false, %(source)s
          FROM crm_import_contact c JOIN crm_import_slot s ON s.slot = c.slot
         WHERE c.is_new
        RETURNING id
    )
    INSERT INTO {CREATED} SELECT 'crm.contact', id FROM made
"""

# Which contacts that we knew got a valid point is kept, for PRIMARIES.
NEW_POINTS = f"""
    WITH made AS (
        INSERT INTO crm_contactpoint (
            organization_id, created_at, updated_at, contact_id, kind, value, raw, country, line_type, status, is_primary,
            notes)
        SELECT %(organization)s, now(), now(), c.id, p.kind, p.value, p.raw, p.country, p.line_type, p.status,
               p.is_primary AND c.is_new, p.notes
          FROM crm_import_point p JOIN crm_import_contact c ON c.slot = p.slot
         WHERE c.is_new OR NOT EXISTS (
               SELECT FROM crm_contactpoint k
                WHERE k.organization_id = %(organization)s AND k.contact_id = c.id AND k.kind = p.kind
                  AND k.value = p.value AND k.deleted_at IS NULL)
        ON CONFLICT DO NOTHING
        RETURNING id, contact_id, kind, status
    ), reached AS (
        INSERT INTO crm_import_reached
        SELECT DISTINCT m.contact_id, m.kind FROM made m
          JOIN crm_import_contact c ON c.id = m.contact_id AND NOT c.is_new
         WHERE m.status = 'valid'
    )
    INSERT INTO {CREATED} SELECT 'crm.contactpoint', id FROM made
"""

# Contacts that we knew may have got their first valid point of a kind. The ids are found first, and once: whatever the
# planner believes of a table that was just filled, it cannot look for them again for every point.
PRIMARIES = f"""
    WITH made AS (
        UPDATE crm_contactpoint SET is_primary = true, updated_at = now()
         WHERE organization_id = %(organization)s AND id = ANY(ARRAY(
            SELECT DISTINCT ON (k.contact_id, k.kind) k.id FROM crm_import_reached r
              JOIN crm_contactpoint k ON k.organization_id = %(organization)s AND k.contact_id = r.contact_id
                   AND k.kind = r.kind AND k.deleted_at IS NULL AND k.status = 'valid'
             WHERE NOT EXISTS (
                   SELECT FROM crm_contactpoint e
                    WHERE e.organization_id = %(organization)s AND e.contact_id = r.contact_id AND e.kind = r.kind
                      AND e.is_primary AND e.deleted_at IS NULL)
             ORDER BY k.contact_id, k.kind, k.line_type = 'fixed', k.id))
        RETURNING id
    )
    INSERT INTO {CHANGED}
    SELECT 'crm.contactpoint', m.id, '{{"is_primary": false}}', '{{"is_primary": true}}' FROM made m
     WHERE NOT EXISTS (SELECT FROM {CREATED} c WHERE c.target_type = 'crm.contactpoint' AND c.id = m.id)
"""

_NEW_OWNERSHIPS = f"""
    WITH made AS (
        INSERT INTO crm_ownership (organization_id, created_at, updated_at, property_id, contact_id, is_primary)
        SELECT %(organization)s, now(), now(), o.property_id, o.contact_id,
               o.is_primary AND (o.is_new OR NOT EXISTS (
                   SELECT FROM crm_ownership e
                    WHERE e.organization_id = %(organization)s AND e.property_id = o.property_id AND e.is_primary
                      AND e.until IS NULL AND e.deleted_at IS NULL))
          FROM (
            SELECT u.id AS property_id, c.id AS contact_id, bool_or(r.is_primary) AS is_primary, bool_and(u.is_new) AS is_new,
                   min(r.row) AS row
              FROM crm_import_row r
              JOIN crm_import_unit u ON u.first_row = r.first_row
              JOIN crm_import_contact c ON c.slot = r.slot
             GROUP BY u.id, c.id
          ) o
         WHERE o.is_new OR NOT EXISTS (
               SELECT FROM crm_ownership e
                WHERE e.organization_id = %(organization)s AND e.property_id = o.property_id
                  AND e.contact_id = o.contact_id AND e.until IS NULL AND e.deleted_at IS NULL)
         ORDER BY o.row
        RETURNING id
    )
    INSERT INTO {CREATED} SELECT 'crm.ownership', id FROM made
"""

_OBJECTS = f"""
    INSERT INTO {OBJECTS}
    SELECT r.row, u.id AS object_id, c.id AS related_id
      FROM crm_import_row r
      JOIN crm_import_unit u ON u.first_row = r.first_row
      LEFT JOIN crm_import_contact c ON c.slot = r.slot
"""

# A column of the table -> the name of the value that it came from.
_VALUE_NAMES = {"area_sqm": "area_size", "asking_price_minor": "asking_price", "project_id": "project"}
_VALUE_NAMES |= {"property_type_id": "property_type", "price_note": "asking_price"}
_COMPARED = [name for name in COLUMNS if name not in {"extra", "currency", "cluster", "price_note", "amenities"}]


def merge(cursor: Any, run: Run) -> dict[str, int]:
    """Everything that was staged, in one go. Returns how many of each were made or changed."""
    given = {"organization": run.organization_id, "currency": run.currency, "source": run.source}
    figures = {}
    if _anything(cursor):
        cursor.execute(READY)
        cursor.execute(ALIASES)
        _report_contradictions(cursor, run)
        cursor.execute(_FILL)
        cursor.execute(_UNITS, given)
        figures["properties_changed"] = count(cursor, _CHANGED_UNITS, given)
        cursor.execute(CONTACTS, given)
        figures["properties_new"] = count(cursor, _NEW_UNITS, given)
        figures["contacts_new"] = count(cursor, NEW_CONTACTS, given)
        figures["points_new"] = count(cursor, NEW_POINTS, given)
        cursor.execute("ANALYZE crm_import_reached")
        cursor.execute(PRIMARIES, given)
        figures["ownerships_new"] = count(cursor, _NEW_OWNERSHIPS, given)
        cursor.execute(_OBJECTS)
    cursor.execute(f"DROP TABLE IF EXISTS {TABLES}")
    return figures


def _anything(cursor: Any) -> bool:
    cursor.execute("SELECT EXISTS (SELECT FROM crm_import_row)")
    return bool(cursor.fetchone()[0])


def count(cursor: Any, statement: str, given: dict[str, Any]) -> int:
    cursor.execute(statement, given)
    return int(cursor.rowcount)


def _report_contradictions(cursor: Any, run: Run) -> None:
    cursor.execute(_CONTRADICTIONS, [_COMPARED])
    for row, column, value, first in cursor.fetchall():
        message = f"Row {first} says something else of the same unit: the first one counts."
        run.report(Issue(row, WARNING, "rows_differ", message, _VALUE_NAMES.get(column, column), value))
