"""Contacts that may be one person: of some contacts (at the door), or of the whole organisation (by a job).

A few statements, however many contacts. Similar names are only looked at within a unit, or among those in one project
who share a rare word of their names: names alone, all against all, would say little and take hours.
"""

# ruff: noqa: S608 - only our own fragments are pasted in

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from django.db import connection, transaction

from crm.duplicates.judging import MANY, Pair, Reason, judge
from crm.transliteration import name_key

AT_A_TIME = 10_000
MOST_OWNERS = 20
_KINDS = {"phone": "number", "whatsapp": "number", "email": "email", "bsuid": "whatsapp_id"}
Found = dict[tuple[int, int], dict[str, Reason]]


def contact_pairs(organization_id: int, ids: Sequence[int] | None = None) -> Iterator[Pair]:
    """Every pair worth a look: all of the organisation, or those of these contacts. Reasons come with each."""
    found: Found = defaultdict(dict)
    parameters: dict[str, Any] = {"org": organization_id, "ids": list(ids) if ids is not None else None}
    with transaction.atomic(), connection.cursor() as cursor:
        if ids is None:
            # Right after an import there are no statistics, and PostgreSQL takes an organisation for one row.
            cursor.execute("SET LOCAL enable_nestloop = off")
        else:
            parameters |= _names(cursor, parameters)
        # (a number in parentheses is how many have it)
        cursor.execute(POINTS.format(**_scope(ids, SAME_VALUES, EITHER)), parameters)
        for first, second, kind, value, count in cursor.fetchall():
            reason = Reason(_KINDS[kind], value, kind, count)
            found[first, second][reason.key] = reason
        for statement in (SAME_NAMES, SAME_KEYS):
            cursor.execute(statement.format(**_scope(ids, NAMED, "")), parameters)
            for (group,) in cursor.fetchall():
                _pairs_of(found, group, ids)
        cursor.execute(CO_OWNERS.format(**_scope(ids, OWNED, "")), parameters)
        for label, group in cursor.fetchall():
            _pairs_of(found, group, ids, Reason("same_unit", label))
        if ids is None:
            cursor.execute(NEIGHBOURS, parameters)
            for first, second, project in cursor.fetchall():
                found[first, second].setdefault("same_project", Reason("same_project", str(project)))
        _relate(cursor, organization_id, found)
        if ids is None:
            cursor.execute("SET LOCAL enable_nestloop = on")
    for (first, second), reasons in found.items():
        verdict = judge(reasons.values())
        # Owners of one unit, or of one project, are mostly couples and neighbours: without a name they are no reason.
        if verdict.is_proposed and any(reason.code not in {"same_unit", "same_project"} for reason in reasons.values()):
            yield Pair(first, second, tuple(reasons.values()), verdict)


def _pairs_of(found: Found, group: list[int], ids: Sequence[int] | None, reason: Reason | None = None) -> None:
    wanted = None if ids is None else set(ids)
    for first, second in combinations(sorted(group), 2):
        if wanted is None or first in wanted or second in wanted:
            reasons = found[first, second]
            if reason is not None:
                reasons[reason.key] = reason


def _relate(cursor: Any, organization_id: int, found: Found) -> None:
    """What the names of each pair have to do with one another."""
    pairs = list(found)
    for start in range(0, len(pairs), AT_A_TIME):
        some = pairs[start : start + AT_A_TIME]
        cursor.execute(RELATE, {"org": organization_id, "first": [a for a, _ in some], "second": [b for _, b in some]})
        for first, second, is_same, name, key, other_name, other_key, similarity, other_script, is_whole in cursor:
            reasons = found[first, second]
            # A name that was just imported has its key worked out by the next search only.
            is_key = bool(name) and (key or name_key(name)) == (other_key or name_key(other_name))
            if is_same:
                reasons["name"] = Reason("same_name", is_whole=is_whole)
            elif is_key and (other_script or similarity >= 0.3):
                reasons["name"] = Reason("other_letters", is_whole=is_whole)
            elif similarity >= 0.45:
                reasons["name"] = Reason("similar_name", is_whole=is_whole)


def _names(cursor: Any, parameters: dict[str, Any]) -> dict[str, list[str]]:
    cursor.execute(
        "SELECT normalized_name, name_key FROM crm_contact WHERE organization_id = %(org)s AND id = ANY(%(ids)s)",
        parameters,
    )
    rows = [(name, key or name_key(name)) for name, key in cursor.fetchall() if name]
    return {"names": [name for name, _ in rows], "keys": [key for _, key in rows]}


def _scope(ids: Sequence[int] | None, some: str, either: str) -> dict[str, str]:
    return {"some": "", "either": ""} if ids is None else {"some": some, "either": either}


