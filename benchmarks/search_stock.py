"""A city to search: units, owners and numbers of several houses, made by PostgreSQL itself, a million in a minute or two."""

from __future__ import annotations

from typing import Any

# How the rows are shared among the houses; the first one is measured.
SHARES = (0.7, 0.2, 0.1)

_NAMES = """
CREATE TEMPORARY TABLE place AS
SELECT row_number() OVER () AS n, first || COALESCE(' ' || last, '') || ' ' || number AS name
  FROM unnest('{Marina,Palm,Viridis,Sanctnary,Vardon,Acuna,Navitas,Golf,Creek,Bloom,Carson,Artesia,Loreto,Picadilly,Trinity,
      Veneto,Zahra,Noor,Safi,Amna}'::text[]) AS first,
       unnest('{Gate,Residence,Heights,Horizon,Views}'::text[]) AS last, generate_series(1, 6) AS number;
CREATE TEMPORARY TABLE person AS
SELECT row_number() OVER () AS n, first || ' ' || last AS name
  FROM unnest('{Mohamed,Ahmed,Fatima,Aisha,Omar,Yusuf,Khalid,Mariam,Sara,Hassan,Ali,Layla,Noura,Rashid,Saeed,Jean,Maria,Elena,
      Dmitri,Wei,Priya,Rahul,John,Anna,Sofia,Thomas,محمد,فاطمة,أحمد,عائشة}'::text[]) AS first,
       (SELECT initcap(a || b || c) AS last FROM unnest(ARRAY['al ', 'bin ', '', 'el']) a, unnest('{za,ha,ma,ra,sha,kha,na,wa,ta,da}'::text[]) b,
               unnest('{bi,shim,ktoum,hman,mari,lidi,hyan,dar,reem,wadi,soor,vel,kov,rez,sen,gupta,patel,moreau,عبي,نعيم}'::text[]) c) last;
"""

_HOUSE = """
INSERT INTO crm_project (organization_id, created_at, updated_at, number, name, description, developer, city, master_project,
                         area, status, currency)
SELECT %(house)s, now(), now(), n, 'Project ' || (SELECT name FROM place p WHERE p.n = g.n * 6 - 3), '', '', 'Dubai', '', '', 'active', 'AED'
  FROM generate_series(1, 100) AS g (n);
INSERT INTO crm_property (organization_id, created_at, updated_at, project_id, p_number, registration, municipality_number,
    plot_number, unit_number, building, cluster, dewa_number, floor, layout, view, rooms, bedrooms, bathrooms, area_sqm,
    asking_price_minor, currency, price_note, purpose, status, amenities, description, extra)
SELECT %(house)s, now(), now() - (n %% 1000) * interval '1 hour', j.first + n %% 100,
       CASE WHEN n %% 10 < 7 THEN (1000000 + n)::text ELSE '' END, 'XG' || to_hex(n * 7919 %% 16777216) || chr((97 + n %% 26)::integer),
       (n * 31 %% 900000 + 1000)::text, (n * 17 %% 90000)::text,
       CASE WHEN n %% 3 > 0 THEN (n / 600 %% 45 + 1) * 100 + n / 27000 %% 30 + 1 ELSE n / 60 + 1 END::text,
       CASE WHEN n %% 3 > 0 THEN places[1 + n %% 600] ELSE '' END,
       CASE WHEN n %% 3 = 0 THEN 'Cluster ' || n %% 60 + 1 ELSE '' END, (n * 13 %% 10000000)::text, (n / 600 %% 45 + 1)::text,
       (ARRAY['Type A', 'Type B', 'Type C', 'Type D', 'Corner', ''])[1 + n %% 6], '', '', n %% 6, n %% 5,
       30 + n * 37 %% 40000 / 100.0, CASE WHEN n %% 4 > 0 THEN (300000 + n * 7901 %% 9000000) * 100 END, 'AED', '',
       (ARRAY['sale', 'rent', 'both', ''])[1 + n %% 4],
       (ARRAY['available', 'vacant', 'rented', 'sold', 'off_market', 'off_market'])[1 + n %% 6], '{}', '', '{}'
  FROM generate_series(1, %(units)s::bigint) AS g (n), (SELECT min(id) AS first FROM crm_project WHERE organization_id = %(house)s) j,
       (SELECT array_agg(name ORDER BY n) AS places FROM place) named;
INSERT INTO crm_contact (organization_id, created_at, updated_at, kind, display_name, first_name, last_name, normalized_name,
    language, nationality, national_id, national_id_index, address, tags, is_bad_contact, source)
SELECT %(house)s, now(), now(), 'person', p.name, '', '', lower(p.name), '', '', '', '', '', '{}', g.n %% 50 = 0, 'bench'
  FROM generate_series(1, %(units)s::bigint) AS g (n) JOIN person p ON p.n = 1 + (g.n * 7) %% (SELECT count(*) FROM person);
INSERT INTO crm_contactpoint (organization_id, created_at, updated_at, contact_id, kind, value, raw, country, line_type, status,
    is_primary, notes)
SELECT %(house)s, now(), now(), id, 'phone', '+9715' || lpad((id * 48271 %% 100000000)::text, 8, '0'), '', 'AE', 'mobile', 'valid', true, ''
  FROM crm_contact WHERE organization_id = %(house)s AND id %% 10 < 8;
INSERT INTO crm_contactpoint (organization_id, created_at, updated_at, contact_id, kind, value, raw, country, line_type, status,
    is_primary, notes)
SELECT %(house)s, now(), now(), id, 'email', 'owner' || id || '@example.com', '', '', '', 'valid', true, ''
  FROM crm_contact WHERE organization_id = %(house)s AND id %% 10 < 3;
INSERT INTO crm_ownership (organization_id, created_at, updated_at, property_id, contact_id, is_primary)
SELECT %(house)s, now(), now(), p.id, c.id, true
  FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM crm_property WHERE organization_id = %(house)s) p
  JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM crm_contact WHERE organization_id = %(house)s) c USING (n)
 WHERE n %% 10 < 9;
INSERT INTO crm_searchword (organization_id, created_at, updated_at, word)
SELECT %(house)s, now(), now(), word FROM (
    SELECT DISTINCT unnest(string_to_array(majlis_spaced(name), ' ')) AS word
      FROM (SELECT name FROM place UNION ALL SELECT name FROM person UNION ALL VALUES ('Cluster'), ('Project')) named) said
 WHERE length(word) >= 4 AND word !~ '[0-9]';
"""
TABLES = ("crm_project", "crm_property", "crm_contact", "crm_contactpoint", "crm_ownership", "crm_searchword")


def build(connection: Any, houses: list[int], units: int) -> None:
    """Fill the houses. A superuser's connection: the wall and the triggers would only slow what is true anyway."""
    connection.execute("SET session_replication_role = replica")
    connection.execute("SET maintenance_work_mem = '512MB'")
    connection.execute("SET search_path = public")
    connection.execute("SET enable_nestloop = off")  # tables just filled look empty to the planner
    connection.execute(_NAMES)
    indexes = connection.execute(
        """SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
            WHERE indrelid = ANY (%s::regclass[]) AND NOT indisunique""",
        [list(TABLES)],
    ).fetchall()
    for name, _definition in indexes:
        connection.execute(f"DROP INDEX {name}")
    for house, share in zip(houses, SHARES, strict=True):
        for statement in _HOUSE.split(";\n"):
            if statement.strip():
                connection.execute(statement, {"house": house, "units": int(units * share)}, prepare=False)
    for _name, definition in indexes:
        connection.execute(definition)
    for table in TABLES:
        connection.execute(f"VACUUM (ANALYZE) {table}")
