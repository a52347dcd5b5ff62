"""Search stops at the first step that is good enough: an identifier typed whole is the answer, and parts and likenesses are
for want of better. The functions are replaced in place, the old ones come back when it is taken back."""

from importlib import import_module

from django.db import migrations

_before = import_module("crm.migrations.0005_search_functions")

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
    text_of CONSTANT text := 'majlis_unit_words(p.organization_id, p.p_number, p.registration, p.municipality_number, p.plot_number, '
        'p.unit_number, p.dewa_number, p.building, p.cluster)';
    house text := 'o' || here || 'o %';
    mine text := '';
    found bigint[] := '{}';
    more bigint[];
    condition text;
    named integer;
    project_ids bigint[];
    project_texts text[];
BEGIN
    IF here IS NULL OR whole = '' THEN RETURN; END IF;
    IF own_projects IS NOT NULL THEN
        mine := format(' AND (p.project_id = ANY (%L) OR p.id = ANY (%L))', own_projects, own_units);
    END IF;
    -- the P of a P-number is typed or not
    IF whole ~ '^p\d{5,}$' THEN whole := substr(whole, 2); words := ARRAY[whole]; END IF;
    SELECT array_agg(j.id), array_agg(majlis_spaced(j.name || ' ' || j.master_project))
      INTO project_ids, project_texts
      FROM crm_project j WHERE j.organization_id = here AND j.deleted_at IS NULL;

    FOR step IN 1..5 LOOP
        -- An identifier typed whole is the answer; one word is a word or is not; parts and likenesses are for want of better.
        EXIT WHEN step = 2 AND cardinality(found) > 0 AND whole ~ '[0-9]' AND length(whole) > 5;
        EXIT WHEN step >= 4 AND cardinality(found) > 0;
        -- Once by the words of the unit alone, which one scan of the index answers; then with its project's name, where
        -- a word stands in one.
        FOR by_project IN 0..1 LOOP
            CONTINUE WHEN step = 2 AND by_project = 0 AND cardinality(words) = 1;
            SELECT string_agg(format('(%s)', each.said), ' AND '), sum(each.named) INTO condition, named FROM (
                SELECT string_agg(either.said, ' OR ') AS said, sum(either.named) AS named
                  FROM unnest(CASE WHEN step = 1 THEN ARRAY[whole] ELSE words END) WITH ORDINALITY AS typed (word, place)
                 CROSS JOIN LATERAL unnest(
                     CASE WHEN step < 5 OR length(typed.word) < 4 OR typed.word ~ '\d' THEN ARRAY[typed.word]
                          ELSE array_append(majlis_alike(here, typed.word), typed.word) END) AS taken (word)
                 CROSS JOIN LATERAL (
                     SELECT CASE WHEN step <= 2 THEN ' ' || taken.word || ' %'
                                 WHEN step = 3 OR length(taken.word) < 3 THEN ' ' || taken.word || '%'
                                 ELSE taken.word || '%' END AS pattern
                 ) shape
                 CROSS JOIN LATERAL (
                     SELECT format('%s LIKE %L', text_of, house || pattern) AS said, 0 AS named
                      UNION ALL
                     SELECT format('p.project_id = ANY (%L)', array_agg(j.id)), 1
                       FROM unnest(project_ids, project_texts) AS j (id, words)
                      WHERE by_project = 1 AND j.words LIKE '%' || pattern HAVING count(*) > 0
                 ) either
                 GROUP BY typed.place
            ) each;
            CONTINUE WHEN by_project = 1 AND named = 0;
            IF step = 3 AND by_project = 0 AND cardinality(words) > 1 THEN
                condition := format('((%s) OR %s LIKE %L)', condition, text_of, house || ' ' || whole || '%');
            END IF;
            EXECUTE format(
                'SELECT array_agg(id) FROM (SELECT p.id FROM crm_property p WHERE p.organization_id = %s'
                ' AND p.deleted_at IS NULL AND %s%s AND p.id <> ALL (%L) LIMIT %s) q',
                here, condition, mine, found, most - cardinality(found)) INTO more;
            IF more IS NOT NULL THEN
                RETURN QUERY SELECT u.id, step FROM unnest(more) AS u (id);
                found := found || more;
                IF cardinality(found) >= most THEN RETURN; END IF;
            END IF;
        END LOOP;
    END LOOP;
END
$$;
"""

CONTACTS = r"""
CREATE OR REPLACE FUNCTION majlis_search_contacts(asked text, reads_numbers boolean, calling_code text,
    own_members bigint[], own_projects bigint[], own_units bigint[], most integer)
RETURNS TABLE (id bigint, tier integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off SET enable_indexscan = off AS $$
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
    condition text;
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
        IF condition IS NOT NULL THEN
            condition := format(
                'c.id IN (SELECT k.contact_id FROM crm_contactpoint k WHERE k.organization_id = %s'
                ' AND k.deleted_at IS NULL AND (%s))', here, condition);
        ELSIF NOT is_number AND position('@' IN address) = 0 THEN
            SELECT string_agg(each.said, ' AND ') INTO condition FROM (
                SELECT format('(%s)', string_agg(
                    format('majlis_contact_words(c.organization_id, c.display_name) LIKE %L', house ||
                        CASE WHEN step <= 2 THEN ' ' || taken.word || ' %'
                             WHEN step = 3 OR length(taken.word) < 3 THEN ' ' || taken.word || '%'
                             ELSE taken.word || '%' END), ' OR ')) AS said
                  FROM unnest(words) WITH ORDINALITY AS typed (word, place)
                 CROSS JOIN LATERAL unnest(
                     CASE WHEN step < 5 OR length(typed.word) < 4 OR typed.word ~ '\d' THEN ARRAY[typed.word]
                          ELSE array_append(majlis_alike(here, typed.word), typed.word) END) AS taken (word)
                 GROUP BY typed.place
            ) each;
            IF step = 1 THEN
                condition := format('majlis_contact_words(c.organization_id, c.display_name) LIKE %L',
                    'o' || here || 'o  ' || array_to_string(words, ' ') || ' ');
            END IF;
        END IF;
        CONTINUE WHEN condition IS NULL;
        EXECUTE format(
            'SELECT array_agg(id) FROM (SELECT c.id FROM crm_contact c WHERE c.organization_id = %s'
            ' AND c.deleted_at IS NULL AND %s%s AND c.id <> ALL (%L) LIMIT %s) q',
            here, condition, mine, found, most - cardinality(found)) INTO more;
        IF more IS NOT NULL THEN
            RETURN QUERY SELECT u.id, step FROM unnest(more) AS u (id);
            found := found || more;
        END IF;
        EXIT WHEN cardinality(found) >= most;
    END LOOP;
END
$$;
"""


def _again(create: str) -> str:
    return create.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)


class Migration(migrations.Migration):
    dependencies = [("crm", "0007_disclosures_reported")]

    operations = [
        migrations.RunSQL(UNITS, _again(_before.UNITS)),
        migrations.RunSQL(CONTACTS, _again(_before.CONTACTS)),
    ]
