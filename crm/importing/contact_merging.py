"""Merging staged contacts: as owners are (merging.py), and then what else the sheet says of each."""

# ruff: noqa: S608 - the names put into statements are those of our own columns

from __future__ import annotations

from typing import Any

from crm.importing import merging
from sheets.tables import CHANGED, OBJECTS, WARNING, Issue, Run

# In the order in which contacts.py gives them, with their types.
DETAILS = {
    "kind": "text", "language": "text", "nationality": "text", "address": "text", "source": "text", "national_id": "text",
    "national_id_index": "text", "tags": "text[]", "assigned_to_id": "bigint",
}  # fmt: skip
TEMPORARY = f"""
    DROP TABLE IF EXISTS crm_import_detail, crm_import_said;
    CREATE TEMPORARY TABLE crm_import_detail (
        row integer, slot integer, {", ".join(f"{name} {kind}" for name, kind in DETAILS.items())}
    ) ON COMMIT DROP;
"""
COPY_DETAILS = "COPY crm_import_detail FROM STDIN"

# merging.py asks who owns units of the sheet: here there are none.
_NO_UNITS = """
    CREATE TEMPORARY TABLE crm_import_unit (first_row integer, id bigint, is_new boolean) ON COMMIT DROP;
    UPDATE crm_import_detail d SET slot = a.root FROM crm_import_alias a WHERE d.slot = a.slot;
"""

# A national id with the name it belongs to says who it is; and a slot that is given twice is one contact.
_BY_NATIONAL_ID = """
    UPDATE crm_import_slot s SET linked = c.id
      FROM crm_import_detail d
      JOIN crm_contact c ON c.organization_id = %(organization)s AND c.national_id_index = d.national_id_index
           AND c.deleted_at IS NULL
     WHERE d.slot = s.slot AND d.national_id_index <> '' AND s.linked IS NULL AND s.normalized_name <> ''
       AND c.normalized_name = s.normalized_name
"""

# A number without a name that somebody has already: neither joined to one of them by guess, nor made once more.
_KNOWN_NUMBERS = """
    WITH known AS (
        SELECT DISTINCT ON (s.slot) s.slot, s.row, p.value FROM crm_import_contact c
          JOIN crm_import_slot s ON s.slot = c.slot AND s.normalized_name = ''
          JOIN crm_import_point p ON p.slot = s.slot AND p.status = 'valid'
          JOIN crm_contactpoint k ON k.organization_id = %(organization)s AND k.value = p.value AND k.deleted_at IS NULL
         WHERE c.is_new ORDER BY s.slot
    ), dropped AS (
        DELETE FROM crm_import_contact c USING known WHERE c.slot = known.slot
    )
    SELECT row, value FROM known ORDER BY row
"""

_FIRST = ", ".join(
    f"(array_agg({name} ORDER BY row) FILTER (WHERE {name} IS NOT NULL))[1] AS {name}"
    for name in DETAILS
    if name not in {"tags", "national_id", "national_id_index"}
)
# A national id belongs to the first that has it, in the table or in the sheet.
_SAID = f"""
    CREATE TEMPORARY TABLE crm_import_said ON COMMIT DROP AS
    SELECT c.id, c.is_new, min(d.row) AS row, {_FIRST},
           (array_agg(national_id ORDER BY row) FILTER (WHERE national_id IS NOT NULL))[1] AS national_id,
           (array_agg(national_id_index ORDER BY row) FILTER (WHERE national_id_index IS NOT NULL))[1] AS national_id_index,
           string_to_array(string_agg(array_to_string(tags, E'\\x1f'), E'\\x1f' ORDER BY row), E'\\x1f') AS tags
      FROM crm_import_detail d JOIN crm_import_contact c ON c.slot = d.slot
     GROUP BY c.id, c.is_new
"""
# Known already: ciphertext is new each time, and would look like a change.
_HAD = """
    UPDATE crm_import_said s SET national_id = NULL, national_id_index = NULL
      FROM crm_contact k
     WHERE k.organization_id = %(organization)s AND k.id = s.id AND k.national_id_index = s.national_id_index
"""
_TAKEN = """
    WITH taken AS (
        SELECT s.id FROM crm_import_said s
         WHERE s.national_id_index <> '' AND (
               EXISTS (SELECT FROM crm_contact k
                        WHERE k.organization_id = %(organization)s AND k.deleted_at IS NULL AND k.id <> s.id
                          AND k.national_id_index = s.national_id_index)
            OR EXISTS (SELECT FROM crm_contact k
                        WHERE k.organization_id = %(organization)s AND k.id = s.id AND k.national_id_index <> ''
                          AND k.national_id_index <> s.national_id_index)
            OR EXISTS (SELECT FROM crm_import_said o
                        WHERE o.national_id_index = s.national_id_index AND o.row < s.row))
    )
    UPDATE crm_import_said s SET national_id = NULL, national_id_index = NULL FROM taken t WHERE t.id = s.id
    RETURNING s.row
"""

