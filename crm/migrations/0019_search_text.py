"""The text that the search box reads stands in a column, an agent's few units are looked through once, and nothing is asked
twice. The functions before (0008) come back when this is taken back."""

from importlib import import_module

import django.contrib.postgres.indexes
from django.db import migrations, models

_before = import_module("crm.migrations.0008_search_by_steps")

UNITS = r"""
CREATE OR REPLACE FUNCTION majlis_search_units(asked text, own_projects bigint[], own_units bigint[], most integer)
RETURNS TABLE (id bigint, tier integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off SET enable_indexscan = off AS $$
#variable_conflict use_column
DECLARE
    here bigint := NULLIF(current_setting('majlis.organization', true), '')::bigint;
    words text[] := (string_to_array(btrim(majlis_spaced(left(asked, 200))), ' '))[1:6];
    whole text := array_to_string(words, '');
    house text := 'o' || here || 'o %';
    mine text := '';
    found bigint[] := '{}';
    more bigint[];
    condition text;
    asked_before text[] := '{}';
    is_named boolean;
    named integer;
    project_ids bigint[];
    project_texts text[];
    joined text;
    side_by_side text;
    is_small boolean := false;
    ways text := '';
    loosest text;
BEGIN
    IF here IS NULL OR whole = '' THEN RETURN; END IF;
    IF own_projects IS NOT NULL THEN
        IF own_projects = '{}' AND own_units = '{}' THEN RETURN; END IF;
        mine := format(' AND (p.project_id = ANY (%L) OR p.id = ANY (%L))', own_projects, own_units);
        PERFORM set_config('enable_indexscan', 'on', true);  -- the index alone says how many there are
        is_small := (SELECT count(*) FROM (SELECT FROM crm_property p WHERE p.organization_id = here
            AND p.project_id = ANY (own_projects) LIMIT 30001) own) <= 30000;
        PERFORM set_config('enable_indexscan', 'off', true);
    END IF;
    -- the P of a P-number is typed or not
    IF whole ~ '^p\d{5,}$' THEN whole := substr(whole, 2); words := ARRAY[whole]; END IF;
    joined := format('p.search_text LIKE %L', house || ' ' || whole || '%');
    side_by_side := format('(p.search_text LIKE %L)::integer', house || ' ' || array_to_string(words, ' ') || ' %');
    SELECT array_agg(j.id), array_agg(majlis_spaced(j.name || ' ' || j.master_project))
      INTO project_ids, project_texts
      FROM crm_project j WHERE j.organization_id = here AND j.deleted_at IS NULL
       AND (own_projects IS NULL OR j.id = ANY (own_projects) OR j.id IN (
            SELECT p.project_id FROM crm_property p WHERE p.organization_id = here AND p.id = ANY (own_units)));
    -- `marina gate 2`: no identifier that was typed with gaps, which would have to be looked up as one word.
    is_named := cardinality(words) > 1 AND EXISTS (
        SELECT FROM crm_searchword k WHERE k.organization_id = here AND k.word = words[1]);

    FOR step IN 1..5 LOOP
        -- An identifier typed whole is the answer; one word is a word or is not; parts and likenesses are for want of better.
        EXIT WHEN step = 2 AND cardinality(found) > 0 AND whole ~ '[0-9]' AND length(whole) > 5;
        EXIT WHEN step >= 4 AND cardinality(found) > 0;
        CONTINUE WHEN step = 1 AND is_named;
        -- Once by the words of the unit alone, which one scan of the index answers; then with its project's name, where
        -- a word stands in one.
        FOR by_project IN 0..1 LOOP
            CONTINUE WHEN step = 2 AND by_project = 0 AND cardinality(words) = 1;
            CONTINUE WHEN step = 3 AND by_project = 1 AND cardinality(found) > 0;
            SELECT string_agg(format('(%s)', each.said), ' AND '), sum(each.named) INTO condition, named FROM (
                SELECT string_agg(either.said, ' OR ') AS said, sum(either.named) AS named
                  FROM unnest(CASE WHEN step = 1 THEN ARRAY[whole] ELSE words END) WITH ORDINALITY AS typed (word, place)
                 CROSS JOIN LATERAL unnest(
                     CASE WHEN step < 5 OR length(typed.word) < 4 OR typed.word ~ '\d' THEN ARRAY[typed.word]
                          ELSE array_append(array_remove(majlis_alike(here, typed.word), typed.word), typed.word) END) AS taken (word)
                 CROSS JOIN LATERAL (
                     SELECT CASE WHEN step <= 2 THEN ' ' || taken.word || ' %'
                                 WHEN step = 3 OR length(taken.word) < 3 THEN ' ' || taken.word || '%'
                                 ELSE taken.word || '%' END AS pattern
                 ) shape
                 CROSS JOIN LATERAL (
                     SELECT format('p.search_text LIKE %L', house || pattern) AS said, 0 AS named
                      UNION ALL
                     SELECT format('p.project_id = ANY (%L)', array_agg(j.id)), 1
                       FROM unnest(project_ids, project_texts) AS j (id, words)
                      WHERE by_project = 1 AND j.words LIKE '%' || pattern HAVING count(*) > 0
                 ) either
                 GROUP BY typed.place
            ) each;
            CONTINUE WHEN by_project = 1 AND named = 0;
            IF is_small AND step >= 4 THEN
                loosest := CASE WHEN cardinality(words) = 1 OR is_named OR step = 5 THEN condition ELSE format('((%s) OR %s)', condition, joined) END;
            END IF;
            CONTINUE WHEN condition = ANY (asked_before);
            asked_before := array_append(asked_before, condition);
            IF step = 3 AND by_project = 0 AND cardinality(words) > 1 AND NOT is_named THEN
                condition := format('((%s) OR %s)', condition, joined);
            END IF;
            IF is_small THEN
                ways := ways || format(' WHEN %s THEN %s', condition, 2 * step + by_project);
                CONTINUE;
            END IF;
            -- those where the words stand side by side come first, among as many as cost nothing
            EXECUTE format(
                'SELECT array_agg(id) FROM (SELECT id FROM (SELECT p.id, %s AS nearness FROM crm_property p'
                ' WHERE p.organization_id = %s AND p.deleted_at IS NULL AND %s%s AND p.id <> ALL (%L) LIMIT %s) q'
                ' ORDER BY nearness DESC LIMIT %s) best',
                CASE WHEN is_named AND step = 2 THEN side_by_side ELSE '0' END,
                here, condition, mine, found,
                CASE WHEN is_named AND step = 2 THEN greatest(most, 300) ELSE most END - cardinality(found),
                most - cardinality(found)) INTO more;
            IF more IS NOT NULL THEN
                RETURN QUERY SELECT u.id, step FROM unnest(more) AS u (id);
                found := found || more;
                IF cardinality(found) >= most THEN RETURN; END IF;
            END IF;
        END LOOP;
        -- Few units are looked through once, for the loosest fit, and ranked: their own index and that of the words leave few
        -- rows to read. Step by step each would read all that the house has of a word, to see that none of it is theirs.
        IF step >= 4 AND ways <> '' THEN
            RETURN QUERY EXECUTE format(
                'WITH fit AS MATERIALIZED (SELECT p.id, CASE%s END AS way, %s AS nearness FROM crm_property p'
                ' WHERE p.organization_id = %s AND p.deleted_at IS NULL AND %s%s)'
                ' SELECT id, way / 2 FROM fit WHERE way <= (SELECT CASE WHEN min(way) < 4 AND %L THEN 3 WHEN min(way) < 7 THEN 6'
                ' WHEN min(way) = 7 THEN 7 ELSE 11 END FROM fit) ORDER BY way, nearness DESC, id DESC LIMIT %s',
                ways, side_by_side, here, loosest, mine, whole ~ '[0-9]' AND length(whole) > 5, most);
            GET DIAGNOSTICS named = ROW_COUNT;
            IF named > 0 THEN RETURN; END IF;
            ways := '';
        END IF;
    END LOOP;
END
$$;
"""

