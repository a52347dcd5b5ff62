"""The statements of a sync's merge. Each carries the organisation itself."""

# ruff: noqa: S608 - the name put into statements is our own

from __future__ import annotations

_HERE = "organization_id = %(organization)s AND spreadsheet_id = %(spreadsheet)s"

TEMPORARY = """
    DROP TABLE IF EXISTS sheets_sync_row;
    CREATE TEMPORARY TABLE sheets_sync_row (row_key text, row integer, held text[]) ON COMMIT DROP
"""

PRINTS = f"SELECT row_key, fingerprint FROM sheets_rowlink WHERE {_HERE} AND gone_at IS NULL"

LINKS = f"SELECT row_key, object_id, related_id, base, app, gone_at FROM sheets_rowlink WHERE {_HERE} AND row_key = ANY(%(keys)s)"

SIBLINGS = """
    SELECT other.row_key FROM sheets_sync_row s
      JOIN sheets_rowlink l ON l.organization_id = %(organization)s AND l.spreadsheet_id = %(spreadsheet)s
           AND l.row_key = s.row_key
      JOIN sheets_rowlink other ON other.organization_id = %(organization)s AND other.object_id = l.object_id
           AND other.spreadsheet_id = l.spreadsheet_id AND other.gone_at IS NULL
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
           row = s.row
      FROM sheets_sync_row s JOIN sheets_sync_present x ON x.row_key = s.row_key
     WHERE l.organization_id = %(organization)s AND l.spreadsheet_id = %(spreadsheet)s AND l.row_key = s.row_key
"""