_LATER = {name: f"COALESCE(s.{name}, c.{name})" for name in DETAILS} | {
    # Tags are added, never taken away: those of people stand in front.
    "tags": "(SELECT COALESCE(array_agg(tag ORDER BY at), '{}') FROM (SELECT tag, min(at) AS at FROM unnest("
    "c.tags::text[] || COALESCE(s.tags, '{}')) WITH ORDINALITY t (tag, at) GROUP BY tag) once)::varchar(40)[]",
    # Where a contact came from is said once.
    "source": "CASE WHEN s.is_new THEN COALESCE(s.source, c.source) ELSE c.source END",
}
_SET = ", ".join(f"{name} = {later}" for name, later in _LATER.items())
_DETAILS = f"""
    WITH differing AS (
        SELECT s.id, s.is_new, to_jsonb(c) AS before FROM crm_import_said s
          JOIN crm_contact c ON c.id = s.id AND c.organization_id = %(organization)s
         WHERE ({", ".join(f"c.{name}" for name in DETAILS)}) IS DISTINCT FROM ({", ".join(_LATER.values())})
    ), updated AS (
        UPDATE crm_contact c SET updated_at = now(), {_SET}
          FROM differing d JOIN crm_import_said s ON s.id = d.id
         WHERE c.id = d.id AND c.organization_id = %(organization)s
        RETURNING c.id, d.is_new, d.before, to_jsonb(c) - '{{updated_at,name_key,search_text}}'::text[] AS after
    )
    INSERT INTO {CHANGED}
    SELECT 'crm.contact', id,
           (SELECT jsonb_object_agg(b.key, b.value) FROM jsonb_each(before) b WHERE b.value <> after -> b.key),
           (SELECT jsonb_object_agg(a.key, a.value) FROM jsonb_each(after) a WHERE a.value <> before -> a.key)
      FROM updated WHERE NOT is_new
"""

_OBJECTS = f"""
    INSERT INTO {OBJECTS}
    SELECT d.row, c.id, NULL FROM crm_import_detail d JOIN crm_import_contact c ON c.slot = d.slot
"""


def merge(cursor: Any, run: Run) -> dict[str, int]:
    """Everything that was staged, in one go. Returns how many of each were made or changed."""
    given = {"organization": run.organization_id, "currency": run.currency, "source": run.source}
    cursor.execute(merging.READY)
    cursor.execute(merging.ALIASES)
    cursor.execute(_NO_UNITS)
    cursor.execute(_BY_NATIONAL_ID, given)
    cursor.execute(merging.CONTACTS, given)
    cursor.execute(_KNOWN_NUMBERS, given)
    for row, number in cursor.fetchall():
        message = "Somebody has this number already, and no name says whether it is the same person: nothing was made."
        run.report(Issue(row, WARNING, "number_known", message, "mobile", number))
    figures = {
        "contacts_new": merging.count(cursor, merging.NEW_CONTACTS, given),
        "points_new": merging.count(cursor, merging.NEW_POINTS, given),
    }
    cursor.execute("ANALYZE crm_import_reached")
    cursor.execute(merging.PRIMARIES, given)
    cursor.execute(_SAID)
    cursor.execute(_HAD, given)
    cursor.execute(_TAKEN, given)
    for (row,) in cursor.fetchall():
        message = (
            "Another contact has this national id, or this one has another: left out. They may be the same person."
        )
        run.report(Issue(row, WARNING, "national_id_taken", message, "national_id"))
    figures["contacts_changed"] = merging.count(cursor, _DETAILS, given)
    cursor.execute(_OBJECTS)
    cursor.execute(f"DROP TABLE IF EXISTS {merging.TABLES}, crm_import_detail, crm_import_said")
    return figures