CONTACTS = r"""
CREATE OR REPLACE FUNCTION majlis_search_contacts(asked text, reads_numbers boolean, calling_code text,
    own_members bigint[], own_projects bigint[], own_units bigint[], most integer)
RETURNS TABLE (id bigint, tier integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off SET enable_indexscan = off SET enable_bitmapscan = on AS $$
#variable_conflict use_column
DECLARE
    here bigint := NULLIF(current_setting('majlis.organization', true), '')::bigint;
    words text[] := (string_to_array(btrim(majlis_spaced(left(asked, 200))), ' '))[1:6];
    digits text := ltrim(regexp_replace(majlis_fold(left(asked, 60)), '\D', '', 'g'), '0');
    address text := lower(btrim(left(asked, 254)));
    is_number boolean := majlis_fold(left(asked, 60)) !~ '[^\d\s+().\-/]';
    house text := 'o' || here || 'o %';
    mine text := '';
    found bigint[] := '{}';
    more bigint[];
    step integer;
    way integer;
    ways integer;
    phrase text := array_to_string(words, ' ');
    condition text;
    condition_here text;
    asked_before text[] := '{}';
    name_of CONSTANT text := 'majlis_spaced(c.display_name)';
    rows_of text;
    sorted text;
BEGIN
    IF here IS NULL OR words = '{""}' OR cardinality(words) = 0 THEN RETURN; END IF;
    IF own_members IS NOT NULL THEN
        mine := format(
            ' AND (c.assigned_to_id = ANY (%L) OR EXISTS (SELECT FROM crm_ownership o JOIN crm_property p'
            ' ON p.organization_id = o.organization_id AND p.id = o.property_id WHERE o.organization_id = c.organization_id'
            ' AND o.contact_id = c.id AND o.until IS NULL AND o.deleted_at IS NULL AND p.deleted_at IS NULL'
            ' AND (p.project_id = ANY (%L) OR p.id = ANY (%L))))', own_members, own_projects, own_units);
    END IF;
    FOR step IN 1..5 LOOP
        EXIT WHEN step >= 4 AND cardinality(found) > 0;
        condition := NULL;
        IF position('@' IN address) > 0 THEN
            condition := CASE
                WHEN step = 1 THEN format('k.value = %L', address)
                WHEN step = 3 AND reads_numbers AND address ~ '^[^%%_\\]+$'
                    THEN format('k.value LIKE %L', address || '%') END;
        ELSIF is_number AND (length(digits) >= 7 OR reads_numbers AND length(digits) >= 4) THEN
            condition := CASE
                WHEN step = 1 THEN format('k.value = %L', '+' || digits)
                WHEN step = 3 THEN concat_ws(' OR ',
                    CASE WHEN length(digits) >= 7 OR reads_numbers
                         THEN format('reverse(k.value) LIKE %L', reverse(digits) || '%') END,
                    CASE WHEN reads_numbers
                         THEN format('k.value LIKE %L OR k.value LIKE %L', '+' || digits || '%', '+' || calling_code || digits || '%') END)
                END;
        END IF;
        ways := 0;
        IF condition IS NOT NULL THEN
            condition := format(
                'c.id IN (SELECT k.contact_id FROM crm_contactpoint k WHERE k.organization_id = %s'
                ' AND k.deleted_at IS NULL AND (%s))', here, condition);
        ELSIF NOT is_number AND position('@' IN address) = 0 THEN
            SELECT string_agg(each.said, ' AND ') INTO condition FROM (
                SELECT format('(%s)', string_agg(
                    format('c.search_text LIKE %L', house ||
                        CASE WHEN step <= 2 THEN ' ' || taken.word || ' %'
                             WHEN step = 3 OR length(taken.word) < 3 THEN ' ' || taken.word || '%'
                             ELSE taken.word || '%' END), ' OR ')) AS said
                  FROM unnest(words) WITH ORDINALITY AS typed (word, place)
                 CROSS JOIN LATERAL unnest(
                     CASE WHEN step < 5 OR length(typed.word) < 4 OR typed.word ~ '\d' THEN ARRAY[typed.word]
                          ELSE array_append(array_remove(majlis_alike(here, typed.word), typed.word), typed.word) END) AS taken (word)
                 GROUP BY typed.place
            ) each;
            IF step <= 3 THEN ways := 1; END IF;
            IF step = 1 THEN
                -- LIKE, as the order by a text that is equal to something means nothing to the planner
                condition := format('%s LIKE %L', name_of, ' ' || phrase || ' ');
            END IF;
        END IF;
        CONTINUE WHEN condition IS NULL OR condition = ANY (asked_before);
        asked_before := array_append(asked_before, condition);
        -- Ways 1 and 2 are quick where very many fit, which the index of trigrams would gather one and all: names that begin
        -- with what was typed, in their order, and words such as `al` among the newest few. Own-only members hold too few for them to find any.
        FOR way IN REVERSE 2..0 LOOP
            CONTINUE WHEN way = 2 AND ways = 0;
            CONTINUE WHEN way = 1 AND (ways = 0 OR step <> 2 OR length(phrase) > 3);
            CONTINUE WHEN way = 0 AND ways = 1 AND step = 1;
            CONTINUE WHEN way > 0 AND step > 1 AND own_members IS NOT NULL;
            rows_of := 'crm_contact';
            condition_here := condition;
            sorted := '';
            IF way = 2 THEN
                IF step > 1 THEN
                    condition_here := format(
                        '%s LIKE %L', name_of, ' ' || phrase || CASE step WHEN 2 THEN ' %' ELSE '%' END);
                END IF;
                sorted := format(' ORDER BY %s USING ~<~', name_of);  -- so that this index is taken and no other
            ELSIF way = 1 THEN
                rows_of := format(
                    '(SELECT * FROM crm_contact WHERE organization_id = %s AND deleted_at IS NULL ORDER BY id DESC LIMIT 1000)', here);
            END IF;
            PERFORM set_config('enable_indexscan', CASE WHEN way > 0 THEN 'on' ELSE 'off' END, true),
                    set_config('enable_bitmapscan', CASE WHEN way > 0 THEN 'off' ELSE 'on' END, true);
            EXECUTE format(
                'SELECT array_agg(id) FROM (SELECT c.id FROM %s c WHERE c.organization_id = %s'
                ' AND c.deleted_at IS NULL AND %s%s AND c.id <> ALL (%L)%s LIMIT %s) q',
                rows_of, here, condition_here, mine, found, sorted, most - cardinality(found)) INTO more;
            IF more IS NOT NULL THEN
                RETURN QUERY SELECT u.id, step FROM unnest(more) AS u (id);
                found := found || more;
            END IF;
            EXIT WHEN cardinality(found) >= most;
        END LOOP;
        EXIT WHEN cardinality(found) >= most;
    END LOOP;
END
$$;
"""


