"""Let the application refresh the planner's statistics of a table after it has filled it."""

from django.db import migrations

# The application owns no table, so it may not ANALYZE one; after a large import the planner would think the table
# empty until autovacuum comes round. Runs as the owner, and touches statistics only.
CREATE = """
CREATE FUNCTION majlis_analyze(tables regclass[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE one regclass;
BEGIN
    FOREACH one IN ARRAY tables LOOP
        EXECUTE format('ANALYZE %s', one);
    END LOOP;
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0002_membership_reports_to_no_cycle")]

    operations = [migrations.RunSQL(CREATE, "DROP FUNCTION majlis_analyze(regclass[])")]
