"""The statements of a sync's merge. Each carries the organisation itself."""

# ruff: noqa: S608 - the name put into statements is our own

from __future__ import annotations

_HERE = "organization_id = %(organization)s AND spreadsheet_id = %(spreadsheet)s"

TEMPORARY = """
    DROP TABLE IF EXISTS sheets_sync_row;
    CREATE TEMPORARY TABLE sheets_sync_row (row_key text, row integer, held text[]) ON COMMIT DROP
"""

PRINTS = f"SELECT row_key, fingerprint FROM sheets_rowlink WHERE {_HERE} AND gone_at IS NULL AND NOT awaits_row"

LINKS = f"SELECT row_key, object_id, related_id, base, app, gone_at FROM sheets_rowlink WHERE {_HERE} AND row_key = ANY(%(keys)s)"

SIBLINGS = """
    SELECT other.row_key FROM sheets_sync_row s
      JOIN sheets_rowlink l ON l.organization_id = %(organization)s AND l.spreadsheet_id = %(spreadsheet)s
           AND l.row_key = s.row_key
      JOIN sheets_rowlink other ON other.organization_id = %(organization)s AND other.object_id = l.object_id
           AND other.spreadsheet_id = l.spreadsheet_id AND other.gone_at IS NULL
           AND NOT other.awaits_row
    EXCEPT SELECT row_key FROM sheets_sync_row
"""

ACCEPT = f"""
    UPDATE sheets_rowlink SET app = app || %(app)s::jsonb, agreed_at = CASE WHEN %(agreed)s THEN now() ELSE agreed_at END
     WHERE {_HERE} AND row_key = %(key)s
"""

REKEY = f"UPDATE sheets_rowlink SET row_key = %(after)s, updated_at = %(at)s WHERE {_HERE} AND row_key = %(before)s"

BACK = f"""
    UPDATE sheets_rowlink l SET gone_at = NULL, withdrawn = '', updated_at = %(at)s
      FROM (SELECT id, withdrawn FROM sheets_rowlink WHERE {_HERE} AND row_key = ANY(%(keys)s)) was
     WHERE l.id = was.id AND l.organization_id = %(organization)s
    RETURNING l.object_id, was.withdrawn
"""

GONE = f"""
    WITH gone AS (
        UPDATE sheets_rowlink SET gone_at = %(at)s, updated_at = %(at)s WHERE {_HERE} AND row_key = ANY(%(keys)s)
        RETURNING id, object_id)
    SELECT DISTINCT object_id FROM gone g
     WHERE NOT EXISTS (
           SELECT FROM sheets_rowlink other
             JOIN sheets_spreadsheet listing ON listing.organization_id = %(organization)s
                  AND listing.id = other.spreadsheet_id AND listing.unlinked_at IS NULL
            WHERE other.organization_id = %(organization)s AND other.object_id = g.object_id
              AND other.gone_at IS NULL AND other.id NOT IN (SELECT id FROM gone))
"""

WITHDRAWN = (
    f"UPDATE sheets_rowlink SET withdrawn = %(state)s WHERE {_HERE} AND object_id = %(object)s AND gone_at = %(at)s"
)

LOOKED_AT = """(
    SELECT l.row_key, l.object_id, l.related_id FROM sheets_sync_row s
      JOIN sheets_rowlink l ON l.organization_id = %(organization)s AND l.spreadsheet_id = %(spreadsheet)s
           AND l.row_key = s.row_key)
"""

PRESENT = """
    DROP TABLE IF EXISTS sheets_sync_present;
    CREATE TEMPORARY TABLE sheets_sync_present ON COMMIT DROP AS {present};
    ANALYZE sheets_sync_present
"""

AGREE = """
    UPDATE sheets_rowlink l
       SET app = (x.app - s.held) || COALESCE(
               (SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(l.app) e WHERE e.key = ANY(s.held)), '{}'),
           agreed_at = CASE WHEN s.held = '{}' THEN now() ELSE l.agreed_at END,
           row = s.row, awaits_row = false
      FROM sheets_sync_row s JOIN sheets_sync_present x ON x.row_key = s.row_key
     WHERE l.organization_id = %(organization)s AND l.spreadsheet_id = %(spreadsheet)s AND l.row_key = s.row_key
"""

