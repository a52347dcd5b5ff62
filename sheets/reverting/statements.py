"""The statements of a reversal: each works on a whole table's rows at once."""

# ruff: noqa: S608 - the names put into statements are those of our own tables

from __future__ import annotations

TEMPORARY = """
    DROP TABLE IF EXISTS sheets_revert_row, sheets_revert_change;
    CREATE TEMPORARY TABLE sheets_revert_row (target_type text, id bigint, why text, detail text) ON COMMIT DROP;
    CREATE TEMPORARY TABLE sheets_revert_change (
        target_type text, id bigint, back jsonb, left_alone jsonb, why text
    ) ON COMMIT DROP
"""

# Another import that stands: one that was taken back itself does not count.
_BY_ANOTHER = """
    SELECT FROM sheets_importchange c
      JOIN sheets_importrun o ON o.id = c.run_id AND o.organization_id = %(organization)s AND o.status <> 'reverted'
     WHERE c.organization_id = %(organization)s AND c.run_id <> %(run)s
"""

# An import writes both times at once; rows that a reversal set back carry its stamp. Whatever else moved `updated_at`
# was somebody, even where no trail says who.
EDITED = f"""
    UPDATE sheets_revert_row r SET why = 'edited' FROM {{table}} t
     WHERE r.target_type = %(kind)s AND r.why = '' AND t.organization_id = %(organization)s AND t.id = r.id AND (
           (t.updated_at > t.created_at + interval '1 second' AND NOT EXISTS (
               SELECT FROM sheets_importreversal v
                WHERE v.organization_id = %(organization)s AND v.stamp = t.updated_at))
        OR EXISTS (
               SELECT FROM core_auditentry a
                WHERE a.organization_id = %(organization)s AND a.target_type = %(kind)s AND a.target_id = r.id
                  AND a.before <> '{{{{}}}}')
        OR EXISTS ({_BY_ANOTHER} AND c.target_type = %(kind)s AND c.target_id = r.id))
"""

# Rows of another import lead there too.
LISTED = """
    WITH own AS (
        SELECT unnest(ids) AS id FROM sheets_importcreation
         WHERE organization_id = %(organization)s AND run_id = %(run)s AND target_type = %(links)s
         UNION ALL
        SELECT target_id FROM sheets_importchange
         WHERE organization_id = %(organization)s AND run_id = %(run)s AND target_type = %(links)s
    )
    UPDATE sheets_revert_row r SET why = 'listed'
      FROM sheets_rowlink l
      JOIN sheets_spreadsheet s ON s.id = l.spreadsheet_id AND s."table" = ANY(%(tables)s)
     WHERE r.target_type = %(kind)s AND r.why = '' AND l.organization_id = %(organization)s AND l.object_id = r.id
       AND s.organization_id = %(organization)s AND l.id NOT IN (SELECT id FROM own)
"""

USED = """
    UPDATE sheets_revert_row r SET why = %(why)s, detail = %(detail)s FROM {table} c
     WHERE r.target_type = %(target)s AND r.why = '' AND c.organization_id = %(organization)s AND c."{column}" = r.id{live}
       AND NOT EXISTS (SELECT FROM sheets_revert_row g WHERE g.target_type = %(kind)s AND g.id = c.id {going})
"""

PARTS = """
    UPDATE sheets_revert_row r SET why = 'part'
      FROM {table} c JOIN sheets_revert_row w ON w.target_type = %(whole)s AND w.id = c."{column}" AND w.why <> ''
     WHERE r.target_type = %(kind)s AND r.why = '' AND r.id = c.id AND c.organization_id = %(organization)s
"""

LINKS_GOING = f"""
    INSERT INTO sheets_revert_row
    SELECT %(links)s, l.id, '', '' FROM sheets_rowlink l
      LEFT JOIN sheets_revert_row s ON s.target_type = %(kind)s AND s.id = l.object_id
     WHERE l.organization_id = %(organization)s AND l.id IN (
           SELECT unnest(ids) FROM sheets_importcreation
            WHERE organization_id = %(organization)s AND run_id = %(run)s AND target_type = %(links)s)
       AND (s.why = '' OR s.id IS NULL AND NOT EXISTS (
           {_BY_ANOTHER} AND c.target_type = %(links)s AND c.target_id = l.id))
"""

LOCK_CHANGED = """
    SELECT id FROM {table} WHERE organization_id = %(organization)s AND id IN (
        SELECT target_id FROM sheets_importchange
         WHERE organization_id = %(organization)s AND run_id = %(run)s AND target_type = %(kind)s)
     ORDER BY id FOR UPDATE
"""

