"""The queue table: room on each page for new versions of its rows, and a vacuum that does not wait for a fifth of it."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql="""
                ALTER TABLE campaigns_campaignmessage SET (
                    fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02
                )
            """,
            reverse_sql="""
                ALTER TABLE campaigns_campaignmessage RESET (
                    fillfactor, autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor
                )
            """,
        ),
    ]