OF_UNITS = models.Func(
    *(models.F(name) for name in (
        "organization", "p_number", "registration", "municipality_number", "plot_number", "unit_number", "dewa_number", "building", "cluster",
    )),
    function="majlis_unit_words", output_field=models.TextField(),
)  # fmt: skip
OF_CONTACTS = models.Func(
    models.F("organization"), models.F("display_name"), function="majlis_contact_words", output_field=models.TextField()
)  # fmt: skip


def _words(name: str) -> models.Index:
    return django.contrib.postgres.indexes.GinIndex(
        django.contrib.postgres.indexes.OpClass(models.F("search_text"), "gin_trgm_ops"),
        condition=models.Q(("deleted_at__isnull", True)),
        name=name,
    )


class Migration(migrations.Migration):
    dependencies = [("crm", "0018_rules_of_stock_and_people")]

    operations = [
        operation
        for model, expression in [("property", OF_UNITS), ("contact", OF_CONTACTS)]
        for operation in [
            migrations.RemoveIndex(model_name=model, name=f"crm_{model}_words"),
            migrations.AddField(
                model_name=model,
                name="search_text",
                field=models.GeneratedField(db_persist=True, expression=expression, output_field=models.TextField()),
            ),
            migrations.AddIndex(model_name=model, index=_words(f"crm_{model}_words")),
        ]
    ] + [migrations.RunSQL(UNITS, _before.UNITS), migrations.RunSQL(CONTACTS, _before.CONTACTS)]