# One import may have changed a row twice: what it was before the first time against what it became the last time.
COMPARE = """
    INSERT INTO sheets_revert_change
    SELECT %(kind)s, target_id,
           COALESCE(jsonb_object_agg(key, before) FILTER (WHERE present AND now = after), '{{}}'),
           COALESCE(jsonb_object_agg(key, now) FILTER (WHERE present AND now IS DISTINCT FROM after), '{{}}'),
           CASE WHEN NOT bool_and(present) THEN 'gone' WHEN bool_and(now = after) THEN '' ELSE 'changed' END
      FROM (
        SELECT x.target_id, x.key, x.before, x.after, t.id IS NOT NULL AS present, to_jsonb(t) -> x.key AS now
          FROM (
            SELECT c.target_id, a.key, (array_agg(c.before -> a.key ORDER BY c.id))[1] AS before,
                   (array_agg(a.value ORDER BY c.id DESC))[1] AS after
              FROM sheets_importchange c CROSS JOIN LATERAL jsonb_each(c.after) a
             WHERE c.organization_id = %(organization)s AND c.run_id = %(run)s AND c.target_type = %(kind)s
               AND NOT EXISTS (
                   SELECT FROM sheets_revert_row g WHERE g.target_type = %(kind)s AND g.id = c.target_id AND g.why = '')
             GROUP BY c.target_id, a.key
          ) x
          LEFT JOIN {table} t ON t.id = x.target_id AND t.organization_id = %(organization)s{live}
      ) compared
     GROUP BY target_id
"""

SET_BACK = """
    UPDATE {table} t SET ({columns}) = (SELECT {values} FROM jsonb_populate_record(t, c.back) x), updated_at = %(at)s
      FROM sheets_revert_change c
     WHERE c.target_type = %(kind)s AND c.back <> '{{}}' AND t.id = c.id AND t.organization_id = %(organization)s
       AND (%(only)s::bigint IS NULL OR t.id = %(only)s)
"""

LEAVE = """
    UPDATE sheets_revert_change c
       SET why = %(why)s, back = '{{}}',
           left_alone = (SELECT jsonb_object_agg(k, to_jsonb(t) -> k) FROM jsonb_object_keys(c.back) k)
      FROM {table} t
     WHERE c.target_type = %(kind)s AND c.id = ANY(%(ids)s) AND t.id = c.id AND t.organization_id = %(organization)s
"""

UNLINK = """
    DELETE FROM sheets_rowlink l USING sheets_revert_row r
     WHERE l.organization_id = %(organization)s AND r.target_type = %(links)s AND r.id = l.id AND NOT EXISTS (
           SELECT FROM sheets_conflict f WHERE f.organization_id = %(organization)s AND f.link_id = l.id)
"""

# A link with a history of conflicts stays, but its row will be read again.
FORGET = """
    UPDATE sheets_rowlink l SET fingerprint = '' FROM sheets_revert_row r
     WHERE l.organization_id = %(organization)s AND r.target_type = %(links)s AND r.id = l.id
"""

RELINK = """
    UPDATE sheets_rowlink l SET ({columns}) = (SELECT {values} FROM jsonb_populate_record(l, c.before) x)
      FROM sheets_importchange c
     WHERE c.organization_id = %(organization)s AND c.run_id = %(run)s AND c.target_type = %(links)s
       AND l.organization_id = %(organization)s AND l.id = c.target_id
       AND to_jsonb(l) -> 'fingerprint' = c.after -> 'fingerprint'
"""

# For each row and field: what it became last after the import, by whom.
AUTHORS = """
    SELECT DISTINCT ON (s.target_id, k.key) s.target_id, k.key, k.value #>> '{}', s.by, s.at
      FROM (
        SELECT a.target_id, a.after, COALESCE(u.name, 'Majlis') AS by, a.at
          FROM core_auditentry a LEFT JOIN core_user u ON u.id = a.user_id
         WHERE a.organization_id = %(organization)s AND a.target_type = %(kind)s AND a.target_id = ANY(%(ids)s)
           AND a.before <> '{}' AND a.at >= (
               SELECT COALESCE(started_at, created_at) FROM sheets_importrun
                WHERE organization_id = %(organization)s AND id = %(run)s)
         UNION ALL
        SELECT c.target_id, c.after, o.file_name, c.created_at
          FROM sheets_importchange c
          JOIN sheets_importrun o ON o.id = c.run_id AND o.organization_id = %(organization)s AND o.status <> 'reverted'
         WHERE c.organization_id = %(organization)s AND c.target_type = %(kind)s AND c.target_id = ANY(%(ids)s)
           AND c.run_id > %(run)s
      ) s CROSS JOIN LATERAL jsonb_each(s.after) k
     ORDER BY s.target_id, k.key, s.at DESC
"""
