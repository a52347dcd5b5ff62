"""Nobody reports to themselves through others, whoever writes the row.

One at a time within an organisation: two changes at once could each be right and together close a ring.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION core_membership_refuse_cycle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('core_membership.reports_to'), (NEW.organization_id % 2147483647)::int);
    IF EXISTS (
        WITH RECURSIVE above(id, reports_to_id) AS (
            SELECT id, reports_to_id FROM core_membership WHERE id = NEW.reports_to_id
            UNION
            SELECT m.id, m.reports_to_id FROM core_membership m JOIN above a ON m.id = a.reports_to_id
        )
        SELECT 1 FROM above WHERE id = NEW.id
    ) THEN
        RAISE EXCEPTION 'Membership % would report to itself through others.', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'core_membership_reports_to_no_cycle',
                  TABLE = 'core_membership';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER core_membership_reports_to_no_cycle
BEFORE INSERT OR UPDATE OF reports_to_id ON core_membership
FOR EACH ROW WHEN (NEW.reports_to_id IS NOT NULL) EXECUTE FUNCTION core_membership_refuse_cycle();
"""
BACKWARD = """
DROP TRIGGER core_membership_reports_to_no_cycle ON core_membership;
DROP FUNCTION core_membership_refuse_cycle();
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
