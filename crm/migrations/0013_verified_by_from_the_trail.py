"""Who verified points before 0010 kept it, where the audit trail says so. Data only; running it again adds nothing."""

from django.db import migrations

# The last word of the trail about a point counts, and only while the point still says the same: a run of validation may
# have judged it since, somebody may have lifted a refusal. Where a token or Majlis acted there is no person to name.
# One organisation after the other, as forced row-level security asks.
VERIFIED_BY = """
DO $$
DECLARE
    before text := current_setting('majlis.organization', true);
    house bigint;
BEGIN
    FOR house IN SELECT id FROM core_organization ORDER BY id LOOP
        PERFORM set_config('majlis.organization', house::text, true);
        UPDATE crm_contactpoint p
           SET verified_by_id = m.id
          FROM (
              SELECT DISTINCT ON (a.target_id) a.target_id, a.action, a.user_id
                FROM core_auditentry a
               WHERE a.organization_id = house AND a.target_type = 'crm.contactpoint'
                 AND a.action IN ('crm.contact_point_valid', 'crm.contact_point_invalid',
                                  'crm.contact_point_do_not_contact', 'crm.contact_point_do_not_contact_lifted')
               ORDER BY a.target_id, a.id DESC
          ) said
          JOIN core_membership m ON m.organization_id = house AND m.user_id = said.user_id
         WHERE p.organization_id = house AND p.id = said.target_id AND p.verified_by_id IS NULL
           AND p.status IN ('valid', 'invalid') AND said.action = 'crm.contact_point_' || p.status;
    END LOOP;
    PERFORM set_config('majlis.organization', coalesce(before, ''), true);
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("crm", "0012_words_of_old_names")]

    operations = [migrations.RunSQL(VERIFIED_BY, migrations.RunSQL.noop)]
