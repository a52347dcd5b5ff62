"""The functions behind the search box: text made comparable, and the two that find units and contacts (docs/adr)."""

from django.contrib.postgres.operations import BtreeGinExtension
from django.db import migrations

# Case, accents, Arabic spelling variants and Arabic digits do not count. Immutable, so that indexes may stand on it;
# most texts of an office are ASCII, and take the short way. In plpgsql, as SQL functions are opened anew for every row.
FOLD = r"""
CREATE FUNCTION majlis_fold(given text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000 AS $$
BEGIN
    IF octet_length(given) = length(given) THEN
        RETURN lower(given);
    END IF;
    RETURN translate(
        regexp_replace(lower(normalize(given, NFKD)),
            '[\u0300-\u036f\u064b-\u065f\u0670\u0640\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]', '', 'g'),
        'ٱىةؤئیکے٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', 'ايهوييكي01234567890123456789');
END
$$;
"""

# ' marina gate 2 '. Signs are named one by one: what a letter is depends on the locale of the database, what these are
# does not.
SPACED = r"""
CREATE FUNCTION majlis_spaced(given text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000 AS $$
BEGIN
    RETURN ' ' || btrim(regexp_replace(public.majlis_fold(given),
        '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u060c\u061b\u061f]+', ' ', 'g')) || ' ';
END
$$;
"""

# 'o12o 1000001 xg1234b 2047 1204 marinagate2 marina gate 2 ': an identifier is one word without its signs; names are
# words. The organisation stands in the text itself: of two keys of an index the planner leaves out the one it thinks
# dear, and would read every house's rows of a building that all of them have.
UNIT_WORDS = r"""
CREATE FUNCTION majlis_unit_words(organization_id bigint, p_number text, registration text, municipality_number text, plot_number text,
    unit_number text, dewa_number text, building text, cluster text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000 AS $$
BEGIN
    RETURN 'o' || organization_id || 'o  ' || translate(regexp_replace(
        public.majlis_fold(p_number || E'\n' || registration || E'\n' || municipality_number || E'\n' || plot_number
            || E'\n' || unit_number || E'\n' || dewa_number || E'\n' || building || E'\n' || cluster),
        '[\u0001-\u0009\u000b-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u060c\u061b\u061f]+', '', 'g'),
        E'\n', ' ') || public.majlis_spaced(building || ' ' || cluster);
END
$$;
"""

CONTACT_WORDS = r"""
CREATE FUNCTION majlis_contact_words(organization_id bigint, display_name text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000 AS $$
BEGIN
    RETURN 'o' || organization_id || 'o ' || public.majlis_spaced(display_name);
END
$$;
"""

# For sorting as people count: villa 7 stands before villa 12.
PLACE_KEY = r"""
CREATE FUNCTION majlis_place_key(building text, cluster text, unit_number text, p_number text, registration text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000 AS $$
BEGIN
    RETURN left(regexp_replace(regexp_replace(
        public.majlis_fold(building || ' ' || cluster || ' ' || unit_number || ' ' || p_number || ' ' || registration),
        '([0-9]+)', '0000000000\1', 'g'), '0*([0-9]{10,})', '\1', 'g'), 200);
END
$$;
"""

# Words of names that look like the one that was typed, the likest first.
ALIKE = """
CREATE FUNCTION majlis_alike(organization bigint, typed text) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN (SELECT COALESCE(array_agg(word), '{}') FROM (
        SELECT word FROM (
            SELECT DISTINCT k.word FROM crm_searchword k
             WHERE k.organization_id = organization AND k.word % typed
               AND k.organization_id = NULLIF(current_setting('majlis.organization', true), '')::bigint
        ) alike ORDER BY similarity(word, typed) DESC, word LIMIT 4
    ) likest);
END
$$;
"""

# Tiers: 1 one identifier or name is exactly what was typed; 2 every word is a word; 3 every word begins one; 4 every
# word is part of one; 5 nothing fits, and words that look alike are taken. A tier is asked for only while there is room.
# The statements are put together anew, so that the planner sees the patterns.
UNITS = r"""
CREATE FUNCTION majlis_search_units(asked text, own_projects bigint[], own_units bigint[], most integer)
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
        CONTINUE WHEN step = 5 AND cardinality(found) > 0;
        -- Once by the words of the unit alone, which one scan of the index answers; then with its project's name, where
        -- a word stands in one.
        FOR by_project IN 0..1 LOOP
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

# By words of the name (tiers as above), by a number or by an address (tier 1: the whole, 3: its end or its beginning).
# Who reads numbers masked finds them by their last seven digits or more, and addresses whole: never digit by digit.
CONTACTS = r"""
CREATE FUNCTION majlis_search_contacts(asked text, reads_numbers boolean, calling_code text,
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
        CONTINUE WHEN step = 5 AND cardinality(found) > 0;
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


class Migration(migrations.Migration):
    dependencies = [("crm", "0004_agents_who_leave")]

    operations = [
        BtreeGinExtension(),
        *(
            migrations.RunSQL(create, f"DROP FUNCTION {name}")
            for create, name in [
                (FOLD, "majlis_fold"),
                (SPACED, "majlis_spaced"),
                (UNIT_WORDS, "majlis_unit_words"),
                (CONTACT_WORDS, "majlis_contact_words"),
                (PLACE_KEY, "majlis_place_key"),
                (ALIKE, "majlis_alike"),
                (UNITS, "majlis_search_units"),
                (CONTACTS, "majlis_search_contacts"),
            ]
        ),
    ]
