"""Units that may be one, such as the same unit of two sheets, or one that got its P-number later.

Identifiers are compared as people mean them: case, spaces, dashes, leading zeros and words such as "Unit" do not count.
Two units with different P-numbers are two, whatever else they share.
"""

# ruff: noqa: S608 - only our own fragments are pasted in

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from django.db import connection, transaction

from crm.duplicates.judging import Pair, Reason, judge

AT_A_TIME = 10_000
MOST_ALIKE = 6


def unit_pairs(organization_id: int, ids: Sequence[int] | None = None) -> Iterator[Pair]:
    """Every pair worth a look: all of the organisation, or those of these units."""
    found: set[tuple[int, int]] = set()
    parameters: dict[str, Any] = {"org": organization_id, "ids": list(ids) if ids is not None else None}
    with transaction.atomic(), connection.cursor() as cursor:
        if ids is None:
            cursor.execute("SET LOCAL enable_nestloop = off")
            cursor.execute(ALIKE, parameters)
            for (group,) in cursor.fetchall():
                found |= set(combinations(sorted(set(group)), 2))
        else:
            cursor.execute(ALIKE_ONE, parameters)
            found |= {(min(pair), max(pair)) for pair in cursor.fetchall()}
        pairs = sorted(found)
        related = [
            row for start in range(0, len(pairs), AT_A_TIME) for row in _relate(cursor, parameters, pairs, start)
        ]
        if ids is None:
            cursor.execute("SET LOCAL enable_nestloop = on")
    for first, second, p_number, registration, dewa, place, municipality, owner in related:
        given = {
            "p_number": p_number, "registration": registration, "dewa_number": dewa, "place": place,
            "municipality": municipality, "same_owner": owner,
        }  # fmt: skip
        reasons = tuple(Reason(code, value) for code, value in given.items() if value)
        verdict = judge(reasons)
        if verdict.is_proposed:
            yield Pair(first, second, reasons, verdict)


def _relate(cursor: Any, parameters: dict[str, Any], pairs: list[tuple[int, int]], start: int) -> list[Any]:
    some = pairs[start : start + AT_A_TIME]
    cursor.execute(RELATE, {**parameters, "first": [a for a, _ in some], "second": [b for _, b in some]})
    return list(cursor.fetchall())


def _folded(column: str) -> str:
    bare = f"regexp_replace(upper({column}), '^(UNIT|APARTMENT|APT|FLAT|VILLA|NO)[ .:#-]+', '')"
    return f"ltrim(regexp_replace({bare}, '[^A-Z0-9ء-ي]', '', 'g'), '0')"


_NAMES = ("p_number", "registration", "dewa_number", "municipality_number", "plot_number", "unit_number", "building", "cluster")  # fmt: skip
_FOLDS = ", ".join(f"{_folded(f'p.{name}')} AS {name}" for name in _NAMES)
FOLDED = f"""
    folded AS MATERIALIZED (
        SELECT p.id, p.project_id, {_FOLDS} FROM crm_property p
         WHERE p.organization_id = %(org)s AND p.deleted_at IS NULL {{which}}
    )
"""
ALIKE = f"""
    WITH {FOLDED.format(which="")}
    SELECT array_agg(id) FROM (
        SELECT id, 'key' AS sort, p_number AS value, '' AS unit FROM folded WHERE p_number <> ''
        UNION SELECT id, 'key', registration, '' FROM folded WHERE registration <> ''
        UNION SELECT id, 'dewa', dewa_number, '' FROM folded WHERE dewa_number <> ''
        UNION SELECT id, 'place', building, unit_number FROM folded WHERE building <> '' AND unit_number <> ''
        UNION SELECT id, 'place', cluster, unit_number FROM folded WHERE cluster <> '' AND unit_number <> ''
        UNION SELECT id, 'house', municipality_number, unit_number FROM folded WHERE municipality_number <> ''
    ) alike
    GROUP BY sort, value, unit HAVING count(*) BETWEEN 2 AND {MOST_ALIKE}
"""
# At the door: the units of the same project, and what the indexes find elsewhere.
ALIKE_ONE = f"""
    SELECT o.id, p.id
      FROM crm_property o JOIN crm_property p ON p.organization_id = %(org)s AND p.id <> o.id AND p.deleted_at IS NULL
       AND ((p.project_id = o.project_id AND (
                (o.unit_number <> '' AND {_folded("p.unit_number")} = {_folded("o.unit_number")})
                OR (o.registration <> '' AND {_folded("p.registration")} = {_folded("o.registration")})
                OR (o.dewa_number <> '' AND p.dewa_number = o.dewa_number)))
            OR (o.municipality_number <> '' AND p.municipality_number = o.municipality_number)
            OR (o.unit_number <> '' AND p.unit_number = o.unit_number)
            OR (o.registration <> '' AND p.p_number <> '' AND p.p_number = o.registration))
     WHERE o.organization_id = %(org)s AND o.id = ANY(%(ids)s)
     ORDER BY o.id, p.id LIMIT 1000
"""
RELATE = f"""
    WITH {FOLDED.format(which="AND p.id IN (SELECT unnest(%(first)s::bigint[]) UNION SELECT unnest(%(second)s::bigint[]))")},
    pair AS (
        SELECT x.id AS first, y.id AS second,
               CASE WHEN x.p_number <> '' AND x.p_number IN (y.p_number, y.registration) THEN x.p_number
                    WHEN y.p_number <> '' AND y.p_number = x.registration THEN y.p_number END AS p_number,
               CASE WHEN x.registration <> '' AND x.registration = y.registration THEN x.registration END AS registration,
               CASE WHEN x.dewa_number <> '' AND x.dewa_number = y.dewa_number THEN x.dewa_number END AS dewa,
               CASE WHEN x.unit_number <> '' AND x.unit_number = y.unit_number AND (
                         CASE WHEN x.building <> '' AND y.building <> '' THEN x.building = y.building
                              ELSE (x.building <> '' AND x.building = y.cluster)
                                OR (x.cluster <> '' AND x.cluster IN (y.cluster, y.building)) END)
                    THEN x.unit_number END AS place,
               CASE WHEN x.municipality_number <> '' AND x.municipality_number = y.municipality_number
                     AND x.unit_number = y.unit_number
                     AND (x.plot_number = y.plot_number OR '' IN (x.plot_number, y.plot_number))
                    THEN COALESCE(NULLIF(x.unit_number, ''), x.municipality_number) END AS municipality,
               x.p_number <> '' AND y.p_number <> '' AND x.p_number <> y.p_number AS are_two
          FROM unnest(%(first)s::bigint[], %(second)s::bigint[]) AS p(first, second)
          JOIN folded x ON x.id = p.first JOIN folded y ON y.id = p.second
    )
    SELECT first, second, p_number, registration, dewa, place, municipality,
           CASE WHEN EXISTS (
               SELECT 1 FROM crm_ownership a JOIN crm_ownership b ON b.organization_id = %(org)s
                  AND b.contact_id = a.contact_id AND b.property_id = second AND b.deleted_at IS NULL AND b.until IS NULL
                WHERE a.organization_id = %(org)s AND a.property_id = first AND a.deleted_at IS NULL AND a.until IS NULL
           ) THEN '1' END
      FROM pair WHERE NOT are_two
       AND (p_number IS NOT NULL OR registration IS NOT NULL OR dewa IS NOT NULL OR place IS NOT NULL
            OR municipality IS NOT NULL)
"""
