"""The words of names that were there before triggers kept them (0006). Data only; running it again adds nothing."""

from django.db import migrations

# One organisation after the other: forced row-level security lets nobody write a row of another than the one that is set.
WORDS = r"""
DO $$
DECLARE
    before text := current_setting('majlis.organization', true);
    house bigint;
BEGIN
    FOR house IN SELECT id FROM core_organization ORDER BY id LOOP
        PERFORM set_config('majlis.organization', house::text, true);
        INSERT INTO crm_searchword (organization_id, word, created_at, updated_at)
        SELECT house, found.word, now(), now() FROM (
            SELECT DISTINCT said.word
              FROM (
                  SELECT DISTINCT c.display_name FROM crm_contact c WHERE c.organization_id = house
                   UNION SELECT j.name || ' ' || j.master_project FROM crm_project j WHERE j.organization_id = house
                   UNION SELECT p.building || ' ' || p.cluster FROM crm_property p WHERE p.organization_id = house
              ) named (name)
             CROSS JOIN LATERAL unnest(string_to_array(majlis_spaced(named.name), ' ')) AS said (word)
             WHERE length(said.word) BETWEEN 4 AND 40 AND said.word !~ '[0-9]'
        ) found
         WHERE NOT EXISTS (SELECT FROM crm_searchword k WHERE k.organization_id = house AND k.word = found.word);
    END LOOP;
    PERFORM set_config('majlis.organization', coalesce(before, ''), true);
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("crm", "0011_bulk_changes")]

    operations = [migrations.RunSQL(WORDS, migrations.RunSQL.noop)]