EVERY_ROW = f"(SELECT row_key, object_id, related_id FROM sheets_rowlink WHERE {_HERE} AND gone_at IS NULL)"

READING = """
    DROP TABLE IF EXISTS sheets_reading_{table};
    CREATE TEMPORARY TABLE sheets_reading_{table} ON COMMIT DROP AS {present};
    ANALYZE sheets_reading_{table}
"""

# A field that no column fed before was never agreed on: as in the first sync, the cells of the sheet come in.
SAY_ANEW = """
    WITH said AS (
        SELECT n.row_key, f.name, COALESCE(n.app ->> f.name, '') AS now, COALESCE(b.app ->> f.name, '') AS before,
               f.name = ANY(%(known)s) AS is_known
          FROM sheets_reading_now n
          LEFT JOIN sheets_reading_before b ON b.row_key = n.row_key
         CROSS JOIN unnest(%(fields)s::text[]) f(name)),
    anew AS (
        SELECT l.id, array_agg(s.name) AS names,
               jsonb_object_agg(s.name, s.now)
                   FILTER (WHERE NOT s.is_known OR s.before = COALESCE(l.app ->> s.name, '')) AS ours
          FROM sheets_rowlink l JOIN said s ON s.row_key = l.row_key
         WHERE l.organization_id = %(organization)s AND l.spreadsheet_id = %(spreadsheet)s
           AND (NOT s.is_known OR s.before <> s.now)
         GROUP BY l.id)
    UPDATE sheets_rowlink l
       SET app = l.app || COALESCE(a.ours, '{}'), base = l.base - a.names, agreed_at = NULL, updated_at = %(at)s
      FROM anew a WHERE l.id = a.id AND l.organization_id = %(organization)s
"""

WHAT_IS_GONE = f"""
    SELECT row_key, row, base FROM sheets_rowlink WHERE {_HERE} AND row_key = ANY(%(keys)s) ORDER BY row NULLS LAST, id
"""

# Rows that Majlis is about to append, or has appended and not seen yet.
AWAITED = f"SELECT row_key, object_id, related_id FROM sheets_rowlink WHERE {_HERE} AND awaits_row ORDER BY id"

FORGET_AWAITED = f"DELETE FROM sheets_rowlink WHERE {_HERE} AND awaits_row AND row_key = ANY(%(keys)s)"

# No row has this fingerprint: whatever stands in the sheet is looked at once.
AWAIT = """
    INSERT INTO sheets_rowlink (
        organization_id, spreadsheet_id, row_key, fingerprint, object_id, related_id, base, app, awaits_row, created_at,
        updated_at)
    VALUES (%(organization)s, %(spreadsheet)s, %(key)s, substr(convert_to(%(key)s, 'UTF8'), 1, 16), %(object)s,
            %(related)s, '{}', '{}', true, %(at)s, %(at)s)
"""

SAY_AWAITED = f"""
    UPDATE sheets_rowlink SET base = %(cells)s::jsonb, app = %(cells)s::jsonb, updated_at = %(at)s
     WHERE {_HERE} AND row_key = %(key)s
"""

APPENDED = f"""
    UPDATE sheets_rowlink SET awaits_row = false, row = %(row)s, agreed_at = now(), updated_at = %(at)s
     WHERE {_HERE} AND row_key = %(key)s AND awaits_row
"""

SETTLE = """
    UPDATE sheets_conflict c SET settled_at = %(at)s, updated_at = %(at)s
      FROM unnest(%(keys)s::text[], %(fields)s::text[]) cell(row_key, field)
      JOIN sheets_rowlink l ON l.organization_id = %(organization)s AND l.spreadsheet_id = %(spreadsheet)s
           AND l.row_key = cell.row_key
     WHERE c.organization_id = %(organization)s AND c.spreadsheet_id = %(spreadsheet)s AND c.link_id = l.id
       AND c.field = cell.field AND c.settled_at IS NULL
"""
