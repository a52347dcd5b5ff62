"""Indexes of entries without what the account or the transfer implies: about 80 bytes less for each of millions."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_posting_into_open_periods")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE ledger_entry DROP CONSTRAINT IF EXISTS ledger_entry_organization_id_key",
            migrations.RunSQL.noop,  # `migrate` of an older version adds it again (core/protection.py)
        ),
        migrations.RemoveIndex(model_name="entry", name="ledger_entry_of_transfer"),
        migrations.AddIndex(
            model_name="entry", index=models.Index(fields=["transfer"], name="ledger_entry_of_transfer")
        ),
        migrations.RemoveIndex(model_name="entry", name="ledger_entry_by_date"),
        migrations.AddIndex(
            model_name="entry", index=models.Index(fields=["account", "effective_on"], name="ledger_entry_by_date")
        ),
    ]