SAME_VALUES = """
    AND value IN (SELECT value FROM crm_contactpoint
                   WHERE organization_id = %(org)s AND contact_id = ANY(%(ids)s) AND deleted_at IS NULL)
"""
EITHER = "AND (a.contact_id = ANY(%(ids)s) OR b.contact_id = ANY(%(ids)s))"
POINTS = f"""
    WITH held AS MATERIALIZED (
        SELECT DISTINCT contact_id, value, CASE kind WHEN 'whatsapp' THEN 'phone' ELSE kind END AS kind
          FROM crm_contactpoint WHERE organization_id = %(org)s AND deleted_at IS NULL {{some}}
    ), live AS MATERIALIZED (
        SELECT h.contact_id, h.value, h.kind, c.name_key, count(*) OVER (PARTITION BY h.value, h.kind) AS n
          FROM held h JOIN crm_contact c ON c.organization_id = %(org)s AND c.id = h.contact_id
         WHERE c.deleted_at IS NULL
    )
    SELECT a.contact_id, b.contact_id, a.kind, a.value, a.n
      FROM live a JOIN live b ON b.value = a.value AND b.kind = a.kind AND b.contact_id > a.contact_id
     WHERE a.n > 1 AND (a.n <= {MANY} OR (a.name_key = b.name_key AND a.name_key <> '')) {{either}}
"""
NAMED = "AND (normalized_name = ANY(%(names)s) OR name_key = ANY(%(keys)s))"
SAME_NAMES = f"""
    SELECT array_agg(id) FROM crm_contact
     WHERE organization_id = %(org)s AND deleted_at IS NULL AND normalized_name <> '' {{some}}
     GROUP BY normalized_name HAVING count(*) BETWEEN 2 AND {MANY}
"""
SAME_KEYS = f"""
    SELECT array_agg(id) FROM crm_contact
     WHERE organization_id = %(org)s AND deleted_at IS NULL AND name_key <> '' {{some}}
     GROUP BY name_key HAVING count(*) BETWEEN 2 AND {MANY}
"""
OWNED = """
    AND property_id IN (SELECT property_id FROM crm_ownership
                         WHERE organization_id = %(org)s AND contact_id = ANY(%(ids)s) AND deleted_at IS NULL)
"""
CO_OWNERS = f"""
    WITH of_unit AS MATERIALIZED (
        SELECT property_id, array_agg(DISTINCT o.contact_id) AS contacts
          FROM crm_ownership o JOIN crm_contact c ON c.organization_id = %(org)s AND c.id = o.contact_id
         WHERE o.organization_id = %(org)s AND o.deleted_at IS NULL AND c.deleted_at IS NULL {{some}}
         GROUP BY property_id HAVING count(DISTINCT o.contact_id) BETWEEN 2 AND {MOST_OWNERS}
    )
    SELECT COALESCE(NULLIF(p.unit_number, ''), NULLIF(p.p_number, ''), p.registration), u.contacts
      FROM of_unit u JOIN crm_property p ON p.organization_id = %(org)s AND p.id = u.property_id
     WHERE p.deleted_at IS NULL
"""
NEIGHBOURS = """
    WITH named AS MATERIALIZED (
        SELECT id, normalized_name, name_key FROM crm_contact
         WHERE organization_id = %(org)s AND deleted_at IS NULL AND name_key <> ''
    ), words AS MATERIALIZED (
        SELECT DISTINCT id, word FROM named CROSS JOIN LATERAL unnest(string_to_array(name_key, ' ')) AS word
         WHERE length(word) > 2
    ), rare AS MATERIALIZED (
        SELECT word FROM words GROUP BY word HAVING count(*) BETWEEN 2 AND 30
    ), near AS MATERIALIZED (
        SELECT DISTINCT a.id AS first, b.id AS second
          FROM rare r JOIN words a ON a.word = r.word JOIN words b ON b.word = r.word AND b.id > a.id
    ), place AS MATERIALIZED (
        SELECT DISTINCT o.contact_id, p.project_id FROM crm_ownership o
          JOIN crm_property p ON p.organization_id = %(org)s AND p.id = o.property_id
         WHERE o.organization_id = %(org)s AND o.deleted_at IS NULL AND o.until IS NULL AND p.deleted_at IS NULL
    )
    SELECT n.first, n.second, min(x.project_id)
      FROM near n
      JOIN named a ON a.id = n.first JOIN named b ON b.id = n.second
      JOIN place x ON x.contact_id = n.first JOIN place y ON y.contact_id = n.second AND y.project_id = x.project_id
     WHERE similarity(a.normalized_name, b.normalized_name) >= 0.45
     GROUP BY 1, 2
"""
RELATE = """
    SELECT x.id, y.id, x.normalized_name = y.normalized_name AND x.normalized_name <> '',
           x.normalized_name, x.name_key, y.normalized_name, y.name_key,
           similarity(x.normalized_name, y.normalized_name),
           (x.normalized_name ~ '[ء-ي]') <> (y.normalized_name ~ '[ء-ي]'),
           LEAST(strpos(x.normalized_name, ' '), strpos(y.normalized_name, ' ')) > 0
      FROM unnest(%(first)s::bigint[], %(second)s::bigint[]) AS p(first, second)
      JOIN crm_contact x ON x.organization_id = %(org)s AND x.id = p.first
      JOIN crm_contact y ON y.organization_id = %(org)s AND y.id = p.second
"""
